"""A drawing with a name, wherever it comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A drawing that has a name.

    Args:
        id: Code points in hexadecimal joined by ``-``, without ``fe0f``.
        name: CLDR name.
        style: Style's name.
        family: Whose hand.
        source: Key of the source.
        icon: Name inside the source.
        license: SPDX expression.
        svg: Complete SVG document; empty for glyphs of a font.
    """

    id: str
    name: str
    style: str
    family: str
    source: str
    icon: str
    license: str
    svg: str = ""


def id_of(text: str) -> str:
    """Return the id of an emoji sequence: code points in hexadecimal joined by ``-``, without U+FE0F."""
    return "-".join(f"{ord(c):x}" for c in text if c != "\ufe0f")


def strip_id(code_points: str) -> str:
    """Return the id of code points such as ``0023-fe0f-20e3``: no leading zeros, no ``fe0f``."""
    return id_of("".join(chr(int(part, 16)) for part in code_points.split("-")))


def text_of(id_: str) -> str:
    """Return the emoji sequence of an id, without U+FE0F."""
    return "".join(chr(int(part, 16)) for part in id_.split("-"))
