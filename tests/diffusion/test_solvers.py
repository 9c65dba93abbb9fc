from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from underpaint.diffusion.solvers import euler, midpoint

START = torch.tensor([1.0, -2.0], dtype=torch.float64)


def growth(x: torch.Tensor, t: float) -> torch.Tensor:
    """A linear flow whose solution at 1 is ``x * exp(0.7 + 0.5)``."""
    return (0.7 + t) * x


TRUTH = START * math.exp(1.2)


@pytest.mark.parametrize(("solver", "order"), [(euler, 1), (midpoint, 2)])
def test_the_error_falls_with_the_order_of_the_solver(solver, order):
    errors = [float((solver(growth, START, steps) - TRUTH).abs().max()) for steps in (16, 32, 64, 128)]
    for coarse, fine in pairwise(errors):
        assert math.log2(coarse / fine) == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize("solver", [euler, midpoint])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_straight_path_is_followed_exactly(solver, steps):
    direction = torch.tensor([3.0, 0.5], dtype=torch.float64)
    torch.testing.assert_close(solver(lambda _x, _t: direction, START, steps), START + direction)


@pytest.mark.parametrize(("solver", "evaluations"), [(euler, 1), (midpoint, 2)])
def test_times_lie_in_the_half_open_interval(solver, evaluations):
    times: list[float] = []

    def velocity(x: torch.Tensor, t: float) -> torch.Tensor:
        times.append(t)
        return x

    solver(velocity, START, 5)
    assert len(times) == 5 * evaluations and times == sorted(times)
    assert times[0] == 0.0 and times[-1] < 1.0
