"""What the curve of a training on a few pictures says, in words: whether it learned, over-fitted, or forgot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

CLEAR_NATS = 0.02
"""Smaller changes of a loss are not worth a word."""


class Point(NamedTuple):
    """One validation.

    Args:
        step: Steps done.
        learned: Loss on the pictures that are learned from, in nats a token.
        held_out: Loss on those that are held out.
        kept: Loss on held-out pictures of what the model could do before.
    """

    step: int
    learned: float
    held_out: float
    kept: float


def best_of(points: Sequence[Point]) -> Point:
    """Return the earliest of the points with the lowest held-out loss."""
    return min(points, key=lambda point: (point.held_out, point.step))


def overfits(points: Sequence[Point]) -> bool:
    """Tell whether the held-out loss has clearly risen since its best while the loss on what is learned fell."""
    best, last = best_of(points), points[-1]
    return last.held_out > best.held_out + CLEAR_NATS and last.learned < best.learned


def verdict(points: Sequence[Point]) -> str:
    """Say what came of a training.

    Args:
        points: Its validations, the one before training first.
    """
    return " ".join(sentence for sentence in (_learned(points), _after_best(points), _forgotten(points)) if sentence)


def decoder_verdict(points: Sequence[Point]) -> str:
    """Say what came of a decoder's training.

    Args:
        points: Its validations, the one before training first; mean errors of pictures, as shares of the full range.
    """
    first, best = points[0], best_of(points)
    if best.step == first.step:
        return "The decoder came no nearer to held-out pictures, so the one before is kept."
    return (
        f"The decoder draws held-out pictures with an error of {best.held_out:.1%} in place of {first.held_out:.1%}; "
        f"what it could draw before changed by {best.kept:.1%}."
    )


def _learned(points: Sequence[Point]) -> str:
    first, best = points[0], best_of(points)
    if best.step == first.step:
        return (
            f"Nothing that holds beyond the pictures was learned: no step was better on held-out ones than the model "
            f"before ({first.held_out:.2f} nats a token), so its weights are kept. More pictures would help."
        )
    return (
        f"On held-out pictures the loss fell from {first.held_out:.2f} to {best.held_out:.2f} nats a token, at step "
        f"{best.step}, whose weights are kept; on those learned from, from {first.learned:.2f} to {best.learned:.2f}."
    )


def _after_best(points: Sequence[Point]) -> str:
    best, last = best_of(points), points[-1]
    if overfits(points):
        return (
            f"Then it over-fitted: by step {last.step} the held-out loss rose to {last.held_out:.2f} while that on the "
            f"pictures learned from went on falling to {last.learned:.2f}. More steps do not help; more pictures would."
        )
    if best.step == last.step and best.step != points[0].step:
        return "It was still falling at the end: more steps may help."
    return ""


def _forgotten(points: Sequence[Point]) -> str:
    first, best = points[0], best_of(points)
    if best.kept - first.kept < CLEAR_NATS:
        return ""
    return f"What it could do before got worse by {best.kept - first.kept:.2f} nats a token."
