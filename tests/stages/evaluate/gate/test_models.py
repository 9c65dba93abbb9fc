from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest

from underpaint.core.policy import Policy
from underpaint.stages.evaluate.gate.models import plan_looks

MakePolicy = Callable[..., Policy]


@pytest.mark.parametrize("n_max", [90, 880, 1000, 1200, 2000, 2640, 3000])
@pytest.mark.parametrize("looks", [1, 2, 3])
def test_looks_are_equally_far_apart_and_hold_the_earlier_ones(policy: MakePolicy, n_max: int, looks: int) -> None:
    plan = plan_looks(policy(looks=looks, n_max=n_max), 880)
    assert sorted(plan) == [math.ceil(n_max * number / looks) for number in range(1, looks + 1)]
    for n, (prompts, repeats) in plan.items():
        assert prompts <= 880
        assert n <= prompts * repeats < n + repeats
    for early, late in pairwise(sorted(plan)):
        assert plan[early][0] <= plan[late][0]
        assert plan[early][1] <= plan[late][1]


def test_more_pictures_than_prompts_take_more_seeds(policy: MakePolicy) -> None:
    assert plan_looks(policy(looks=3, n_max=2000), 880) == {667: (667, 1), 1334: (667, 2), 2000: (667, 3)}
    assert plan_looks(policy(looks=3, n_max=1200), 880) == {400: (400, 1), 800: (400, 2), 1200: (600, 2)}
    assert plan_looks(policy(looks=1, n_max=880), 880) == {880: (880, 1)}
