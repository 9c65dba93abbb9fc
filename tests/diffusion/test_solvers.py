from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from underpaint.core.errors import InputError
from underpaint.diffusion.path import velocity_from_data
from underpaint.diffusion.solvers import (
    SOLVERS,
    advance,
    corrector_weights,
    dpmpp_2m,
    euler,
    evaluations,
    heun,
    log_snr_step,
    solve,
    time_grid,
    unipc,
)

MEAN, STD = 0.7, 0.4
NOISE = torch.tensor([[1.3, -0.6], [2.0, 0.1]], dtype=torch.float64)
UNEVEN = (0.0, 0.1, 0.35, 0.5, 0.8, 0.85, 1.0)


def posterior_mean(x: Tensor, t: float) -> Tensor:
    """What a perfect network predicts for data from ``N(MEAN, STD^2)``."""
    return MEAN + t * STD**2 / (t**2 * STD**2 + (1 - t) ** 2) * (x - t * MEAN)


def on_the_flow(t: float) -> Tensor:
    """The exact solution that starts at NOISE: the marginal's quantile stays the same."""
    return t * MEAN + math.sqrt(t**2 * STD**2 + (1 - t) ** 2) * NOISE


def even_in_lambda(first: float, last: float, steps: int) -> list[float]:
    low, high = (math.log(t / (1 - t)) for t in (first, last))
    return [1 / (1 + math.exp(-low - (high - low) * index / steps)) for index in range(steps + 1)]


def orders(errors: Sequence[float]) -> list[float]:
    return [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]


def test_the_path_follows_its_own_flow():
    for t in (0.0, 0.3, 0.9):
        velocity = (on_the_flow(t + 1e-6) - on_the_flow(t)) / 1e-6
        implied = velocity_from_data(posterior_mean(on_the_flow(t), t), on_the_flow(t), t)
        torch.testing.assert_close(implied, velocity, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("solver", "order"), [("euler", 1.0), ("heun", 2.0), ("dpmpp_2m", 1.75), ("unipc", 2.0)])
def test_from_noise_to_data_the_error_falls_with_the_order_of_the_solver(solver, order):
    """The multistep solvers lose a little (``h^2 log h``), since ``lambda`` is infinite at both ends."""
    errors = [
        float((solve(posterior_mean, NOISE, time_grid(steps), solver) - on_the_flow(1.0)).abs().max())
        for steps in (64, 128, 256)
    ]
    assert orders(errors) == pytest.approx([order] * 2, abs=0.12)


@pytest.mark.parametrize(("solver", "order"), [(euler, 1), (heun, 2), (dpmpp_2m, 2), (unipc, 3)])
def test_between_finite_lambdas_the_error_falls_with_the_full_order(solver, order):
    """UniPC of order 2 gains one more from its corrector."""
    first, last = 0.1, 0.9
    start = on_the_flow(first)
    errors = [
        float((solver(posterior_mean, start, even_in_lambda(first, last, steps)) - on_the_flow(last)).abs().max())
        for steps in (64, 128, 256)
    ]
    assert orders(errors) == pytest.approx([order] * 2, abs=0.06)


def test_twelve_evaluations_of_a_second_order_solver_are_worth_more_than_twelve_of_euler():
    def error(solver: str, steps: int) -> float:
        return float((solve(posterior_mean, NOISE, time_grid(steps), solver) - on_the_flow(1.0)).abs().max())

    assert evaluations("heun", 6) <= evaluations("euler", 12) == evaluations("unipc", 12) == 12
    assert max(error("heun", 6), error("dpmpp_2m", 12), error("unipc", 12)) < 0.7 * error("euler", 12)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("times", [time_grid(1), time_grid(2), time_grid(7, shift=3.0), UNEVEN])
def test_a_constant_prediction_is_reached_exactly(solver, times):
    data = torch.tensor([[3.0, 0.5], [-1.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(solve(lambda _x, _t: data, NOISE, times, solver), data)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_straight_path_is_followed_at_every_time(solver):
    data = torch.tensor([[3.0, 0.5], [-1.0, 0.0]], dtype=torch.float64)
    seen: list[tuple[Tensor, float]] = []

    def denoise(x: Tensor, t: float) -> Tensor:
        seen.append((x, t))
        return data

    solve(denoise, NOISE, UNEVEN, solver)
    for x, t in seen:
        torch.testing.assert_close(x, t * data + (1 - t) * NOISE)


@pytest.mark.parametrize("solver", SOLVERS)
def test_one_step_is_the_denoised_mean(solver):
    drawn = solve(posterior_mean, NOISE, time_grid(1), solver)
    torch.testing.assert_close(drawn, torch.full_like(NOISE, MEAN))


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_last_step_lands_on_the_last_prediction(solver):
    predictions: list[Tensor] = []

    def denoise(x: Tensor, t: float) -> Tensor:
        predictions.append(posterior_mean(x, t))
        return predictions[-1]

    torch.testing.assert_close(solve(denoise, NOISE, UNEVEN, solver), predictions[-1])


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("steps", [1, 2, 3, 50])
def test_every_dtype_is_kept_and_stays_finite(solver, dtype, steps):
    drawn = solve(posterior_mean, NOISE.to(dtype), time_grid(steps, shift=0.5), solver)
    assert drawn.dtype == dtype and bool(drawn.isfinite().all())
    exact = solve(posterior_mean, NOISE, time_grid(steps, shift=0.5), solver)
    torch.testing.assert_close(drawn, exact.to(dtype), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_the_network_is_called_as_often_as_said_and_never_at_the_data(solver, steps):
    times: list[float] = []

    def denoise(x: Tensor, t: float) -> Tensor:
        times.append(t)
        return posterior_mean(x, t)

    solve(denoise, NOISE, time_grid(steps), solver)
    assert len(times) == evaluations(solver, steps)
    assert times == sorted(times) and times[0] == 0.0 and times[-1] < 1.0


@pytest.mark.parametrize("solver", SOLVERS)
def test_each_sample_is_solved_alone(solver):
    together = solve(posterior_mean, NOISE, UNEVEN, solver)
    for row in range(len(NOISE)):
        assert torch.equal(solve(posterior_mean, NOISE[row : row + 1], UNEVEN, solver)[0], together[row])


def as_published(denoise, x: Tensor, times: Sequence[float], *, corrected: bool) -> Tensor:
    """DPM-Solver++(2M), or UniPC-2 with B(h) = exp(h) - 1 in its matrix form, with alpha, sigma and lambda.

    As in the papers, except at the ends: the first step, the one after it and the last are of first order.
    """
    alpha = torch.tensor(times, dtype=torch.float64)
    sigma = 1 - alpha
    lam = torch.log(alpha / sigma)
    predictions = [denoise(x, times[0])]
    for i in range(1, len(times)):
        h = lam[i] - lam[i - 1]
        minus = torch.expm1(-h)
        differences, r = [], []
        if 3 <= i < len(times) - 1:
            r = [(lam[i - 2] - lam[i - 1]) / h]
            differences = [(predictions[-2] - predictions[-1]) / r[0]]
        base = sigma[i] / sigma[i - 1] * x - alpha[i] * minus * predictions[-1]
        ahead = base - sum((alpha[i] * minus * 0.5 * d for d in differences), torch.zeros_like(x))
        if i == len(times) - 1:
            return ahead
        predictions.append(denoise(ahead, times[i]))
        x = ahead
        if corrected:
            differences.append(predictions[-1] - predictions[-2])
            rho = torch.tensor([0.5]).double()
            if len(differences) == 2:
                matrix = torch.stack([torch.ones(2).double(), torch.stack([r[0], torch.ones_like(r[0])])])
                phi_2 = minus / -h - 1
                phi_3 = phi_2 / -h - 0.5
                rho = torch.linalg.solve(matrix, torch.stack([phi_2 / minus, 2 * phi_3 / minus]))
            x = base - alpha[i] * minus * torch.einsum("k,kbd->bd", rho, torch.stack(differences))
    raise AssertionError("there is no last step")


@pytest.mark.parametrize("times", [UNEVEN, time_grid(8), time_grid(5, shift=2.0)])
@pytest.mark.parametrize(("solver", "corrected"), [(dpmpp_2m, False), (unipc, True)])
def test_the_multistep_solvers_agree_with_the_published_equations(times, solver, corrected):
    expected = as_published(posterior_mean, NOISE, times, corrected=corrected)
    torch.testing.assert_close(solver(posterior_mean, NOISE, times), expected, atol=1e-10, rtol=1e-10)


def test_euler_is_ddim():
    x = NOISE
    for s, t in pairwise(UNEVEN):
        data = posterior_mean(x, s)
        noise = (x - s * data) / (1 - s)
        x = t * data + (1 - t) * noise
    torch.testing.assert_close(euler(posterior_mean, NOISE, UNEVEN), x)


def test_a_step_can_be_split_where_the_prediction_stays_the_same():
    data = torch.ones_like(NOISE)
    torch.testing.assert_close(advance(advance(NOISE, data, 0.1, 0.4), data, 0.4, 0.7), advance(NOISE, data, 0.1, 0.7))


@pytest.mark.parametrize(("s", "m", "t"), [(0.2, 0.3, 0.6), (0.45, 0.5, 0.99)])
def test_the_corrector_is_exact_for_predictions_quadratic_in_lambda(s, m, t):
    """Checked against the integral of ``exp(lambda) x(lambda)`` by a fine midpoint rule."""
    r, h = log_snr_step(s, m), log_snr_step(m, t)

    def prediction(after: Tensor) -> Tensor:
        return 0.3 + 1.7 * after - 0.8 * after**2

    past, now, found = prediction(torch.tensor([-r, 0.0, h], dtype=torch.float64))
    w_past, w_found = corrector_weights(h, h / r)
    nodes = (torch.arange(200_000, dtype=torch.float64) + 0.5) * (h / 200_000)
    weight = torch.exp(nodes)
    mean = (weight * prediction(nodes)).sum() / weight.sum()
    torch.testing.assert_close(now + w_past * (now - past) + w_found * (found - now), mean, atol=1e-8, rtol=1e-8)


def test_without_a_shift_the_steps_are_equal():
    assert time_grid(7) == tuple(index / 7 for index in range(8))


@pytest.mark.parametrize("shift", [0.3, 1.7, 5.0])
def test_the_shift_moves_lambda_by_its_logarithm_and_keeps_the_ends(shift):
    equal, shifted = time_grid(9), time_grid(9, shift)
    assert (shifted[0], shifted[-1]) == (0.0, 1.0)
    moved = [math.log(b / (1 - b)) - math.log(a / (1 - a)) for a, b in zip(equal[1:-1], shifted[1:-1], strict=True)]
    assert moved == pytest.approx([-math.log(shift)] * 8)


def test_shifts_multiply():
    once = time_grid(6, 6.0)
    twice = [t / (t + 3.0 * (1 - t)) for t in time_grid(6, 2.0)]
    assert once == pytest.approx(twice)


@pytest.mark.parametrize("shift", [0.0, -1.0, math.inf, math.nan])
def test_a_shift_out_of_range_is_refused(shift):
    with pytest.raises(InputError, match=f"shift is {shift}; it must be finite and above 0"):
        time_grid(4, shift)


@pytest.mark.parametrize("call", [lambda: time_grid(0), lambda: evaluations("euler", 0)])
def test_no_step_is_refused(call):
    with pytest.raises(InputError, match="0 steps; at least 1 is needed"):
        call()


@pytest.mark.parametrize("call", [lambda: solve(posterior_mean, NOISE, UNEVEN, "rk4"), lambda: evaluations("rk4", 3)])
def test_an_unknown_solver_is_refused_with_the_known_ones(call):
    with pytest.raises(InputError, match="unknown solver 'rk4'; choose one of euler, heun, dpmpp_2m, unipc"):
        call()


@pytest.mark.parametrize("times", [(), (0.0,), (0.0, 0.9), (0.1, 1.0), (0.0, 0.5, 0.5, 1.0), (0.0, math.nan, 1.0)])
def test_times_that_are_no_grid_are_refused(times):
    with pytest.raises(InputError, match=r"must increase from 0\.0 to 1\.0"):
        solve(posterior_mean, NOISE, times, "euler")
