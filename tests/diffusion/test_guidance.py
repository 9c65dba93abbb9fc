from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from underpaint.diffusion.guidance import GuidanceInterval, guided, guided_denoiser, in_interval
from underpaint.diffusion.solvers import SOLVERS, solve, time_grid

C = torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64)
U = torch.tensor([[0.0, 1.0, 0.5]], dtype=torch.float64)


class Counted:
    """Predictions that depend on the state, and the times at which each half was asked for."""

    def __init__(self) -> None:
        self.alone: list[float] = []
        self.together: list[float] = []

    def conditional(self, x: Tensor, t: float) -> Tensor:
        self.alone.append(t)
        return 0.2 * x + C

    def both(self, x: Tensor, t: float) -> tuple[Tensor, Tensor]:
        self.together.append(t)
        return 0.2 * x + C, 0.1 * x + U


def test_no_strength_is_the_conditional_prediction():
    assert torch.equal(guided(C, U, 0.0), C)


@pytest.mark.parametrize("strength", [0.5, 2.0, 7.5])
def test_the_prediction_moves_by_the_strength_along_the_difference(strength):
    torch.testing.assert_close(guided(C, U, strength) - C, strength * (C - U))


def test_halves_that_agree_are_left_alone():
    torch.testing.assert_close(guided(C, C, 3.0), C)


def test_guiding_data_is_guiding_velocities():
    x, t = torch.full_like(C, 0.3), 0.4
    of_velocities = guided((C - x) / (1 - t), (U - x) / (1 - t), 1.5)
    torch.testing.assert_close((guided(C, U, 1.5) - x) / (1 - t), of_velocities)


def test_the_interval_holds_its_first_time_and_not_its_last():
    assert [in_interval(t, 0.25, 0.75) for t in (0.0, 0.25, 0.5, 0.75, 0.9)] == [False, True, True, False, False]
    assert not in_interval(0.5, 0.5, 0.5)


def test_outside_the_interval_only_the_conditional_half_runs():
    network = Counted()
    denoise = guided_denoiser(network.conditional, network.both, 2.0, GuidanceInterval(low=0.25, high=0.75))
    solve(denoise, torch.zeros_like(C), time_grid(8), "euler")
    assert network.together == [0.25, 0.375, 0.5, 0.625]
    assert network.alone == [0.0, 0.125, 0.75, 0.875]


def test_guidance_acts_everywhere_by_default():
    network = Counted()
    drawn = guided_denoiser(network.conditional, network.both, 2.0)(torch.ones_like(C), 0.0)
    torch.testing.assert_close(drawn, 3.0 * (0.2 + C) - 2.0 * (0.1 + U))
    assert network.together == [0.0] and network.alone == []


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("strength", "interval"), [(0.0, None), (2.0, GuidanceInterval(low=0.5, high=0.5))])
def test_guidance_that_acts_nowhere_costs_and_changes_nothing(solver, strength, interval):
    network = Counted()
    denoise = guided_denoiser(network.conditional, network.both, strength, interval)
    drawn = solve(denoise, torch.ones_like(C), time_grid(4), solver)
    assert network.together == []
    assert torch.equal(drawn, solve(network.conditional, torch.ones_like(C), time_grid(4), solver))


@pytest.mark.parametrize(("low", "high"), [(0.6, 0.5), (-0.1, 0.5), (0.0, 1.1)])
def test_an_interval_outside_the_path_is_refused(low, high):
    with pytest.raises(ValidationError, match="high is 0.5, below low, 0.6" if low > high else "equal to"):
        GuidanceInterval(low=low, high=high)
