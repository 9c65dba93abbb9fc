"""A file that is no longer than it may be: without loss where that fits, else as good as fits, else a refusal.

Quality is searched by halving, so that a WebP or JPEG costs eight tries at most. A PNG has no quality; it is given
fewer and fewer colors. A WebP without loss takes longest, so where a hasty one is far too long, the highest quality is
tried first; it is never given up for a lower one.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from PIL import Image, PngImagePlugin

from underpaint.core.errors import InputError
from underpaint.pipelines.settings import as_size
from underpaint.pipelines.stickers.place import Format
from underpaint.runtime import xmp

LOWEST, HIGHEST = 20, 95
"""Qualities of WebP and JPEG that are tried; below the first a sticker is not worth having."""
PALETTES = (256, 128, 64, 32)
"""Numbers of colors that a PNG is given in turn."""
HASTE = 0.6
"""What care makes of the length of a WebP without loss that was packed in a hurry: .64 at least, of 50 stickers; of a
pattern far less."""
SUFFIXES: dict[Format, str] = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}


@dataclass(frozen=True, kw_only=True)
class Texts:
    """What a file says about itself.

    Args:
        xmp: The packet; None for none.
        plain: Keywords and texts of a PNG; other formats have none.
    """

    xmp: str | None = None
    plain: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A finished file.

    Args:
        data: Its bytes.
        quality: How good it is, in words.
        image: The pixels that it shows, or would if its format lost nothing.
    """

    data: bytes
    quality: str
    image: Image.Image


TextsOf = Callable[[Image.Image], Texts]
"""Returns what a file says about itself, from the pixels that it shows, or would if its format lost nothing."""


def encoded(
    image: Image.Image,
    kind: Format,
    max_bytes: int | None,
    *,
    texts: Texts | TextsOf | None = None,
    dpi: int | None = None,
) -> Encoded:
    """Return a picture's file.

    Args:
        image: RGB or RGBA; RGB for a JPEG.
        kind: The format.
        max_bytes: Longest file; None for any.
        texts: What it says about itself.
        dpi: Resolution that is written into it.

    Raises:
        InputError: It cannot be made as short as it must be.
    """
    said = texts if callable(texts) else lambda _image: texts or Texts()
    more: dict[str, Any] = {} if dpi is None or kind == "webp" else {"dpi": (dpi, dpi)}
    tries = {"png": _pngs, "webp": _webps, "jpeg": _jpegs}[kind](image, said, more, max_bytes)
    lengths = []
    for make in tries:
        file = make()
        if _fits(file, max_bytes):
            return file
        lengths.append(len(file.data))
    raise InputError(
        f"a {kind} of {as_size(*image.size)} pixels needs {min(lengths):,} bytes at least, and {max_bytes:,} are "
        "allowed; choose a plain background or a simpler picture"
    )


Tries = list[Callable[[], Encoded]]
"""What is tried for a format in turn: the first file that is short enough is taken."""


def _fits(file: Encoded, max_bytes: int | None) -> bool:
    return max_bytes is None or len(file.data) <= max_bytes


def _best_quality(make: Callable[[int], Encoded], max_bytes: int | None) -> Encoded:
    """Return the file of the highest quality that fits, or that of the lowest, which does not."""
    low, high, best = LOWEST, HIGHEST, None
    while low <= high:
        quality = high if best is None and high == HIGHEST else (low + high) // 2
        file = make(quality)
        if _fits(file, max_bytes):
            best, low = file, quality + 1
        else:
            high = quality - 1
    return best or make(LOWEST)


def _pngs(image: Image.Image, texts: TextsOf, more: dict[str, Any], _max_bytes: int | None) -> Tries:
    def made(words: str, shown: Image.Image) -> Encoded:
        info, said = PngImagePlugin.PngInfo(), texts(shown)
        for keyword, text in said.plain:
            info.add_itxt(keyword, text)
        if said.xmp is not None:
            info.add_itxt(xmp.KEYWORD, said.xmp)
        return Encoded(data=_saved(shown, "PNG", pnginfo=info, optimize=True, **more), quality=words, image=shown)

    def fewer(colors: int) -> Encoded:
        drawn = image.quantize(colors, method=Image.Quantize.FASTOCTREE).convert(image.mode)
        return made(f"{colors} colors", drawn)

    return [lambda: made("without loss", image), *(partial(fewer, colors) for colors in PALETTES)]


def _webps(image: Image.Image, texts: TextsOf, more: dict[str, Any], max_bytes: int | None) -> Tries:
    said = more | _packet(texts(image))

    def made(words: str, **how: Any) -> Encoded:
        return Encoded(data=_saved(image, "WEBP", method=4, **how, **said), quality=words, image=image)

    @cache
    def lossy(quality: int) -> Encoded:
        return made(f"quality {quality}", quality=quality)

    best = [lambda: made("without loss", lossless=True, quality=80), lambda: lossy(HIGHEST)]
    return [*(best[::-1] if _far_too_long(image, max_bytes) else best), partial(_best_quality, lossy, max_bytes)]


def _far_too_long(image: Image.Image, max_bytes: int | None) -> bool:
    """Tell, in a fifteenth of the time, whether a WebP without loss is likely to be too long."""
    return max_bytes is not None and HASTE * len(_saved(image, "WEBP", lossless=True, quality=0, method=0)) > max_bytes


def _jpegs(image: Image.Image, texts: TextsOf, more: dict[str, Any], max_bytes: int | None) -> Tries:
    said = more | _packet(texts(image))

    def made(quality: int) -> Encoded:
        data = _saved(image, "JPEG", quality=quality, optimize=True, subsampling=0, **said)
        return Encoded(data=data, quality=f"quality {quality}", image=image)

    return [partial(_best_quality, made, max_bytes)]


def _packet(texts: Texts) -> dict[str, Any]:
    return {} if texts.xmp is None else {"xmp": texts.xmp.encode()}


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
