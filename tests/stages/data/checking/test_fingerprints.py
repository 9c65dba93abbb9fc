from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from underpaint.core.artifact import read_manifest
from underpaint.core.progress import Progress
from underpaint.core.samples import read_samples
from underpaint.stages.data.checking import fingerprints
from underpaint.stages.data.checking.fingerprints import Fingerprints, fingerprint
from underpaint.stages.data.perceptual_hash import perceptual_hashes
from underpaint.stages.data.picture import read_picture
from underpaint.stages.data.thumbnail import thumbnail_of


def taken(folder: Path, cache: Path, jobs: int = 1, seen: list[Progress] | None = None) -> Fingerprints:
    report = (lambda _: None) if seen is None else seen.append
    digest = read_manifest(folder).digest
    return fingerprint(folder, read_samples(folder), digest=digest, size=None, cache=cache, jobs=jobs, report=report)


def test_fingerprints_are_those_of_each_picture(small_original: Path, tmp_path: Path) -> None:
    prints = taken(small_original, tmp_path)
    pictures = [read_picture(small_original / sample.file) for sample in read_samples(small_original)]
    thumbnails = np.stack([thumbnail_of(rgba) for rgba in pictures])
    assert np.array_equal(prints.thumbnails, thumbnails)
    assert np.array_equal(prints.hashes, perceptual_hashes(thumbnails))
    assert prints.alpha == pytest.approx([rgba[..., 3].mean() / 255 for rgba in pictures], abs=1e-6)
    assert not prints.constant.any()
    assert prints.problems == {}


def test_what_was_done_is_not_done_again(small_original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "BLOCK", 16)
    whole = taken(small_original, tmp_path)
    markers = sorted((tmp_path / "fingerprints").rglob("done-*.json"))
    assert len(markers) == 4
    markers[1].unlink()
    seen: list[Progress] = []
    again = taken(small_original, tmp_path, seen=seen)
    assert [progress.done for progress in seen] == [60]
    assert np.array_equal(again.thumbnails, whole.thumbnails)
    seen.clear()
    taken(small_original, tmp_path, seen=seen)
    assert seen == []


@pytest.mark.slow
def test_several_processes_take_the_same(small_original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "BLOCK", 16)
    alone, together = (taken(small_original, tmp_path / str(jobs), jobs) for jobs in (1, 2))
    assert np.array_equal(alone.thumbnails, together.thumbnails)
    assert np.array_equal(alone.hashes, together.hashes)


def test_a_picture_that_cannot_be_read_is_a_problem_not_an_end(small: Path, tmp_path: Path) -> None:
    file = read_samples(small)[7].file
    (small / file).write_bytes(b"no picture")
    prints = taken(small, tmp_path)
    assert list(prints.problems) == [7]
    assert file in prints.problems[7]
