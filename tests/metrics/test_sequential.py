from __future__ import annotations

import math

import numpy as np
import pytest

from underpaint.metrics.sequential import (
    crossing_probability,
    decide,
    holm,
    obrien_fleming,
    p_value,
    power,
    samples_needed,
)


def test_bounds_are_those_of_the_published_tables() -> None:
    """Reference: Jennison and Turnbull 2000, table 2.3: C = 1.645, 1.678, 1.710 for one to three looks at 0.05."""
    assert obrien_fleming(1) == pytest.approx([1.645], abs=5e-4)
    assert obrien_fleming(2) == pytest.approx([1.678 * math.sqrt(2), 1.678], abs=1e-3)
    assert obrien_fleming(3) == pytest.approx([1.710 * math.sqrt(3), 1.710 * math.sqrt(1.5), 1.710], abs=1e-3)


@pytest.mark.parametrize("looks", [1, 2, 3])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_bounds_are_crossed_as_often_as_they_promise(looks: int, alpha: float) -> None:
    """Reference: a simulation of independent increments."""
    steps = np.random.default_rng(0).standard_normal((200_000, looks))
    z = np.cumsum(steps, axis=1) / np.sqrt(np.arange(1, looks + 1))
    crossed = float((z > np.array(obrien_fleming(looks, alpha))).any(axis=1).mean())
    assert crossed == pytest.approx(alpha, abs=4 * math.sqrt(alpha / 200_000))


def test_a_sum_of_one_step_crosses_like_a_normal() -> None:
    assert crossing_probability(1.96, 1) == pytest.approx(0.025, abs=1e-4)


@pytest.mark.parametrize(
    ("delta", "se", "verdict", "beyond"),
    [
        (0.0, 0.05, "pass", False),
        (-1.0, 0.05, "pass", False),
        (0.0, 0.1, "indeterminate", False),
        (0.05, 0.01, "pass", False),
        (0.12, 0.05, "fail", False),
        (0.2, 0.05, "fail", True),
        (0.12, 0.1, "indeterminate", False),
        (0.08, 0.03, "indeterminate", False),
        (0.0, 0.0, "pass", False),
        (0.2, 0.0, "fail", True),
        (0.1, 0.0, "indeterminate", False),
    ],
)
def test_a_decision_needs_proof_either_way(delta: float, se: float, verdict: str, beyond: bool) -> None:
    decision = decide(delta, se, 0.1, z=1.645)
    assert (decision.verdict, decision.beyond_margin) == (verdict, beyond)
    assert (decision.low, decision.high) == pytest.approx((delta - 1.645 * se, delta + 1.645 * se))


@pytest.mark.parametrize(
    ("delta", "verdict"),
    [(0.0, "pass"), (-0.05, "indeterminate"), (-0.2, "fail"), (0.2, "fail"), (0.05, "indeterminate")],
)
def test_equivalence_looks_both_ways(delta: float, verdict: str) -> None:
    assert decide(delta, 0.04, 0.1, z=1.645, mode="equivalence").verdict == verdict


def test_a_difference_that_is_not_proven_beside_the_others_does_not_fail() -> None:
    assert decide(0.2, 0.05, 0.1, z=1.645, proven=False).verdict == "indeterminate"


def test_p_values_are_tails_of_the_normal() -> None:
    assert p_value(1.645, 1.0) == pytest.approx(0.05, abs=1e-4)
    assert p_value(-1.96, 1.0, "equivalence") == pytest.approx(0.05, abs=1e-4)
    assert (p_value(0.1, 0.0), p_value(0.0, 0.0)) == (0.0, 1.0)


def test_holm_is_the_step_down_of_the_paper() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005], 0.05) == [True, False, False, True]
    assert holm([], 0.05) == []
    assert holm([0.04], 0.05) == [True]
    assert holm([0.04, 0.9], 0.05) == [False, False]


@pytest.mark.parametrize("mode", ["non_inferiority", "equivalence"])
def test_power_is_the_share_of_passes(mode: str) -> None:
    deltas = 0.04 * np.random.default_rng(1).standard_normal(4000)
    passes = [decide(d, 0.04, 0.1, z=1.645, mode=mode).verdict == "pass" for d in deltas]  # pyright: ignore
    assert power(0.1, 0.04, 1.645, mode) == pytest.approx(np.mean(passes), abs=0.03)  # pyright: ignore
    assert power(0.1, 0.0, 1.645) == 1.0


@pytest.mark.parametrize("mode", ["non_inferiority", "equivalence"])
def test_the_samples_that_are_needed_give_the_power_that_was_asked_for(mode: str) -> None:
    n, se, fixed, margin = 500, 0.03, 1e-4, 0.05
    needed = samples_needed(n, se, margin, z=1.645, power=0.8, fixed=fixed, mode=mode)  # pyright: ignore
    assert needed is not None
    reached = math.sqrt((se**2 - fixed) * n / needed + fixed)
    assert power(margin, reached, 1.645, mode) == pytest.approx(0.8, abs=1e-3)  # pyright: ignore


def test_the_plan_needs_about_a_thousand_pairs_for_power_nine_tenths() -> None:
    needed = samples_needed(2000, 0.0074, 0.0327, z=1.645, power=0.9)
    assert needed == pytest.approx(880, abs=10)


def test_a_reference_that_is_too_small_cannot_be_made_up_for() -> None:
    assert samples_needed(500, 0.03, 0.01, z=1.645, power=0.8, fixed=0.01**2) is None
    assert samples_needed(500, 0.0, 0.01, z=1.645, power=0.8) == 1
