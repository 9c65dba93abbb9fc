from __future__ import annotations

import numpy as np
import pytest

from underpaint.stages.data.checking.record import CheckConfig
from underpaint.stages.data.checking.trial import compare, error_rate_of, plant_swaps


def test_the_area_is_the_chance_that_a_swapped_caption_ranks_worse() -> None:
    random = np.random.default_rng(0)
    bad, good = np.round(random.random(30), 1), np.round(random.random(70), 1)
    pairs = [(b > g) + 0.5 * (b == g) for b in bad for g in good]
    assert compare(bad, good, 0.05).auc == pytest.approx(np.mean(pairs))


def test_a_perfect_ranking_finds_all_swaps_that_the_list_has_room_for() -> None:
    trial = compare(np.full(5, 0.9), np.full(95, 0.1), 0.05)
    assert (trial.auc, trial.recall) == (1.0, 1.0)


def test_hands_that_agree_show_every_swap() -> None:
    count = 200
    described = np.eye(count, dtype=np.float32)
    captions = [f"thing {n}" for n in range(count)] * 2
    hands = ["one"] * count + ["other"] * count
    trial = plant_swaps(captions, hands, np.concatenate([described, described]), CheckConfig())
    assert trial is not None
    assert trial.swapped == 6
    assert trial.auc > 0.95
    assert "AUC" in error_rate_of(trial, CheckConfig())


def test_captions_of_one_hand_cannot_be_tried() -> None:
    assert plant_swaps(["a", "b"], ["one", "other"], np.eye(2), CheckConfig()) is None
