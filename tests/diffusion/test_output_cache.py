from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from underpaint.diffusion.output_cache import OutputCache, cached_denoiser, extrapolated
from underpaint.diffusion.solvers import solve, time_grid

UNEVEN = (0.0, 0.13, 0.2, 0.41)


def polynomial(t: float, degree: int) -> Tensor:
    return torch.tensor([sum((k + 1) * t**k for k in range(degree + 1))], dtype=torch.float64)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_polynomials_of_the_order_are_continued_exactly_over_uneven_times(order: int) -> None:
    points = [(t, polynomial(t, order)) for t in UNEVEN[: order + 1]]
    torch.testing.assert_close(extrapolated(points, 0.77), polynomial(0.77, order))


@pytest.mark.parametrize("order", [0, 1, 2])
def test_the_error_falls_with_the_power_of_the_step_that_the_order_promises(order: int) -> None:
    def error(h: float) -> float:
        points = [(k * h, torch.tensor([math.exp(k * h)], dtype=torch.float64)) for k in range(order + 1)]
        t = (order + 1) * h
        return abs(float(extrapolated(points, t)) - math.exp(t))

    assert math.log2(error(0.02) / error(0.01)) == pytest.approx(order + 1, abs=0.1)


def curved(x: Tensor, t: float) -> Tensor:
    return torch.sin(3 * x) * (1 - t) + t


@pytest.mark.parametrize("solver", ["euler", "heun", "dpmpp_2m", "unipc"])
def test_with_nothing_skipped_a_drawing_is_the_same_to_the_bit(solver: str) -> None:
    noise, times = torch.linspace(-1, 1, 5)[None], time_grid(12)
    cached = cached_denoiser(curved, 12, OutputCache(every=1))
    assert torch.equal(solve(cached, noise, times, solver), solve(curved, noise, times, solver))


def test_a_straight_flow_is_drawn_exactly_whatever_is_skipped() -> None:
    """Its network always predicts the same picture."""
    noise, picture = torch.zeros(1, 5), torch.linspace(-1, 1, 5)[None]
    cached = cached_denoiser(lambda x, t: picture, 12, OutputCache(every=4, order=2))
    torch.testing.assert_close(solve(cached, noise, time_grid(12), "euler"), picture)


@pytest.mark.parametrize(("every", "warm_up", "last"), [(2, 3, 1), (3, 2, 2), (4, 1, 1)])
def test_as_many_calls_are_computed_as_said_the_first_and_the_last_among_them(
    every: int, warm_up: int, last: int
) -> None:
    cache, seen = OutputCache(every=every, warm_up=warm_up, last=last), list[float]()

    def watched(x: Tensor, t: float) -> Tensor:
        seen.append(t)
        return curved(x, t)

    times = time_grid(16)
    solve(cached_denoiser(watched, 16, cache), torch.ones(1, 3), times, "unipc")
    assert len(seen) == cache.computed(16) < 16
    assert seen[:warm_up] == list(times[:warm_up]) and seen[-last:] == list(times[16 - last : 16])


def test_more_skipping_computes_less_and_errs_more() -> None:
    noise, times = torch.linspace(-1, 1, 7)[None], time_grid(24)
    exact = solve(curved, noise, times, "euler")
    caches = [OutputCache(every=every, order=0) for every in (2, 4, 8)]
    errors = [float((solve(cached_denoiser(curved, 24, c), noise, times, "euler") - exact).norm()) for c in caches]
    assert errors[0] < errors[1] < errors[2]
    computed = [cache.computed(24) for cache in caches]
    assert computed == sorted(computed, reverse=True)


def test_answers_of_one_regime_are_not_continued_in_another() -> None:
    def sided(x: Tensor, t: float) -> Tensor:
        return torch.full_like(x, 1.0 if t < 0.5 else -1.0)

    cached = cached_denoiser(sided, 16, OutputCache(every=4, order=0), lambda t: t < 0.5)
    for index in range(16):
        t = index / 16
        assert torch.equal(cached(torch.ones(1, 2), t), sided(torch.ones(1, 2), t))
