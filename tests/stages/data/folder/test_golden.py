"""A build of the same input is the same, byte for byte, from version to version.

The golden file was made before builds were streamed, by ``python tests/stages/data/folder/test_golden.py``. What the
version of Pillow changes (PNG files, and what holds their hashes) is compared where that version made the file.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL import __version__ as pillow_version

from underpaint.core.artifact import MANIFEST
from underpaint.core.errors import DataError
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.run import run

GOLDEN = Path(__file__).parent / "golden" / "builds.json"
COUNT = 150
WORDS = ("amber", "blue", "coral", "drab", "ebony", "fawn", "green", "hazel")
DRAWN = ("croissant.json", "contact_sheet.png", MANIFEST)
"""Files that hold drawn pixels or their hashes."""


def picture(number: int) -> bytes:
    """A BMP file, the same whatever the version of Pillow; every tenth is nearly its forerunner."""
    colors = np.random.default_rng(number - (number % 10 == 9)).integers(0, 240, (6, 8, 3), dtype=np.uint8)
    stream = io.BytesIO()
    enlarged = Image.fromarray(colors + np.uint8(3 * (number % 10 == 9))).resize((48, 36), Image.Resampling.NEAREST)
    enlarged.save(stream, "BMP")
    return stream.getvalue()


def caption(number: int) -> str:
    return f"A {WORDS[number % 8]}  thing, Number {number // 3}"


def rich(folder: Path) -> Path:
    """An image folder with all columns, given splits, subfolders, copies and faults."""
    rows = []
    for number in range(COUNT):
        place = f"{('train', 'more', 'validation')[number % 13 % 3]}/p{number:03d}.bmp"
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_bytes(picture(number))
        row: dict[str, Any] = {"file_name": place, "text": caption(number)}
        row |= {"style": ("", "flat", "line")[number % 3], "author": ("Ann Lee", "Zoe")[number % 2]}
        row |= {"license": ("CC0-1.0", "CC-BY-4.0", "MIT")[number % 7 % 3]}
        row |= {"group": f"group {number // 4}"} if number % 5 < 2 else {}
        row |= {"weight": number % 4 + 0.5} if number % 11 == 0 else {}
        row |= {"source": "https://example.org/b"} if number % 17 == 0 else {}
        row |= {"id": f"Chosen {number}"} if number % 19 == 0 else {}
        row |= {"split": "test"} if number % 23 == 0 else {}
        rows.append(row)
    for number, fault in enumerate(({"text": ""}, {"license": "CC-BY-SA-4.0"}, {"split": "none"}, {"weight": "x"})):
        rows[7 * number + 20] |= fault
    copies = [{**rows[3], "file_name": "copy.bmp"}, {**rows[5], "file_name": "other.bmp"}]
    (folder / "copy.bmp").write_bytes(picture(3))
    (folder / "other.bmp").write_bytes(picture(5))
    (folder / "blank.bmp").write_bytes(picture(0)[:54] + bytes(48 * 36 * 3))
    (folder / "spare.png").write_bytes(b"spare")
    rows += [*copies, {**rows[1], "file_name": "blank.bmp"}]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def beside(folder: Path) -> Path:
    """Captions beside the pictures; no split is given."""
    for number in range(COUNT):
        place = folder / f"{'abc'[number % 3]}{number:03d}.bmp"
        place.write_bytes(picture(number))
        place.with_suffix(".txt").write_text(caption(number) if number != 77 else " ")
    return folder


def shards(folder: Path) -> Path:
    """Two shards; of one the name gives the split."""
    for name, numbers in (("train-0.tar", range(90)), ("more-1.tar", range(90, COUNT))):
        with tarfile.open(folder / name, "w", format=tarfile.USTAR_FORMAT) as tar:
            for number in numbers:
                text = json.dumps({"text": caption(number), "group": f"g{number // 2}"}).encode()
                kinds = (("bmp.png", picture(number)), ("json", text))
                for ending, content in itertools.islice(kinds, 2 - (number == 40)):
                    info = tarfile.TarInfo(f"k{number:03d}.{ending.removeprefix('bmp.')}")
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
    return folder


def missing(folder: Path) -> Path:
    """The same with rows that name no file."""
    with (rich(folder) / "metadata.jsonl").open("a") as file:
        file.writelines(json.dumps({"file_name": f"gone{n}.bmp", "text": "gone"}) + "\n" for n in range(30))
    return folder


CASES: dict[str, tuple[Callable[[Path], Path], bool]] = {
    "rich": (rich, True),
    "beside": (beside, True),
    "shards": (shards, True),
    "refused": (missing, False),
}
"""Name to what makes the input, and whether faulty rows may go."""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def built(name: str, work: Path) -> dict[str, str]:
    """Build a case and return name to hash of all that came out of it."""
    make, keep_going = CASES[name]
    folder, out = work / "mine", work / "out"
    folder.mkdir()
    config = FolderConfig(name="mine", license="CC0-1.0", author="Who Built It", size=32)
    try:
        run(config, make(folder), out, keep_going=keep_going, jobs=1)
    except DataError as error:
        return {"message": digest(str(error).replace(str(work), "").encode()), "kind": type(error).__name__}
    found = {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    document = json.loads(found[MANIFEST])
    del document["versions"]
    found[MANIFEST] = json.dumps(document).encode()
    pictures = b"".join(found.pop(file) for file in list(found) if file.endswith(".png") and "/" in file)
    return {file: digest(content) for file, content in found.items()} | {"pictures": digest(pictures)}


@pytest.mark.parametrize("name", CASES)
def test_a_build_is_what_it_was(name: str, tmp_path: Path) -> None:
    golden = json.loads(GOLDEN.read_text())
    found, wanted = built(name, tmp_path), golden[name]
    left_out = () if golden["pillow"] == pillow_version else (*DRAWN, "pictures")
    assert {k: v for k, v in found.items() if k not in left_out} == {
        k: v for k, v in wanted.items() if k not in left_out
    }


def remake() -> None:
    """Write the golden file."""
    content: dict[str, Any] = {"pillow": pillow_version}
    for name in CASES:
        with tempfile.TemporaryDirectory() as work:
            content[name] = built(name, Path(work))
    GOLDEN.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(remake())
