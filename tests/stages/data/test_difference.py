from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.core.artifact import MANIFEST, read_manifest, seal
from underpaint.core.errors import DataError
from underpaint.core.samples import Sample, read_samples, write_samples
from underpaint.stages.data.config import DataConfig
from underpaint.stages.data.difference import difference


def rewrite(folder: Path, samples: list[Sample]) -> None:
    config = DataConfig.parse(read_manifest(folder).config, source="the tests")
    write_samples(folder, samples)
    (folder / MANIFEST).unlink()
    seal(folder, kind="dataset", stage="data", config=config, parents={})


def test_a_set_does_not_differ_from_itself(small_original: Path) -> None:
    found = difference(small_original, small_original)
    assert (found.added, found.removed, found.changed, found.settings) == ((), (), (), {})
    assert found.same == len(read_samples(small_original))


def test_every_kind_of_change_is_named(small_original: Path, small: Path) -> None:
    samples = read_samples(small)
    changes = {"caption": "new words", "sha256_pixels": "0" * 64, "split": "elsewhere", "license": "MIT-0"}
    for position, (field, value) in enumerate(changes.items(), 1):
        samples[position] = samples[position].model_copy(update={field: value})
    added = samples[0].model_copy(update={"id": "abc"})
    rewrite(small, [*samples[1:], added])
    found = difference(small_original, small)
    assert [picture.id for picture in found.removed] == [samples[0].id]
    assert [picture.id for picture in found.added] == ["abc"]
    assert found.changed_fields == {"caption": 1, "pixels": 1, "split": 1, "license": 1}
    assert found.changed[0].fields["caption"] == (read_samples(small_original)[1].caption, "new words")
    assert (found.by_split["elsewhere"].before, found.by_split["elsewhere"].after) == (0, 1)


def test_other_captions_are_compared_too(small_original: Path, small: Path) -> None:
    samples = read_samples(small)
    rewrite(small, [samples[0].model_copy(update={"alternatives": ("one", "two")}), *samples[1:]])
    assert difference(small_original, small).changed_fields == {"other captions": 1}


def test_equal_samples_of_two_digests_differ_in_the_files_that_are_named(small_original: Path, small: Path) -> None:
    (small / "NOTICE").write_text("other words\n")
    (small / "MORE").write_text("new\n")
    rewrite(small, read_samples(small))
    found = difference(small_original, small)
    assert (found.added, found.removed, found.changed) == ((), (), ())
    assert found.first != found.second
    assert found.files.pop("MORE") == "added"
    assert found.files.pop("NOTICE") == "changed"
    assert found.files.keys() <= {"samples.jsonl"}


def test_the_way_back_swaps_what_was_added_and_removed(small_original: Path, small: Path) -> None:
    rewrite(small, read_samples(small)[3:])
    there, back = difference(small_original, small), difference(small, small_original)
    assert there.removed == back.added
    assert there.added == back.removed
    assert len(there.removed) == 3


def test_an_id_that_stands_twice_is_refused(small_original: Path, small: Path) -> None:
    samples = read_samples(small)
    rewrite(small, [*samples, samples[0]])
    with pytest.raises(DataError, match="stands twice"):
        difference(small_original, small)
