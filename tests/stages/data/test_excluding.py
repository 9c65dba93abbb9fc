from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

from underpaint.core.artifact import list_files, read_manifest, verify
from underpaint.core.errors import DataError, InputError, StorageError
from underpaint.core.samples import read_samples
from underpaint.stages.data.card_check import card_problems
from underpaint.stages.data.checking.run import check_data
from underpaint.stages.data.difference import difference
from underpaint.stages.data.excluding import exclude
from underpaint.stages.data.facts import count_samples


def write_list(path: Path, files: list[str]) -> Path:
    path.write_text("".join(json.dumps({"file": file, "reason": "looks odd"}) + "\n" for file in files))
    return path


@pytest.fixture(scope="module")
def excluded(small_original: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("excluded")
    gone = [sample.file for sample in read_samples(small_original)[::7]]
    exclude(small_original, write_list(folder / "list.jsonl", gone), folder / "set")
    return folder / "set", gone


def test_only_the_pictures_of_the_list_are_gone(small_original: Path, excluded: tuple[Path, list[str]]) -> None:
    found = difference(small_original, excluded[0])
    assert [picture.file for picture in found.removed] == excluded[1]
    assert (found.added, found.changed) == ((), ())
    assert not [file for file in excluded[1] if (excluded[0] / file).exists()]


def test_the_new_set_is_sound_to_its_card(excluded: tuple[Path, list[str]], tmp_path: Path) -> None:
    assert card_problems(excluded[0]) == []
    assert check_data(excluded[0], cache=tmp_path, jobs=1).report.sound


def test_the_new_set_names_where_it_comes_from_and_why(small_original: Path, excluded: tuple[Path, list[str]]) -> None:
    manifest = verify(excluded[0], kind="dataset")
    parent = read_manifest(small_original)
    assert manifest.parents["data"] == parent.digest
    assert manifest.config == parent.config
    assert manifest.figures["samples"] == parent.figures["samples"] - len(excluded[1])
    listed = [json.loads(line) for line in (excluded[0] / "exclusions.jsonl").read_text().splitlines()]
    assert [row["file"] for row in listed] == excluded[1]
    assert "looks odd" in (excluded[0] / "DATASHEET.md").read_text()
    assert "looks odd" in json.loads((excluded[0] / "croissant.json").read_text())["rai:dataCollectionMissingData"]


def test_the_figures_of_what_is_gone_are_gone(small_original: Path, tmp_path: Path) -> None:
    flat = [sample.file for sample in read_samples(small_original) if sample.style == "flat"]
    manifest = exclude(small_original, write_list(tmp_path / "list.jsonl", flat), tmp_path / "set")
    before, kept = read_manifest(small_original).figures, read_samples(tmp_path / "set")
    assert before["samples in style flat"] == manifest.figures["excluded"] == len(flat)
    counts = {name: value for name, value in manifest.figures.items() if name.startswith("samples in ")}
    assert counts == {name: value for name, value in count_samples(kept).items() if name in counts}
    assert "samples in style flat" not in counts and "samples in style cartoon" in counts
    assert manifest.figures["clusters"] == len({sample.cluster for sample in kept})
    assert manifest.figures["license"] == before["license"]


def test_weights_add_up_to_one_again(excluded: tuple[Path, list[str]]) -> None:
    sums: dict[tuple[str, str, str], float] = defaultdict(float)
    for sample in read_samples(excluded[0]):
        sums[sample.group, sample.style, sample.split] += sample.weight
    assert list(sums.values()) == pytest.approx([1.0] * len(sums), abs=1e-4)


def test_the_old_set_stays_as_it_was(small: Path, tmp_path: Path) -> None:
    before = list_files(small)
    exclude(small, write_list(tmp_path / "list.jsonl", [read_samples(small)[0].file]), tmp_path / "set")
    assert list_files(small) == before
    verify(small)


def test_the_same_list_makes_the_same_set(small_original: Path, tmp_path: Path) -> None:
    listed = write_list(tmp_path / "list.jsonl", [read_samples(small_original)[0].file])
    digests = {exclude(small_original, listed, tmp_path / name).digest for name in ("one", "other")}
    assert len(digests) == 1


def test_nothing_is_made_of_lists_that_leave_all_or_nothing(small_original: Path, tmp_path: Path) -> None:
    every = [sample.file for sample in read_samples(small_original)]
    with pytest.raises(DataError, match="nothing would be left"):
        exclude(small_original, write_list(tmp_path / "all.jsonl", every), tmp_path / "set")
    with pytest.raises(InputError, match="names no picture"):
        exclude(small_original, write_list(tmp_path / "none.jsonl", []), tmp_path / "set")
    with pytest.raises(StorageError, match="exists already"):
        exclude(small_original, write_list(tmp_path / "one.jsonl", every[:1]), tmp_path)
    assert not (tmp_path / "set").exists()
