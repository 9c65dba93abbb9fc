"""Solvers that follow the path from noise to data over a grid of times, given a network that predicts the data.

Along ``x_t = t x + (1 - t) eps`` every step from ``s`` to ``t`` goes straight towards an estimate of the data::

    x_t = x_s + (t - s) / (1 - s) (x* - x_s)

The solvers differ in ``x*``. Euler takes the prediction at ``s`` (which is also DDIM, and DPM-Solver++ of first order);
the multistep solvers extrapolate predictions in ``lambda = log(t / (1 - t))``, half the logarithm of the
signal-to-noise ratio. ``lambda`` is infinite at both ends, so nothing is extrapolated in the first, the second and the
last step; the last lands on the prediction itself.

Source: DPM-Solver++, arXiv 2211.01095; UniPC, arXiv 2302.04867; Heun, EDM, arXiv 2206.00364; the shift of times,
arXiv 2403.03206.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor

from underpaint.core.errors import InputError
from underpaint.diffusion.path import velocity_from_data

Denoiser = Callable[[Tensor, float], Tensor]
"""From state and time in [0, 1) to predicted data, all states ``[B, ...]``."""

Solver = Callable[[Denoiser, Tensor, Sequence[float]], Tensor]
"""From denoiser, first state and increasing times to the last state."""


def time_grid(steps: int, shift: float = 1.0) -> tuple[float, ...]:
    """Return ``steps + 1`` increasing times from 0 to 1: equal steps, then shifted in ``lambda`` by ``-log(shift)``.

    In the noise's share ``u = 1 - t`` this is ``u' = shift u / (1 + (shift - 1) u)``: above 1, more of the steps go to
    noisy states, as larger pictures need; for ``m`` pixels in place of ``n``, the shift is ``sqrt(m / n)``.

    Args:
        steps: Number of steps, at least 1.
        shift: Above 0; 1 leaves the steps equal.

    Raises:
        InputError: A value is out of range.

    Source: arXiv 2403.03206, equation 23.
    """
    _check_steps(steps)
    if not 0.0 < shift < math.inf:
        raise InputError(f"shift is {shift}; it must be finite and above 0, for example 1.0 for equal steps")
    equal = [index / steps for index in range(steps + 1)]
    return tuple(t / (1.0 + (shift - 1.0) * (1.0 - t)) for t in equal)


def log_snr_step(s: float, t: float) -> float:
    """Return ``h = lambda_t - lambda_s`` for times ``s < t``; infinite when ``s`` is 0 or ``t`` is 1."""
    if s <= 0.0 or t >= 1.0:
        return math.inf
    return math.log(t / s) + math.log((1.0 - s) / (1.0 - t))


def advance(x: Tensor, data: Tensor, s: float, t: float) -> Tensor:
    """Move a state straight towards an estimate of the data.

    Args:
        x: State at ``s``, ``[B, ...]``.
        data: Estimate of the data, same shape.
        s: Present time, in [0, 1).
        t: Next time, in (s, 1].
    """
    return x + velocity_from_data(data, x, s) * (t - s)


def euler(denoise: Denoiser, x: Tensor, times: Sequence[float]) -> Tensor:
    """Solve with Euler's method, of first order; one evaluation a step.

    Args:
        denoise: Predicts the data.
        x: State at the first time, ``[B, ...]``.
        times: Increasing, in [0, 1].
    """
    for s, t in pairwise(times):
        x = advance(x, denoise(x, s), s, t)
    return x


def heun(denoise: Denoiser, x: Tensor, times: Sequence[float]) -> Tensor:
    """Solve with Heun's method, of second order; two evaluations a step, and one for a step that ends at 1.

    Args:
        denoise: Predicts the data.
        x: State at the first time, ``[B, ...]``.
        times: Increasing, in [0, 1].

    Source: arXiv 2206.00364, algorithm 1.
    """
    for s, t in pairwise(times):
        data = denoise(x, s)
        ahead = advance(x, data, s, t)
        if t < 1.0:
            slope = velocity_from_data(data, x, s) + velocity_from_data(denoise(ahead, t), ahead, t)
            ahead = x + slope * ((t - s) / 2)
        x = ahead
    return x


def dpmpp_2m(denoise: Denoiser, x: Tensor, times: Sequence[float]) -> Tensor:
    """Solve with DPM-Solver++(2M), of second order; one evaluation a step.

    The estimate is ``x* = x_s + (x_s - x_r) h / (2 h_r)`` for predictions ``x_s`` now and ``x_r`` one step ago, ``h``
    the step in ``lambda`` and ``h_r`` the one before.

    Args:
        denoise: Predicts the data.
        x: State at the first time, ``[B, ...]``.
        times: Increasing, in [0, 1].

    Source: arXiv 2211.01095, algorithm 2.
    """
    past: Tensor | None = None
    for index, (s, t) in enumerate(pairwise(times)):
        data = denoise(x, s)
        x = advance(x, _extrapolate(data, past, _ratio(times, index)), s, t)
        past = data
    return x


def unipc(denoise: Denoiser, x: Tensor, times: Sequence[float]) -> Tensor:
    """Solve with UniPC of order 2, ``B(h) = exp(h) - 1``; one evaluation a step.

    The predictor is the step of ``dpmpp_2m``. The prediction at its end serves twice: it corrects the step that led
    there, and it starts the next one. The last step is not corrected. (With ``B(h) = h`` the first step, of infinite
    length in ``lambda``, would have no limit.)

    Args:
        denoise: Predicts the data.
        x: State at the first time, ``[B, ...]``.
        times: Increasing, in [0, 1].

    Source: arXiv 2302.04867, UniPC-2 for data prediction.
    """
    past = data = denoise(x, times[0])
    for index, (s, t) in enumerate(pairwise(times)):
        ratio = _ratio(times, index)
        ahead = advance(x, _extrapolate(data, past, ratio), s, t)
        if index == len(times) - 2:
            return ahead
        found = denoise(ahead, t)
        w_past, w_found = corrector_weights(log_snr_step(s, t), ratio)
        x = advance(x, data + w_found * (found - data) + w_past * (data - past), s, t)
        past, data = data, found
    return x


def corrector_weights(h: float, ratio: float) -> tuple[float, float]:
    """Return what UniC-2 adds to a prediction ``x_s``: the weights of ``x_s - x_r`` and of ``x_t - x_s``.

    With them the step is exact for predictions that are quadratic in ``lambda``. Without a finite past (ratio 0) the
    corrector is UniC-1: a half of ``x_t - x_s``.

    Args:
        h: Step in ``lambda``, above 0, may be infinite when the ratio is 0.
        ratio: ``h`` over the step before, at least 0.

    Source: arXiv 2302.04867, the order conditions of UniC-2 for data prediction, solved by hand.
    """
    if ratio == 0.0:
        return 0.0, 0.5
    b = -math.expm1(-h)
    first = (1.0 - b / h) / b
    second = (1.0 - 2.0 * (1.0 - b / h) / h) / b
    w_past = (first - second) / (1.0 + 1.0 / ratio)
    return w_past * ratio, first - w_past


SOLVERS: dict[str, Solver] = {"euler": euler, "heun": heun, "dpmpp_2m": dpmpp_2m, "unipc": unipc}


def solve(denoise: Denoiser, noise: Tensor, times: Sequence[float], solver: str) -> Tensor:
    """Follow the path from noise to data.

    Args:
        denoise: Predicts the data; called at times in [0, 1) only.
        noise: State at time 0, ``[B, ...]``, of any floating dtype.
        times: Strictly increasing from exactly 0 to exactly 1, such as ``time_grid`` gives.
        solver: A key of ``SOLVERS``.

    Returns:
        The data ``[B, ...]``.

    Raises:
        InputError: The solver is unknown, or the times are not such a grid.
    """
    _check_solver(solver)
    if len(times) < 2 or times[0] != 0.0 or times[-1] != 1.0 or not all(s < t for s, t in pairwise(times)):
        raise InputError(f"times are {list(times)}; they must increase from 0.0 to 1.0, as those of time_grid do")
    return SOLVERS[solver](denoise, noise, times)


def evaluations(solver: str, steps: int) -> int:
    """Return how often a solver calls the network on its way from 0 to 1.

    Args:
        solver: A key of ``SOLVERS``.
        steps: Number of steps, at least 1.

    Raises:
        InputError: The solver is unknown, or there is no step.
    """
    _check_solver(solver)
    _check_steps(steps)
    return 2 * steps - 1 if solver == "heun" else steps


def _ratio(times: Sequence[float], index: int) -> float:
    """Return the step ``index`` in ``lambda`` over the one before it; 0 where either is missing or infinite."""
    if index == 0:
        return 0.0
    h = log_snr_step(times[index], times[index + 1])
    before = log_snr_step(times[index - 1], times[index])
    return 0.0 if math.isinf(h) else h / before


def _extrapolate(data: Tensor, past: Tensor | None, ratio: float) -> Tensor:
    return data if past is None or ratio == 0.0 else data + (data - past) * (ratio / 2)


def _check_solver(solver: str) -> None:
    if solver not in SOLVERS:
        raise InputError(f"unknown solver {solver!r}; choose one of {', '.join(SOLVERS)}")


def _check_steps(steps: int) -> None:
    if steps < 1:
        raise InputError(f"{steps} steps; at least 1 is needed to get from noise to data")
