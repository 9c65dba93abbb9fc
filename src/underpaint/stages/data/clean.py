"""What is left out: one picture under several names, colors that line art cannot show, flags, blank pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence

from underpaint.core.config import Config
from underpaint.core.errors import PromptError
from underpaint.core.text import caption_from_name
from underpaint.stages.data.drawing import Drawing
from underpaint.stages.data.look import Look

COLORLESS_STYLES = ("line-art",)
COLOR_WORDS = frozenset(
    ("red", "orange", "yellow", "green", "blue", "purple", "brown", "black", "white", "pink", "grey", "blond")
)
MIN_ALPHA = 0.002


class Dropped(Config):
    """A drawing that is left out, and why.

    Args:
        source: Key of the source.
        icon: Name inside the source.
        name: CLDR name.
        style: Style's name.
        rule: ``unreadable``, ``blank``, ``flag``, ``caption``, ``color``,
            ``duplicate`` or ``twin``.
        detail: More about it.
    """

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


def is_national_flag(id_: str) -> bool:
    """Tell whether an id is the flag of a country or a part of one."""
    codes = [int(part, 16) for part in id_.split("-")]
    return all(0x1F1E6 <= code <= 0x1F1FF for code in codes) or 0xE007F in codes


def unfit(drawing: Drawing, alpha: float) -> Dropped | None:
    """Judge a drawing by itself.

    Args:
        drawing: The drawing.
        alpha: Its mean alpha.

    Returns:
        Why it is left out, or None.
    """
    if alpha < MIN_ALPHA:
        return drop(drawing, "blank", f"mean alpha {alpha:.4f}")
    if is_national_flag(drawing.id):
        return drop(drawing, "flag", "national flags are left out of every source")
    if drawing.style in COLORLESS_STYLES and names_color(drawing.name):
        return drop(drawing, "color", "this style has no color")
    try:
        caption_from_name(drawing.name)
    except PromptError as error:
        return drop(drawing, "caption", str(error))
    return None


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
        problem = unfit(drawing, float(look.alpha[i]))
        if problem is None and (drawing.style, picture) in first:
            problem = drop(drawing, "duplicate", f"same picture as {first[drawing.style, picture]!r}")
        if problem:
            dropped.append(problem)
        else:
            first[drawing.style, picture] = drawing.name
            kept.append(i)
    return sorted(kept), dropped
