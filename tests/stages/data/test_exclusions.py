from __future__ import annotations

import json
from pathlib import Path

import pytest

from underpaint.core.errors import DataError, InputError, StorageError
from underpaint.core.samples import Sample, read_samples
from underpaint.stages.data.checking.record import Suspect
from underpaint.stages.data.exclusions import read_exclusions, write_exclusions


@pytest.fixture
def samples(small_original: Path) -> list[Sample]:
    return read_samples(small_original)


def suspect(sample: Sample, reason: str) -> Suspect:
    return Suspect(id=sample.id, style=sample.style, file=sample.file, check="blank", severity="error", reason=reason)


def test_a_written_list_reads_back_in_the_order_of_the_samples(samples: list[Sample], tmp_path: Path) -> None:
    found = [suspect(samples[5], "one"), suspect(samples[2], "two"), suspect(samples[5], "three")]
    path = write_exclusions(tmp_path / "list.jsonl", found)
    read = read_exclusions(path, samples)
    assert [(e.file, e.reasons) for e in read] == [
        (samples[2].file, ("two",)),
        (samples[5].file, ("one", "three")),
    ]


def test_a_person_may_name_pictures_by_id_and_style(samples: list[Sample], tmp_path: Path) -> None:
    row = {"id": samples[3].id, "style": samples[3].style}
    path = tmp_path / "list.jsonl"
    path.write_text(json.dumps(row) + "\n\n")
    assert [e.file for e in read_exclusions(path, samples)] == [samples[3].file]


def test_a_list_that_an_editor_saved_reads_like_the_one_that_was_written(samples: list[Sample], tmp_path: Path) -> None:
    path = write_exclusions(tmp_path / "list.jsonl", [suspect(samples[i], f"odd\u2028\x85words {i}") for i in (0, 4)])
    saved = tmp_path / "saved.jsonl"
    saved.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_exclusions(saved, samples) == read_exclusions(path, samples)
    assert [e.reasons for e in read_exclusions(saved, samples)] == [(f"odd\u2028\x85words {i}",) for i in (0, 4)]


@pytest.mark.parametrize(
    ("text", "error", "named"),
    [
        ("no json", InputError, "line 1"),
        ('{"reason": "none"}', InputError, "'file'"),
        ('{"file": "a", "file": "b"}', InputError, "twice"),
        ('{"file": "images/none.png"}', DataError, "line 1"),
        ('{"id": "none", "style": "flat"}', DataError, "line 1"),
        ("[1]", InputError, "object"),
        ('{"file": ["a"], "id": "a"}', InputError, "'file'"),
        ('{"file": null, "id": "a"}', InputError, "'file'"),
    ],
)
def test_what_names_no_picture_is_refused(
    samples: list[Sample], tmp_path: Path, text: str, error: type[Exception], named: str
) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(text + "\n")
    with pytest.raises(error, match=named):
        read_exclusions(path, samples)


def test_a_list_that_cannot_be_read_is_refused(samples: list[Sample], tmp_path: Path) -> None:
    (tmp_path / "list.jsonl").write_bytes(b"\xff\xfe")
    for name in ("list.jsonl", "none.jsonl"):
        with pytest.raises(InputError, match=name):
            read_exclusions(tmp_path / name, samples)


def test_a_list_is_not_overwritten(samples: list[Sample], tmp_path: Path) -> None:
    write_exclusions(tmp_path / "list.jsonl", [])
    with pytest.raises(StorageError, match="exists already"):
        write_exclusions(tmp_path / "list.jsonl", [suspect(samples[0], "one")])
