"""What a picture of a caption must show: the labels that the evaluator's heads learn and that a drawing is asked for.

A label is there only if it can be seen: a tone not in line art, a color only where the caption names one plain color of
the whole thing, a direction only for the concepts that exist in both.
"""

from __future__ import annotations

from underpaint.core.concept import concept_of, is_code_points
from underpaint.core.samples import Sample

STYLES = ("cartoon", "flat", "gradient", "line-art")
TONES = ("none", "light", "medium-light", "medium", "medium-dark", "dark")
GENDERS = ("person", "man", "woman", "both")
COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "brown", "black", "white", "grey", "pink")
DIRECTIONS = ("left", "right")
COLORLESS_STYLE = "line-art"
SIZES = frozenset({"large", "small", "hollow"})
NOT_ITS_COLOR = frozenset({"white cane"})
"""Captions whose color word names a kind of thing, not what is seen."""
BOTH_DIRECTIONS = frozenset({"1f3c3", "1f6b6", "1f9ce", "1f9d1-200d-1f9af", "1f9d1-200d-1f9bc", "1f9d1-200d-1f9bd"})
"""Groups that exist facing left and, with a joined arrow, facing right."""


def tone_of(id_: str) -> str | None:
    """Return the one skin tone of an id, ``none`` for no tone, None where two persons have each their own.

    What a person's own picture shows is not known: None.
    """
    if not is_code_points(id_):
        return None
    tones = set(concept_of(id_).tones)
    return None if len(concept_of(id_).tones) > 1 and len(tones) > 1 else next(iter(tones), "none")


def gender_of(id_: str, caption: str) -> str | None:
    """Return the gender form where the id marks one, ``person`` where the caption says so, else None."""
    concept = concept_of(id_)
    if concept.genders:
        return concept.gender
    return "person" if {"person", "people"} & set(caption.split()) else None


def color_of(caption: str) -> str | None:
    """Return the color word that a caption begins with (after a word of size), if it is the only one and not alone."""
    words = [word for word in caption.split() if word not in SIZES]
    named = [word for word in words if word in COLORS]
    plain = len(named) == 1 and len(words) > 1 and words[0] == named[0] and caption not in NOT_ITS_COLOR
    return named[0] if plain else None


def direction_of(id_: str) -> str | None:
    """Return ``left`` or ``right`` for the groups that exist in both directions, else None."""
    concept = concept_of(id_)
    if concept.group not in BOTH_DIRECTIONS:
        return None
    return "right" if concept.facing_right else "left"


def labels_of_prompt(id_: str, caption: str, style: str = "") -> dict[str, str]:
    """Return what a picture must show.

    Args:
        id_: The id of what is drawn, as in the data set.
        caption: Its canonical caption.
        style: The style it is drawn in; empty if any will do.

    Returns:
        Head to class, for the heads that apply: ``concept`` (the group), ``style``, ``tone``, ``gender``, ``color``,
        ``direction``.
    """
    seen_in_color = style != COLORLESS_STYLE
    labels = {
        "concept": concept_of(id_).group,
        "style": style or None,
        "tone": tone_of(id_) if seen_in_color else None,
        "gender": gender_of(id_, caption),
        "color": color_of(caption) if seen_in_color else None,
        "direction": direction_of(id_),
    }
    return {head: label for head, label in labels.items() if label is not None}


def labels_of(sample: Sample) -> dict[str, str]:
    """Return what the picture of a sample shows; see ``labels_of_prompt``."""
    return labels_of_prompt(sample.id, sample.caption, sample.style)
