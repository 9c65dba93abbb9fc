from __future__ import annotations

from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from underpaint.stages.evaluate.scores.novelty import Novelty


@pytest.fixture(scope="module")
def memorization(load_benchmark) -> ModuleType:
    return load_benchmark("memorization")


def looked(*ratios: float) -> Novelty:
    return Novelty(scores=[], ratios=np.array(ratios), nearest=np.arange(len(ratios)))


def test_the_closest_pairs_are_those_of_the_model_and_never_of_the_control(memorization: ModuleType) -> None:
    control = memorization.CONTROL
    found = {"new": looked(0.9, 0.5), "seen": looked(0.7), control: looked(0.1)}
    sets = {"new": ["a", "b"], "seen": ["c"], control: ["copy"]}
    assert memorization.closest(sets, found, 2) == [(0.5, "b", 1), (0.7, "c", 0)]


def test_percentiles_of_no_ratios_are_none(memorization: ModuleType) -> None:
    assert memorization.percentiles(np.empty(0)) == {}
    assert memorization.percentiles(np.arange(101.0)) == {"p1": 1.0, "p5": 5.0, "p50": 50.0}


def test_a_number_that_was_refused_says_why(memorization: ModuleType) -> None:
    refused = SimpleNamespace(metric="novelty", extractor="", estimate=None, error=ValueError("too few"), ceiling=None)
    line = memorization.line_of(refused)
    assert line["value"] is None
    assert line["status"] == "too few"
