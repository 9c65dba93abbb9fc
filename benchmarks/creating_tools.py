"""The tools that draw a picture anew, each as what it asks for: a request, and where the picture may change."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from creating_inputs import Given, Kind
from PIL import Image, ImageDraw

from underpaint.pipelines.editing.request import EditRequest

Shape = Literal["ellipse", "half"]
SEED = 1
STRENGTHS = (0.0, 0.25, 0.5, 0.67, 0.8, 1.0)
EVERYTHING: tuple[Kind, ...] = ("photograph", "drawing", "sketch", "shaded", "sticker")


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A way to draw a picture anew.

    Args:
        ask: From a picture to what is asked for.
        shape: Of the mask; None where the whole picture may change.
        kinds: Of pictures that it is for.
    """

    ask: Callable[[Given], EditRequest]
    shape: Shape | None = None
    kinds: tuple[Kind, ...] = EVERYTHING


def image_to_image(strength: float) -> Tool:
    """Return the tool that makes something else of a picture."""
    return Tool(ask=lambda given: EditRequest(prompt=given.other, strength=strength, seed=SEED))


def from_sketch(strength: float) -> Tool:
    """Return the tool that makes a sticker of a sketch, or of what looks like a photograph."""
    return Tool(
        ask=lambda given: EditRequest(prompt=given.words, strength=strength, seed=SEED), kinds=("sketch", "shaded")
    )


TOOLS: dict[str, Tool] = {
    **{f"other words, strength {strength:g}": image_to_image(strength) for strength in STRENGTHS},
    "within an ellipse": Tool(ask=lambda given: EditRequest(prompt=given.other, seed=SEED), shape="ellipse"),
    "within a half": Tool(ask=lambda given: EditRequest(prompt=given.other, seed=SEED), shape="half"),
    "within a half, no seam": Tool(ask=lambda given: EditRequest(prompt=given.other, seam=0, seed=SEED), shape="half"),
    "within an ellipse, no words": Tool(ask=lambda _given: EditRequest(seed=SEED), shape="ellipse"),
    "variation": Tool(ask=lambda _given: EditRequest(seed=SEED)),
    "restyle": Tool(ask=lambda given: EditRequest(prompt=given.words, style="line-art", strength=0.5, seed=SEED)),
    "two prompts": Tool(ask=lambda given: EditRequest(prompt=given.words, mix=given.other, seed=SEED)),
    "away from words": Tool(ask=lambda given: EditRequest(prompt=given.other, negative=given.words, seed=SEED)),
    **{f"own words, strength {strength:g}": from_sketch(strength) for strength in (0.67, 0.8)},
}


def mask_for(shape: Shape, size: tuple[int, int]) -> Image.Image:
    """Return a mask as large as a picture, transparent where that may change.

    Args:
        shape: An ellipse in the middle, as wide and high as half of the picture, or the picture's right half.
        size: Width and height in pixels.
    """
    width, height = size
    mask = Image.new("RGBA", size, "black")
    draw = ImageDraw.Draw(mask)
    if shape == "ellipse":
        draw.ellipse((width // 4, height // 4, width - width // 4, height - height // 4), fill=(0, 0, 0, 0))
    else:
        draw.rectangle((width // 2, 0, width, height), fill=(0, 0, 0, 0))
    return mask


def file_of(given: Given) -> bytes:
    """Return a picture's file, as it would be named to a command: a JPEG of a photograph, else a PNG."""
    buffer = io.BytesIO()
    if given.kind == "photograph":
        given.image.save(buffer, "JPEG", quality=92)
    else:
        given.image.save(buffer, "PNG")
    return buffer.getvalue()


def changed_outside(before: np.ndarray, after: np.ndarray, inside: np.ndarray) -> int:
    """Return how many pixels outside a mask differ in any of their bits.

    Args:
        before: ``[S, S, 4]`` uint8.
        after: ``[S, S, 4]`` uint8.
        inside: ``[S, S]`` bool, the mask.
    """
    return int(((before != after).any(axis=-1) & ~inside).sum())
