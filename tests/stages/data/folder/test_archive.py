from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from underpaint.core.errors import DataError, DuplicateFile, DuplicateId, MissingFile, UnsafePath
from underpaint.core.samples import read_samples

Build = Callable[..., Any]
Members = list[tuple[str, bytes]]


@pytest.fixture
def pair(encode: Callable[..., bytes], patchwork: Callable[..., Image.Image]) -> Members:
    """A good sample."""
    return [("good.png", encode(patchwork(1))), ("good.txt", b"good")]


def write_tar(path: Path, members: Members, **fields: Any) -> Path:
    """Write a tar file; ``fields`` are set on the last member."""
    with tarfile.open(path, "w") as tar:
        for number, (name, content) in enumerate(members, 1):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for field, value in fields.items() if number == len(members) else ():
                setattr(info, field, value)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("member", "fields", "error", "message"),
    [
        (("/etc/x.png", b"x"), {}, UnsafePath, "leads out of the folder"),
        (("../x.png", b"x"), {}, UnsafePath, "leads out of the folder"),
        (("a/../../x.png", b"x"), {}, UnsafePath, "leads out of the folder"),
        (("x.png", b""), {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, UnsafePath, "a link"),
        (("x.png", b""), {"type": tarfile.LNKTYPE, "linkname": "good.png"}, UnsafePath, "a link"),
        (("x.png", b""), {"type": tarfile.CHRTYPE}, UnsafePath, "a device"),
        (("x.txt", b"alone"), {}, MissingFile, "no picture"),
        (("good.png", b"again"), {}, DuplicateFile, "several pictures"),
        (("good.json", b"{"), {}, DataError, "no JSON"),
        (("good.json", b'{"text": "\xff"}'), {}, DataError, "not UTF-8 at byte 10"),
    ],
)
def test_a_bad_member_is_named(
    build: Build,
    tmp_path: Path,
    pair: Members,
    member: tuple[str, bytes],
    fields: dict[str, Any],
    error: type[DataError],
    message: str,
) -> None:
    path = write_tar(tmp_path / "bad.tar", [*pair, member], **fields)
    with pytest.raises(error, match=rf"bad.tar, .*{message}"):
        build(path)


def test_every_line_of_a_text_is_a_caption(
    build: Build, tmp_path: Path, pair: Members, encode: Callable[..., bytes], patchwork: Callable[..., Image.Image]
) -> None:
    other = [("other.png", encode(patchwork(2))), ("other.txt", b"A cat\nkitten\n\n")]
    out, _ = build(write_tar(tmp_path / "good.tar", [*pair, *other]))
    assert {sample.captions for sample in read_samples(out)} == {("good",), ("a cat", "kitten")}


def test_a_key_that_comes_again_later_is_refused(
    build: Build, tmp_path: Path, pair: Members, encode: Callable[..., bytes], patchwork: Callable[..., Image.Image]
) -> None:
    other = [("other.png", encode(patchwork(2))), ("other.txt", b"other")]
    with pytest.raises(DuplicateId, match=r"bad.tar, good"):
        build(write_tar(tmp_path / "bad.tar", [*pair, *other, *pair]))


def test_shards_in_subfolders_are_found_and_those_named_after_splits_belong_to_them(
    build: Build, tmp_path: Path, encode: Callable[..., bytes], patchwork: Callable[..., Image.Image]
) -> None:
    places = {"train/000000.TAR": 0, "train/deep/000000.tar": 1, "val/000000.tar": 2, "test-000000.tar": 3}
    for place, first in places.items():
        path = tmp_path / "shards" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        numbers = range(3 * first, 3 * first + 3)
        members = [
            (f"{n % 3}.{ending}", content)
            for n in numbers
            for ending, content in (("png", encode(patchwork(n))), ("txt", f"thing number {n}".encode()))
        ]
        write_tar(path, members)
    hidden = tmp_path / "shards" / ".cache" / "000000.tar"
    hidden.parent.mkdir()
    hidden.write_bytes(b"no tar file")
    samples = read_samples(build(tmp_path / "shards")[0])
    wanted = ["train"] * 6 + ["validation"] * 3 + ["test_concept"] * 3
    assert {s.caption: s.split for s in samples} == {f"thing number {n}": split for n, split in enumerate(wanted)}


def test_a_bad_member_of_a_shard_in_a_subfolder_is_named_with_the_folder(
    build: Build, tmp_path: Path, pair: Members
) -> None:
    (tmp_path / "shards" / "train").mkdir(parents=True)
    write_tar(tmp_path / "shards" / "train" / "bad.tar", [*pair, ("../x.png", b"x")])
    with pytest.raises(UnsafePath, match=r"train/bad\.tar, member '\.\./x\.png'"):
        build(tmp_path / "shards")


def test_an_archive_below_loose_pictures_is_not_taken_for_the_data(
    build: Build, pictures: Path, rows: list[dict[str, Any]], pair: Members
) -> None:
    for row in rows:
        (pictures / row["file_name"]).with_suffix(".txt").write_text(row["text"])
    (pictures / "copy").mkdir()
    write_tar(pictures / "copy" / "all.tar", pair)
    out, _ = build(pictures)
    assert {sample.name for sample in read_samples(out)} == {row["text"] for row in rows}


@pytest.mark.parametrize("damage", ["cut", "garbage", "zip"])
def test_a_damaged_archive_is_refused(build: Build, tmp_path: Path, pair: Members, damage: str) -> None:
    path = write_tar(tmp_path / "bad.tar", [*pair, ("other.png", bytes(5000))])
    content = bytearray(path.read_bytes())
    place = content.index(b"other.png")
    if damage == "cut":
        content = content[: place + 2000]
    elif damage == "garbage":
        content[place : place + 512] = b"x" * 512
    else:
        content[:4] = b"PK\3\4"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"no whole, uncompressed tar file|no picture|other"):
        build(path)
