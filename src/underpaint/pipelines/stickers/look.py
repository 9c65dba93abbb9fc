"""How stickers shall look: contour, shadow and background, as words that people type."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

from PIL import ImageColor
from pydantic import AfterValidator, Field

from underpaint.core.config import Config
from underpaint.core.errors import InputError

REFERENCE_SIDE = 512
"""Widths are those on a sticker whose longer side has this many pixels; they scale with the sticker."""
WIDEST = 64.0
WIDTH = 8.0
NOTHING, OWN = "none", "own"
COLORS_HINT = "use white, black, another color's name or #rrggbb"


def color_of(text: str) -> str:
    """Return a color as ``#rrggbb``.

    Args:
        text: Its name in CSS, or ``#rgb`` or ``#rrggbb``.

    Raises:
        InputError: It is neither.
    """
    try:
        red, green, blue, *alpha = ImageColor.getrgb(text.strip().lower())
    except ValueError:
        raise InputError(f"{text!r:.40} is no color; {COLORS_HINT}") from None
    if alpha:
        raise InputError(f"{text!r:.40} is not opaque; {COLORS_HINT}")
    return f"#{red:02x}{green:02x}{blue:02x}"


def _color(text: str) -> str:
    try:
        return color_of(text)
    except InputError as error:
        raise ValueError(str(error)) from None


Color = Annotated[str, AfterValidator(_color)]


class Contour(Config):
    """A line around the drawing.

    Args:
        color: As ``#rrggbb``.
        width: In pixels of a sticker of ``REFERENCE_SIDE``, above 0.
    """

    color: Color = "#ffffff"
    width: float = Field(default=WIDTH, gt=0.0, le=WIDEST)


class Background(Config):
    """What lies behind a sticker; all None for nothing.

    Args:
        colors: One color, or two that pass into each other from top to bottom.
        own: Two colors taken from the drawing, made lighter.
        file: A picture, which fills the sticker and is cut at the sides.
    """

    colors: tuple[Color, ...] = Field(default=(), max_length=2)
    own: bool = False
    file: Path | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether the sticker stays transparent."""
        return not (self.colors or self.own or self.file)


class Look(Config):
    """How stickers shall look.

    Args:
        contour: The line around the drawing; None for none.
        shadow: Whether a soft shadow lies below it.
        background: What lies behind it.
        specks: Whether specks around the drawing stay.
    """

    contour: Contour | None = None
    shadow: bool = False
    background: Background = Background()
    specks: bool = False


def read_contour(text: str) -> Contour | None:
    """Read a contour as it is typed: ``none``, ``white``, ``white:8`` or ``#ff0000:12``.

    Raises:
        InputError: It is none of these.
    """
    if text.strip().lower() == NOTHING:
        return None
    color, _, width = text.partition(":")
    try:
        return Contour(color=color_of(color), width=float(width) if width else WIDTH)
    except ValueError:
        raise InputError(
            f"{text!r:.40} is no contour: a width is a number above 0 and at most {WIDEST:g}; use none, white, white:8 "
            "or #rrggbb:WIDTH"
        ) from None


def read_background(text: str) -> Background:
    """Read a background as it is typed: ``none``, a color, two colors as ``#ffeecc,#ff8800``, ``own``, or a file.

    A file that is called like a color is meant by a longer path, such as ``./white``.

    Raises:
        InputError: It is none of these.
    """
    word = text.strip()
    if word.lower() in (NOTHING, "transparent"):
        return Background()
    if word.lower() == OWN:
        return Background(own=True)
    with contextlib.suppress(InputError):
        return Background(colors=_colors(word))
    with contextlib.suppress(OSError):
        if Path(word).is_file():
            return Background(file=Path(word))
    raise InputError(
        f"{text!r:.80} is no background: neither a color nor a file that is there; use none, own, a color, two "
        "colors as white,#ff8800, or a picture's path"
    )


def contour_words(look: Look) -> str | None:
    """Return a look's contour as it is typed; None for none."""
    return None if look.contour is None else f"{look.contour.color}:{look.contour.width:g}"


def background_words(background: Background) -> str:
    """Return a background as it is typed; ``file`` for a picture, whose path nobody else need know."""
    if background.file is not None:
        return "file"
    return OWN if background.own else ",".join(background.colors) or NOTHING


def _colors(word: str) -> tuple[str, ...]:
    parts = word.split(",")
    if len(parts) > 2:
        raise InputError("more than two colors")
    return tuple(color_of(part) for part in parts)
