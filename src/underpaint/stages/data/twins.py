"""Twins: drawings of an added style that nearly equal a drawing of another split, and are therefore left out.

Default styles are kept apart by their clusters. An added style has no say in these, so where it draws two clusters
nearly alike, one of the two drawings goes: the one in training, since the held-out one measures something.
"""

from __future__ import annotations

from collections.abc import Sequence

from underpaint.stages.data.attributed import ADDED_STYLES
from underpaint.stages.data.clean import Dropped, drop
from underpaint.stages.data.drawing import Drawing
from underpaint.stages.data.leakage import crosses
from underpaint.stages.data.look import Look, near_pairs
from underpaint.stages.data.split import SPLITS, Place


def loser(one: int, other: int, drawings: Sequence[Drawing], places: Sequence[Place]) -> int:
    """Return which of two twins goes: the added one, and of two added ones the one whose split comes first.

    Args:
        one: Position of a drawing.
        other: Position of its twin; at least one of them is of an added style.
        drawings: All drawings.
        places: Their splits.
    """
    return min(
        (one, other),
        key=lambda i: (drawings[i].style not in ADDED_STYLES, SPLITS.index(places[i].split), drawings[i].id),
    )


def without_twins(
    drawings: Sequence[Drawing], places: Sequence[Place], look: Look, kept: Sequence[int]
) -> tuple[list[int], list[Dropped]]:
    """Leave out the twins among the drawings that stay.

    Args:
        drawings: All drawings.
        places: Their splits.
        look: Their small pictures.
        kept: Positions of those that stay.

    Returns:
        Positions that still stay, ascending; and what was left out. Without an added style nothing is.
    """
    if not any(drawings[i].style in ADDED_STYLES for i in kept):
        return list(kept), []
    gone: dict[int, int] = {}
    for one, other in near_pairs(look, kept):
        added = drawings[one].style in ADDED_STYLES or drawings[other].style in ADDED_STYLES
        if added and not {one, other} & gone.keys() and crosses(places[one].split, places[other].split):
            out = loser(one, other, drawings, places)
            gone[out] = one + other - out
    twins = [drop(drawings[i], "twin", f"nearly {drawings[j].name!r} of {places[j].split}") for i, j in gone.items()]
    return [i for i in kept if i not in gone], twins
