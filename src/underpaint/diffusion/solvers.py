"""Solvers of ``dx/dt = v(x, t)`` from ``t = 0`` to ``t = 1``; each is a function of a velocity function."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Velocity = Callable[[Tensor, float], Tensor]


def euler(velocity: Velocity, x: Tensor, steps: int) -> Tensor:
    """Integrate with Euler's method, of first order.

    Args:
        velocity: Velocity as a function of state and time.
        x: State at ``t = 0``.
        steps: Equal steps, at least 1; one evaluation each.
    """
    for index in range(steps):
        x = x + velocity(x, index / steps) / steps
    return x


def midpoint(velocity: Velocity, x: Tensor, steps: int) -> Tensor:
    """Integrate with the midpoint rule, of second order; two evaluations a step.

    Args:
        velocity: Velocity as a function of state and time.
        x: State at ``t = 0``.
        steps: Equal steps, at least 1.
    """
    for index in range(steps):
        half = x + velocity(x, index / steps) / (2 * steps)
        x = x + velocity(half, (index + 0.5) / steps) / steps
    return x
