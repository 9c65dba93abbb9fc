from __future__ import annotations

import numpy as np
import pytest

from underpaint.core.artifact import Manifest
from underpaint.core.samples import Sample
from underpaint.stages.data.look import Look
from underpaint.stages.data.memorization import NEIGHBORS, check_memorization, one_a_concept, ratios


def test_the_ratio_is_that_of_the_definition() -> None:
    random = np.random.default_rng(4)
    pictures, members = random.random((5, 4, 4, 3)), random.random((80, 4, 4, 3))
    for picture, ratio in zip(pictures, ratios(pictures, members), strict=True):
        nearest = np.sort([np.linalg.norm(picture - member) for member in members])[:NEIGHBORS]
        assert ratio == pytest.approx(nearest[0] / (0.5 * nearest.mean()))


def test_a_copy_has_the_ratio_zero() -> None:
    members = np.random.default_rng(4).random((80, 4, 4, 3))
    assert ratios(members[:3], members) == pytest.approx(np.zeros(3), abs=1e-6)


@pytest.mark.network
def test_noisy_copies_of_the_real_set_are_told_from_held_out_drawings(samples: list[Sample], look: Look) -> None:
    members = [i for i in one_a_concept(samples, ("train",)) if samples[i].style == "flat"]
    values = look.pixels[members].astype(np.float32) / 255
    noise = np.random.default_rng(6).normal(scale=0.02, size=values[:200].shape)
    threshold = check_memorization(samples, look).percentiles["1"]
    assert (ratios(values[:200] + noise, values) < threshold).mean() > 0.99


@pytest.mark.network
def test_the_build_records_the_percentiles(built: tuple[object, Manifest]) -> None:
    recorded = built[1].figures["memorization_percentiles"]
    assert recorded == {
        "1": pytest.approx(0.627, abs=0.02),
        "5": pytest.approx(0.958, abs=0.02),
        "50": pytest.approx(1.66, abs=0.02),
    }
