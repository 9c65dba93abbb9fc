from __future__ import annotations

import json
from pathlib import Path

import pytest

from underpaint.core.errors import DataError
from underpaint.core.samples import (
    MAX_LINE_CHARACTERS,
    SAMPLES,
    STATED,
    Sample,
    SampleFile,
    read_samples,
    write_samples,
)

CAT = Sample(
    id="1f408",
    cluster="1f408",
    group="1f408",
    name="cat",
    caption="cat",
    style="flat",
    family="fluent",
    source="@iconify-json/fluent-emoji-flat@1.2.6",
    icon="cat",
    license="MIT",
    sha256_pixels="0" * 64,
    phash="0" * 16,
    split="train",
    level="",
    weight=0.5,
    file="images/flat/1f408.png",
)


def test_what_is_written_is_read_in_the_same_order(tmp_path: Path) -> None:
    samples = [CAT.model_copy(update={"id": f"{number:x}", "caption": f"“cat” {number}"}) for number in range(5)]
    write_samples(tmp_path, samples)
    assert read_samples(tmp_path) == samples


def test_equal_samples_are_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_samples(tmp_path / name, [CAT])
    assert (tmp_path / "one" / SAMPLES).read_bytes() == (tmp_path / "two" / SAMPLES).read_bytes()


def test_other_captions_are_kept_and_leave_no_trace_where_there_are_none(tmp_path: Path) -> None:
    rich = CAT.model_copy(update={"id": "rich", "alternatives": ("a cat that looks up", "kitten")})
    write_samples(tmp_path, [CAT, rich])
    assert read_samples(tmp_path) == [CAT, rich]
    assert (CAT.captions, rich.captions) == (("cat",), ("cat", "a cat that looks up", "kitten"))
    plain, other = map(json.loads, (tmp_path / SAMPLES).read_text().splitlines())
    assert set(plain) == set(STATED) and set(other) - set(plain) == {"alternatives"}


def test_a_folder_without_samples_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="underpaint data build"):
        read_samples(tmp_path)


def line(**changes: object) -> str:
    return json.dumps(CAT.model_dump() | changes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "no sample"),
        ("[]", "no sample"),
        (line(extra=1), "extra"),
        (line(weight="heavy"), "weight"),
        (json.dumps({"id": "1f408"}), "caption"),
        (line(file="../../etc/passwd"), "outside the data set"),
        (line(file="/etc/passwd"), "outside the data set"),
        (line(caption="x" * MAX_LINE_CHARACTERS), "at most"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / SAMPLES).write_text(f"{line()}\n{text}\n")
    with pytest.raises(DataError, match=f"line 2.*{expected}"):
        read_samples(tmp_path)


def test_other_encodings_are_refused_with_the_byte(tmp_path: Path) -> None:
    (tmp_path / SAMPLES).write_bytes(b'{"id": "\xff"}\n')
    with pytest.raises(DataError, match="byte 8"):
        read_samples(tmp_path)


def test_samples_in_a_file_are_gone_through_as_often_as_one_likes(tmp_path: Path) -> None:
    samples = [CAT, CAT.model_copy(update={"id": "another"})]
    write_samples(tmp_path, samples)
    found = SampleFile(tmp_path)
    assert (len(found), list(found), list(found)) == (2, samples, samples)
    assert CAT in found and CAT.model_copy(update={"id": "third"}) not in found


def test_a_compact_sample_is_the_same_sample(tmp_path: Path) -> None:
    samples = [CAT.model_copy(update={"id": f"{n}", "group": f"{n}"}) for n in range(3)]
    samples.append(CAT.model_copy(update={"alternatives": ("a cat",)}))
    write_samples(tmp_path, samples)
    one, other, *_, last = read_samples(tmp_path)
    assert [one, other, last] == [samples[0], samples[1], samples[3]]
    assert one.source is other.source and one.group is one.id
    changed = one.model_copy(update={"alternatives": ("the same",)})
    assert changed.model_fields_set == one.model_fields_set | {"alternatives"}
    assert one.model_fields_set == other.model_fields_set == set(STATED)
    write_samples(tmp_path, [changed, last])
    assert read_samples(tmp_path) == [changed, last]
