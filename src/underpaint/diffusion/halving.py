"""Progressive distillation: a student learns to do in one step what its teacher does in two.

From ``x_t`` the teacher takes Euler steps ``t -> m -> e`` along the path ``x_t = t x + (1 - t) eps``. The student's
target is the data towards which one step ``t -> e`` lands where the teacher landed. Since each step moves the state
towards a prediction, the target is a mean of the teacher's two predictions ``x_1`` and ``x_2``::

    x* = (1 - k) x_1 + k x_2,    k = (e - m) (1 - t) / ((1 - m) (e - t))

which is the paper's ``(x_e - (sigma_e / sigma_t) x_t) / (alpha_e - (sigma_e / sigma_t) alpha_t)`` without its
difference of nearly equal numbers. A step that ends at ``e = 1`` has ``k = 1``: its target is the last prediction.

Source: arXiv 2202.00512, algorithm 2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from underpaint.core.errors import InputError
from underpaint.runtime.device import CPU
from underpaint.runtime.draws import randint

BatchDenoiser = Callable[[Tensor, Tensor], Tensor]
"""From states ``[B, ...]`` and one time each ``[B]`` to predicted data ``[B, ...]``."""


def halving_target(teacher: BatchDenoiser, x_t: Tensor, t: Tensor, middle: Tensor, end: Tensor) -> Tensor:
    """Return the data ``[B, ...]`` that a student should predict; two evaluations of the teacher.

    Gradients flow as they do in the teacher: call it under ``torch.no_grad``.

    Args:
        teacher: Predicts the data.
        x_t: States at ``t``, ``[B, ...]``.
        t: Where the student's steps begin, ``[B]``, in [0, 1).
        middle: Where the teacher's second steps begin, ``[B]``, in (t, end).
        end: Where both end, ``[B]``, in (t, 1].
    """
    first = teacher(x_t, t)
    second = teacher(advance_each(x_t, first, t, middle), middle)
    k = (end - middle) * (1.0 - t) / ((1.0 - middle) * (end - t))
    return torch.lerp(first, second, _over(k, x_t))


def advance_each(x: Tensor, data: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Move states straight towards estimates of the data, each between its own times.

    Args:
        x: States at ``start``, ``[B, ...]``.
        data: Estimates of the data, same shape.
        start: Present times ``[B]``, in [0, 1).
        end: Next times ``[B]``, in (start, 1].
    """
    return torch.lerp(x, data, _over((end - start) / (1.0 - start), x))


def draw_halvings(
    times: Sequence[float], count: int, generator: torch.Generator, device: torch.device = CPU
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw steps of the student uniformly: where each begins, its middle, and its end, ``[count]`` each.

    Args:
        times: The teacher's grid; every second time of it is the student's.
        count: Number of steps to draw, one a picture.
        generator: On the CPU.
        device: Where the times go.

    Raises:
        InputError: The teacher's number of steps is odd or 0.
    """
    steps = len(times) - 1
    if steps < 2 or steps % 2:
        raise InputError(f"the teacher takes {steps} steps; only an even number, at least 2, can be halved")
    grid = torch.tensor(times, dtype=torch.float32, device=device)
    start = 2 * randint(steps // 2, (count,), generator, device)
    return grid[start], grid[start + 1], grid[start + 2]


def _over(share: Tensor, like: Tensor) -> Tensor:
    """Return one share a sample, in the dtype of the states: ``[B]`` to ``[B, 1, ...]``."""
    return share.to(like.dtype).view(-1, *[1] * (like.ndim - 1))  # [B, 1, ...]
