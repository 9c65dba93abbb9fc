from __future__ import annotations

import itertools
from collections import defaultdict
from pathlib import Path

import pytest

from underpaint.core.samples import Sample, read_samples
from underpaint.stages.data.weights import Variants, even_weights, reweighted

KEYS: list[Variants] = [("cat", "flat", "train")] * 3 + [("cat", "flat", "validation"), ("cat", "", "train")]


def sums(keys: list[Variants], weights: list[float]) -> dict[Variants, float]:
    found: dict[Variants, float] = defaultdict(float)
    for key, weight in zip(keys, weights, strict=True):
        found[key] += weight
    return found


def test_variants_share_the_weight_of_one_picture_whatever_their_order() -> None:
    for order in itertools.permutations(KEYS):
        weights = even_weights(list(order))
        assert dict(zip(order, weights, strict=True)) == dict(zip(KEYS, [0.333333] * 3 + [1.0] * 2, strict=True))
        assert list(sums(list(order), weights).values()) == pytest.approx([1.0] * 3, abs=1e-5)


@pytest.fixture
def samples(small_original: Path) -> list[Sample]:
    """Three variants of one picture, of unequal weight, and a picture alone."""
    first, second, *_ = read_samples(small_original)
    variants = [first.model_copy(update={"weight": weight}) for weight in (0.5, 0.3, 0.2)]
    return [*variants, second.model_copy(update={"weight": 0.4})]


def test_what_is_left_keeps_its_proportions(samples: list[Sample]) -> None:
    assert [s.weight for s in reweighted(samples)] == [0.5, 0.3, 0.2, 1.0]
    assert [s.weight for s in reweighted(samples[1:])] == [0.6, 0.4, 1.0]
    assert reweighted(reweighted(samples)) == reweighted(samples)


def test_a_weight_of_zero_stays_zero(samples: list[Sample]) -> None:
    none = [sample.model_copy(update={"weight": 0.0}) for sample in samples[:2]]
    assert [s.weight for s in reweighted(none)] == [0.0, 0.0]
