"""What an id says: the concept (group) behind a drawing, and its tone, gender form and direction."""

from __future__ import annotations

import re
from dataclasses import dataclass

CODE_POINTS = re.compile("[0-9a-f]{1,6}(-[0-9a-f]{1,6})*")
JOINER = 0x200D
TONES = {0x1F3FB: "light", 0x1F3FC: "medium-light", 0x1F3FD: "medium", 0x1F3FE: "medium-dark", 0x1F3FF: "dark"}
SIGNS = {0x2640: "woman", 0x2642: "man"}
PEOPLE = {0x1F468: "man", 0x1F469: "woman", 0x1F474: "man", 0x1F475: "woman", 0x1F466: "man", 0x1F467: "woman"}
NEUTRAL = {
    0x1F468: 0x1F9D1,
    0x1F469: 0x1F9D1,
    0x1F466: 0x1F9D2,
    0x1F467: 0x1F9D2,
    0x1F474: 0x1F9D3,
    0x1F475: 0x1F9D3,
}
RIGHT_ARROW = 0x27A1
FIRST_NUMBER = 0xF0000
"""Codes of private use from here on number several pictures of one wish; they are no part of the concept."""


@dataclass(frozen=True, kw_only=True)
class Concept:
    """The parts of an id.

    Args:
        group: The id without tone, gender and direction: what all variants share.
        tones: Names of the skin tones in order; empty for none.
        genders: Gender forms in order: ``man`` or ``woman`` for each marked person; empty for none.
        facing_right: Whether the drawing is the mirrored form.
    """

    group: str
    tones: tuple[str, ...]
    genders: tuple[str, ...]
    facing_right: bool

    @property
    def gender(self) -> str:
        """``man``, ``woman``, ``person`` for none, ``both`` for several different ones."""
        return {0: "person", 1: next(iter(self.genders), "person")}.get(len(set(self.genders)), "both")


def split_parts(codes: list[int]) -> tuple[list[int], list[int]]:
    """Separate what names the concept from its modifiers: tones (unless first), joined signs, the joined arrow."""
    kept, modifiers = codes[:1], []
    for code in codes[1:]:
        if code >= FIRST_NUMBER:
            continue
        if code in TONES:
            modifiers.append(code)
        elif kept and kept[-1] == JOINER and (code in SIGNS or code == RIGHT_ARROW):
            kept.pop()
            modifiers.append(code)
        else:
            kept.append(code)
    return kept, modifiers


def is_code_points(id_: str) -> bool:
    """Tell whether an id is a sequence of code points; those of a person's own pictures are not."""
    return CODE_POINTS.fullmatch(id_) is not None


def concept_of(id_: str) -> Concept:
    """Take an id apart.

    Args:
        id_: Code points in hexadecimal joined by ``-``, without ``fe0f``; any other id is a concept of its own.
    """
    if not is_code_points(id_):
        return Concept(group=id_, tones=(), genders=(), facing_right=False)
    codes = [int(part, 16) for part in id_.split("-")]
    kept, modifiers = split_parts(codes)
    genders = [PEOPLE[code] for code in kept if code in PEOPLE]
    return Concept(
        group="-".join(f"{NEUTRAL.get(code, code):x}" for code in kept),
        tones=tuple(TONES[code] for code in modifiers if code in TONES),
        genders=tuple(genders + [SIGNS[code] for code in modifiers if code in SIGNS]),
        facing_right=RIGHT_ARROW in modifiers,
    )
