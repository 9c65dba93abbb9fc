from __future__ import annotations

import itertools

import pytest

from underpaint.learning.config import LoopConfig
from underpaint.learning.schedule import learning_rate


def test_the_learning_rate_warms_up_and_falls_along_a_cosine():
    config = LoopConfig(steps=110, warmup=10, lr=2.0, final_lr=0.1)
    rates = [learning_rate(step, config) for step in range(111)]
    assert rates[:10] == pytest.approx([0.2 * (step + 1) for step in range(10)])
    assert rates[10] == 2.0 and rates[110] == pytest.approx(0.2)
    assert rates[60] == pytest.approx(2.0 * (0.1 + 0.9 * 0.5))
    assert all(a > b for a, b in itertools.pairwise(rates[10:]))


def test_the_learning_rate_without_warm_up_begins_at_its_peak_and_never_rises_again():
    config = LoopConfig(steps=5, warmup=0, lr=1.0, final_lr=0.0)
    assert learning_rate(0, config) == 1.0 and learning_rate(50, config) == 0.0
