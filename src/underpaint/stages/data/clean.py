"""What is left out: colors that line art cannot show, one picture under several names, blank pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from underpaint.stages.data.join import Drawing
from underpaint.stages.data.look import Look

COLORLESS_STYLES = ("line-art",)
COLOR_WORDS = frozenset(
    ("red", "orange", "yellow", "green", "blue", "purple", "brown", "black", "white", "pink", "grey", "blond")
)
MIN_ALPHA = 0.002


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """A drawing that is left out, and why: ``color``, ``duplicate``, ``blank`` or ``unreadable``."""

    source: str
    icon: str
    name: str
    style: str
    rule: str
    detail: str = ""


def drop(drawing: Drawing, rule: str, detail: str = "") -> Dropped:
    """Record that a drawing is left out."""
    return Dropped(
        source=drawing.source, icon=drawing.icon, name=drawing.name, style=drawing.style, rule=rule, detail=detail
    )


def names_color(name: str) -> bool:
    """Tell whether a name holds the word of a color or of a hair color."""
    return bool(COLOR_WORDS & set(re.findall("[a-z]+", name.lower())))


def clean(drawings: Sequence[Drawing], look: Look) -> tuple[list[int], list[Dropped]]:
    """Choose the drawings that stay.

    Among equal pictures of a style the one with the shortest name stays.

    Args:
        drawings: All drawings.
        look: Their small pictures.

    Returns:
        Positions that stay, ascending; and what was left out.
    """
    kept: list[int] = []
    dropped: list[Dropped] = []
    first: dict[tuple[str, bytes], str] = {}
    order = sorted(range(len(drawings)), key=lambda i: (len(drawings[i].name), drawings[i].name, drawings[i].style))
    for i in order:
        drawing, picture = drawings[i], look.pixels[i].tobytes()
        if look.alpha[i] < MIN_ALPHA:
            dropped.append(drop(drawing, "blank", f"mean alpha {look.alpha[i]:.4f}"))
        elif drawing.style in COLORLESS_STYLES and names_color(drawing.name):
            dropped.append(drop(drawing, "color", "this style has no color"))
        elif (drawing.style, picture) in first:
            dropped.append(drop(drawing, "duplicate", f"same picture as {first[drawing.style, picture]!r}"))
        else:
            first[drawing.style, picture] = drawing.name
            kept.append(i)
    return sorted(kept), dropped
