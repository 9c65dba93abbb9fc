"""From a picture to a sticker of a given size: enlarged first, then outlined, so that the contour is crisp.

Everything is laid over each other in premultiplied form: background, shadow, contour, drawing. Haze is taken away once,
of the drawing in its size (``enlarged``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from underpaint.core.errors import InputError
from underpaint.pipelines.stickers.background import background_of
from underpaint.pipelines.stickers.contour import blurred, contour
from underpaint.pipelines.stickers.distances import Floats
from underpaint.pipelines.stickers.look import REFERENCE_SIDE, Look
from underpaint.pipelines.stickers.place import Item
from underpaint.pipelines.stickers.tidying import tidied
from underpaint.pipelines.upscaling.enlarging import upscaled
from underpaint.pipelines.upscaling.haze import cleared, on_board
from underpaint.pipelines.upscaling.resampling import premultiplied, resampled, straight

SEEN = 8
"""Alpha, in levels, from which a pixel counts as a part of the drawing."""
DETAILED = 512
"""Longest side, in pixels, up to which a drawing gains by being upscaled."""
SHADOW_BLUR, SHADOW_DROP, SHADOW_ALPHA = 7.0, 6.0, 0.35
"""Of the shadow: deviation of its blur and how far it falls, in pixels of a sticker of ``REFERENCE_SIDE``."""
REACH = 2.0
"""Deviations of the blur that room is kept for."""
ROOMY = 2.0
"""Times as long as the sticker that a picture may become around its drawing; of a longer one only a rim is kept."""
RIM = 4
"""Share of the drawing, one in so many, that its rim is wide."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """Pixels that contour and shadow need on each side of the drawing.

    Args:
        contour: Width of the contour.
        blur: Deviation of the shadow's blur; 0 without a shadow.
        drop: How far the shadow falls.
    """

    contour: float
    blur: float
    drop: float

    @property
    def around(self) -> int:
        """Room above, left and right."""
        return math.ceil(max(self.contour, self.contour + REACH * self.blur - self.drop if self.blur else 0.0))

    @property
    def below(self) -> int:
        """Room below."""
        return math.ceil(self.contour + (REACH * self.blur + self.drop if self.blur else 0.0))


def room_of(look: Look, side: int) -> Room:
    """Return the room that a look needs on a sticker of a size.

    Args:
        look: What it shall look like.
        side: The sticker's longer side in pixels.
    """
    scale = side / REFERENCE_SIDE
    width = 0.0 if look.contour is None else look.contour.width * scale
    if not look.shadow:
        return Room(contour=width, blur=0.0, drop=0.0)
    return Room(contour=width, blur=SHADOW_BLUR * scale, drop=SHADOW_DROP * scale)


def composed(pixels: np.ndarray, item: Item, look: Look) -> np.ndarray:
    """Return a sticker.

    Args:
        pixels: The drawing ``[H, W, 4]`` uint8, straight alpha, of any size.
        item: What is wanted.
        look: What it shall look like.

    Returns:
        ``[h, w, 4]`` uint8, straight alpha, opaque where the item must be; of the item's size, or where its box is
        ``longest`` with a longer side just as long.

    Raises:
        InputError: The picture shows nothing, or contour and margin leave no room for it.
    """
    room = room_of(look, max(item.width, item.height))
    pixels = pixels if look.specks else tidied(pixels)
    drawing = _drawn(pixels, item, room)
    layer = _with_contour(drawing, room, look)
    sticker = _on_canvas(layer, item) if item.box == "canvas" else _as_long(layer, max(item.width, item.height))
    behind = background_of(look.background, sticker.shape[1], sticker.shape[0], pixels)
    if behind is None and not item.transparent:
        behind = np.full((*sticker.shape[:2], 3), 255.0, dtype=np.float32)
    return straight(sticker if behind is None else _over(sticker, _opaque(behind)))


def _drawn(pixels: np.ndarray, item: Item, room: Room) -> np.ndarray:
    """Return the drawing, cut to what is seen of it, as large as margin, contour and shadow allow."""
    width = item.width - 2 * (item.margin + room.around)
    height = item.height - 2 * item.margin - room.around - room.below
    if min(width, height) < 1:
        raise InputError(f"contour, shadow and margin leave nothing of {item.size} pixels; choose a thinner contour")
    left, top, right, bottom = seen(cleared(pixels))
    scale = min(width / (right - left), height / (bottom - top))
    if scale * max(pixels.shape[:2]) > ROOMY * max(width, height):
        pixels = with_rim(pixels)
    longest = max(1, round(scale * max(pixels.shape[:2])))
    while True:
        large = enlarged(pixels, longest)
        left, top, right, bottom = seen(large)
        if (right - left <= width and bottom - top <= height) or longest == 1:
            return large[top:bottom, left:right]
        longest -= max(1, math.ceil(longest * (1 - min(width / (right - left), height / (bottom - top)))))


def seen(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """Return the box of what is seen of a picture: left, top, right and bottom, the latter two left out.

    Raises:
        InputError: Nothing is.
    """
    there = pixels[..., 3] >= SEEN
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    if not len(rows):
        raise InputError("the picture is transparent all over, so there is no sticker in it; choose another one")
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def with_rim(pixels: np.ndarray) -> np.ndarray:
    """Return what is seen of a picture, haze left out, and a rim around it, at most half as long as that again."""
    left, top, right, bottom = seen(cleared(pixels))
    rim = max(right - left, bottom - top) // RIM
    return pixels[max(0, top - rim) : bottom + rim, max(0, left - rim) : right + rim]


def enlarged(pixels: np.ndarray, longest: int) -> np.ndarray:
    """Return a picture without haze whose longer side has a length: upscaled to ``DETAILED``, resampled beyond it.

    Args:
        pixels: ``[H, W, 4]`` uint8, straight alpha.
        longest: In pixels.
    """
    if longest <= DETAILED:
        return cleared(upscaled(pixels, longest, haze=True))
    large = cleared(upscaled(pixels, DETAILED, haze=True) if gains(pixels) else pixels)
    height, width = (max(1, round(side * longest / max(large.shape[:2]))) for side in large.shape[:2])
    return straight(on_board(resampled(premultiplied(large), width, height)))


def gains(pixels: np.ndarray) -> bool:
    """Tell whether a drawing gains by being upscaled."""
    return max(pixels.shape[:2]) < DETAILED


def prepared(pixels: np.ndarray, look: Look) -> np.ndarray:
    """Return a picture tidied and upscaled once, haze and all, so that stickers of many sizes are quickly made of it.

    Args:
        pixels: ``[H, W, 4]`` uint8, straight alpha.
        look: What its stickers shall look like.
    """
    tidy = pixels if look.specks else tidied(pixels)
    return upscaled(tidy, DETAILED, haze=True) if gains(tidy) else tidy


def _with_contour(drawing: np.ndarray, room: Room, look: Look) -> Floats:
    """Return the drawing with contour and shadow, premultiplied, in a box with just the room that they need."""
    sides = (room.around, room.around)
    padded = np.pad(drawing, ((room.around, room.below), sides, (0, 0)))
    layer = premultiplied(padded)
    silhouette = layer[..., 3]
    if look.contour is not None:
        silhouette = np.maximum(contour(padded[..., 3], room.contour), silhouette)
        layer = _over(layer, _colored(look.contour.color, silhouette))
    if not look.shadow:
        return layer
    return _over(layer, _colored("#000000", SHADOW_ALPHA * _dropped(blurred(silhouette, room.blur), round(room.drop))))


def _dropped(coverage: Floats, drop: int) -> Floats:
    return np.pad(coverage, ((drop, 0), (0, 0)))[: len(coverage)]


def _colored(color: str, coverage: Floats) -> Floats:
    """Return one color where there is coverage, premultiplied."""
    levels = np.array([*bytes.fromhex(color[1:]), 255]) / 255.0
    return (coverage[..., None] * levels).astype(np.float32)  # [H, W, 4]


def _opaque(colors: np.ndarray) -> Floats:
    return np.concatenate([colors / 255.0, np.ones((*colors.shape[:2], 1))], axis=-1).astype(np.float32)


def _over(upper: Floats, lower: Floats) -> Floats:
    """Lay one premultiplied layer over another."""
    return upper + np.subtract(1, upper[..., 3:], dtype=np.float32) * lower


def _on_canvas(layer: Floats, item: Item) -> Floats:
    """Put a layer in the middle of a transparent canvas."""
    canvas = np.zeros((item.height, item.width, 4), dtype=np.float32)
    top, left = (item.height - layer.shape[0]) // 2, (item.width - layer.shape[1]) // 2
    canvas[top : top + layer.shape[0], left : left + layer.shape[1]] = layer
    return canvas


def _as_long(layer: Floats, longest: int) -> Floats:
    """Make a layer's longer side as long as it must be: a drawing grows by whole pixels and may end just below that."""
    axis = int(np.argmax(layer.shape[:2]))
    missing = max(0, longest - layer.shape[axis])
    room = [(0, 0), (0, 0), (0, 0)]
    room[axis] = (missing // 2, missing - missing // 2)
    return np.pad(layer, room)
