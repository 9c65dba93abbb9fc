from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from underpaint.core.errors import SplitLeak
from underpaint.core.samples import Sample, read_samples
from underpaint.stages.data.leakage import find_leaks, refuse_leaks
from underpaint.stages.data.look import Look, look_at
from underpaint.stages.data.picture import read_picture

Loaded = tuple[list[Sample], np.ndarray]


@pytest.fixture
def loaded(small_original: Path) -> Loaded:
    samples = read_samples(small_original)
    return samples, np.stack([read_picture(small_original / sample.file) for sample in samples])


def position(samples: list[Sample], split: str, style: str = "cartoon") -> int:
    return next(i for i, sample in enumerate(samples) if sample.split == split and sample.style == style)


def rules(samples: list[Sample], pictures: np.ndarray) -> set[str]:
    look: Look = look_at(list(pictures))
    return {leak.rule for leak in find_leaks(samples, look).leaks}


def test_a_sound_set_has_none(loaded: Loaded) -> None:
    assert rules(*loaded) == set()


def test_a_copy_in_another_split_is_found(loaded: Loaded) -> None:
    samples, pictures = loaded
    train, test = position(samples, "train"), position(samples, "test_concept")
    pictures[test] = pictures[train]
    samples[test] = samples[test].model_copy(update={"sha256_pixels": samples[train].sha256_pixels})
    assert rules(samples, pictures) == {"pixels", "near"}


def test_a_near_copy_in_another_split_is_found(loaded: Loaded) -> None:
    samples, pictures = loaded
    copy = pictures[position(samples, "train")].copy()
    copy[0, 0] = (0, 0, 0, 255)
    pictures[position(samples, "validation")] = copy
    assert rules(samples, pictures) == {"near"}


@pytest.mark.parametrize(("key", "rule"), [("cluster", "cluster"), ("caption", "caption")])
def test_a_concept_in_two_splits_is_found(loaded: Loaded, key: str, rule: str) -> None:
    samples, pictures = loaded
    train, test = position(samples, "train"), position(samples, "test_concept")
    samples[test] = samples[test].model_copy(update={key: getattr(samples[train], key)})
    assert rules(samples, pictures) == {rule}


def test_twins_of_the_composition_test_are_counted_not_refused(loaded: Loaded) -> None:
    samples, pictures = loaded
    one, other = [i for i, s in enumerate(samples) if s.split == "train" and s.style == "flat"][:2]
    samples[other] = samples[other].model_copy(update={"split": "test_composition"})
    pictures[other] = np.clip(pictures[one], 1, 255)
    samples = [s for i, s in enumerate(samples) if i == other or s.id != samples[other].id]
    kept = [i for i, s in enumerate(loaded[0]) if i == other or s.id != loaded[0][other].id]
    report = find_leaks(samples, look_at(list(pictures[kept])))
    assert (report.leaks, report.composition_twins) == ((), 1)


def test_a_leak_is_refused_by_name(loaded: Loaded) -> None:
    samples, pictures = loaded
    train, test = position(samples, "train"), position(samples, "test_concept")
    pictures[test] = pictures[train]
    with pytest.raises(SplitLeak, match=samples[test].file.replace(".", r"\.")):
        refuse_leaks(find_leaks(samples, look_at(list(pictures))))


def test_own_pictures_may_share_a_caption_across_splits(loaded: Loaded) -> None:
    samples, pictures = loaded
    own = [s.model_copy(update={"id": f"{s.id}.own", "caption": "a drawing"}) for s in samples]
    assert rules(own, pictures) == set()
