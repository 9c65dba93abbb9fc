"""How one entry is drawn from logits: divided by a temperature, and from the likeliest ones alone.

Shapes: ``K`` entries to choose among, ``N`` places that each draw one.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

ROUNDS = 14
"""Halvings of the interval that holds the edge of the nucleus: it ends 0.001 nats wide."""


def top_p_filter(logits: Tensor, top_p: float) -> Tensor:
    """Set the logits outside the smallest set with probability ``top_p`` to minus infinity.

    The edge is found by halving an interval, which takes half the time of sorting and none of the operators that
    engines are slow at. Entries within 0.001 nats of each other at the edge are not told apart.

    Args:
        logits: ``[..., K]``.
        top_p: In (0, 1]; 1 keeps everything. The likeliest entry always stays.

    Source: nucleus sampling, arXiv 1904.09751.
    """
    if top_p >= 1.0:
        return logits
    outside = torch.full((), -math.inf, dtype=logits.dtype, device=logits.device)
    nothing = torch.zeros((), dtype=logits.dtype, device=logits.device)
    probability = logits.softmax(dim=-1)

    def above(edge: Tensor) -> Tensor:
        return torch.where(logits > edge, probability, nothing).sum(dim=-1, keepdim=True)

    high = logits.amax(dim=-1, keepdim=True)  # [..., 1]: less than top_p lies above it
    low = high - math.log(logits.shape[-1] / (1.0 - top_p))  # at least top_p lies above it
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        enough = above(middle) >= top_p
        low, high = torch.where(enough, middle, low), torch.where(enough, high, middle)
    under = torch.where(logits < high, logits, outside).amax(dim=-1, keepdim=True)
    edge = torch.where(above(under) < top_p, under, high)
    return torch.where(logits >= edge, logits, outside)


SELDOM = 1e-6
"""How often at most a place may draw from outside the nucleus, since none of its candidates lies inside."""
FAR = 1e4
"""Taken off the sum of an entry outside the nucleus: more than noise differs by, and inside are the larger logits."""
MOST_CANDIDATES = 8
"""More candidates take longer than to find the nucleus."""
LEAST = 1e-30
"""Least share that is told from none in 32 bits, where nothing lies above the likeliest entry."""


def draw_from_nucleus(logits: Tensor, top_p: float, gumbel: Tensor) -> Tensor:
    """Draw an entry from the smallest set with probability ``top_p`` by the Gumbel-max trick.

    The nucleus itself is not looked for: the entry of the largest sum of logit and noise is taken if what is likelier
    than it has less than ``top_p``, else the next one. That is the entry that wins inside the nucleus, in a quarter of
    the time of cutting first. On a CPU it goes on where a place is left without one; a traced or compiled graph, and
    devices that would have to wait for the answer, look at as many candidates as all but ``SELDOM`` need.

    Args:
        logits: ``[..., K]`` float32.
        top_p: In (0, 1]; 1 draws from everything.
        gumbel: Standard Gumbel noise ``[..., K]``.

    Returns:
        Indices ``[...]``, int64.

    Source: nucleus sampling, arXiv 1904.09751; Gumbel-max, arXiv 1611.01144.
    """
    noisy = logits + gumbel
    if top_p >= 1.0:
        return noisy.argmax(dim=-1)
    if not _is_static(logits):
        size = logits.shape[-1]
        return _until_inside(logits.reshape(-1, size), top_p, noisy.reshape(-1, size)).view(logits.shape[:-1])
    enough = (number for number in range(1, MOST_CANDIDATES + 1) if (1.0 - top_p) ** number <= SELDOM)
    if (candidates := next(enough, None)) is None:
        return (top_p_filter(logits, top_p) + gumbel).argmax(dim=-1)
    return _among(logits, top_p, noisy, min(candidates, logits.shape[-1]))


def _is_static(logits: Tensor) -> bool:
    """Tell whether what is done next must not depend on numbers: in a graph, and where asking for them waits."""
    is_traced = torch.jit.is_tracing() or torch.compiler.is_compiling()  # pyright: ignore[reportPrivateImportUsage]
    return is_traced or logits.device.type != "cpu"


def _until_inside(logits: Tensor, top_p: float, noisy: Tensor) -> Tensor:
    """Take the next entry at every place ``[N, K]`` whose entry lies outside, until none does; changes ``noisy``."""
    probability, drawn = logits.softmax(dim=-1), noisy.argmax(dim=-1)
    left = _is_outside(logits, probability, drawn[:, None], top_p)[:, 0].nonzero()[:, 0]
    while len(left):
        noisy[left, drawn[left]] = -math.inf
        drawn[left] = noisy[left].argmax(dim=-1)
        left = left[_is_outside(logits[left], probability[left], drawn[left, None], top_p)[:, 0]]
    return drawn


def _among(logits: Tensor, top_p: float, noisy: Tensor, count: int) -> Tensor:
    """Take the first inside the nucleus of the ``count`` entries of the largest sums, else the first of all.

    The sums are put back in their places ``[..., K]`` before the largest is taken: that is what exports compare.
    """
    best = noisy.topk(count, dim=-1)
    outside = _is_outside(logits, logits.softmax(dim=-1), best.indices, top_p)  # [..., count]
    sums = best.values - outside.to(logits.dtype) * FAR
    return (noisy - 2.0 * FAR).scatter(-1, best.indices, sums).argmax(dim=-1)


def _is_outside(logits: Tensor, probability: Tensor, entries: Tensor, top_p: float) -> Tensor:
    """Tell of some entries ``[..., n]`` whether what is likelier has ``top_p``; the likeliest is always inside."""
    value = logits.gather(-1, entries)[..., None]  # [..., n, 1]
    nothing = torch.zeros((), dtype=logits.dtype, device=logits.device)
    above = torch.where(logits[..., None, :] > value, probability[..., None, :], nothing).sum(dim=-1)  # [..., n]
    return above >= max(top_p, LEAST)


COLDEST = 1e-4
"""Temperature that stands for 0 where it is an input of a graph: the likeliest entry wins against any noise."""


def divisor(temperature: float | Tensor) -> float | Tensor:
    """Return what logits are divided by; a temperature still unknown, a scalar tensor, is kept off zero."""
    return temperature.clamp_min(COLDEST) if isinstance(temperature, Tensor) else temperature
