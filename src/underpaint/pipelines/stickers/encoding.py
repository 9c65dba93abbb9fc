"""A file that is no longer than it may be: without loss where that fits, else as good as fits, else a refusal.

Quality is searched by halving, so that a WebP or JPEG costs eight tries at most. A PNG has no quality; it is given
fewer and fewer colors.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image, PngImagePlugin

from underpaint.core.errors import InputError
from underpaint.pipelines.stickers.place import Format

LOWEST, HIGHEST = 20, 95
"""Qualities of WebP and JPEG that are tried; below the first a sticker is not worth having."""
PALETTES = (256, 128, 64, 32)
"""Numbers of colors that a PNG is given in turn."""
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
    """

    data: bytes
    quality: str


def encoded(
    image: Image.Image, kind: Format, max_bytes: int | None, *, texts: Texts | None = None, dpi: int | None = None
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
    said = texts or Texts()
    more: dict[str, Any] = {} if dpi is None or kind == "webp" else {"dpi": (dpi, dpi)}
    tries = {"png": _pngs, "webp": _webps, "jpeg": _jpegs}[kind](image, said, more)
    found = _first_fit(tries, max_bytes)
    if isinstance(found, Encoded):
        return found
    raise InputError(
        f"a {kind} of {image.width}x{image.height} pixels needs {found:,} bytes at least, and {max_bytes:,} are "
        "allowed; choose a plain background or a simpler picture"
    )


@dataclass(frozen=True, kw_only=True)
class Tries:
    """What can be tried for a format.

    Args:
        lossless: Files without loss, or with less and less, each its words and how to make it; from the best on.
        lossy: Makes a file of a quality from ``LOWEST`` to ``HIGHEST``; None where the format has none.
    """

    lossless: tuple[tuple[str, Callable[[], bytes]], ...]
    lossy: Callable[[int], bytes] | None = None


def _first_fit(tries: Tries, max_bytes: int | None) -> Encoded | int:
    """Return the best file that fits, or how long the shortest one is."""
    shortest = 0
    for words, make in tries.lossless:
        data = make()
        if max_bytes is None or len(data) <= max_bytes:
            return Encoded(data=data, quality=words)
        shortest = min(shortest or len(data), len(data))
    assert max_bytes is not None or tries.lossy is not None
    return shortest if tries.lossy is None else _best_quality(tries.lossy, max_bytes)


def _best_quality(make: Callable[[int], bytes], max_bytes: int | None) -> Encoded | int:
    """Return the file of the highest quality that fits, or how long the one of the lowest is."""
    low, high, best = LOWEST, HIGHEST, None
    while low <= high:
        quality = high if best is None and high == HIGHEST else (low + high) // 2
        data = make(quality)
        if max_bytes is None or len(data) <= max_bytes:
            best, low = Encoded(data=data, quality=f"quality {quality}"), quality + 1
        else:
            high = quality - 1
    return best or len(make(LOWEST))


def _pngs(image: Image.Image, texts: Texts, more: dict[str, Any]) -> Tries:
    info = PngImagePlugin.PngInfo()
    for keyword, text in texts.plain:
        info.add_itxt(keyword, text)
    if texts.xmp is not None:
        info.add_itxt("XML:com.adobe.xmp", texts.xmp)

    def made(colors: int | None = None) -> bytes:
        drawn = image if colors is None else image.quantize(colors, method=Image.Quantize.FASTOCTREE)
        return _saved(drawn, "PNG", pnginfo=info, optimize=True, **more)

    fewer = tuple((f"{colors} colors", lambda colors=colors: made(colors)) for colors in PALETTES)
    return Tries(lossless=(("without loss", made), *fewer))


def _webps(image: Image.Image, texts: Texts, more: dict[str, Any]) -> Tries:
    said = more | ({} if texts.xmp is None else {"xmp": texts.xmp.encode()})
    return Tries(
        lossless=(("without loss", lambda: _saved(image, "WEBP", lossless=True, quality=80, method=4, **said)),),
        lossy=lambda quality: _saved(image, "WEBP", quality=quality, method=4, **said),
    )


def _jpegs(image: Image.Image, texts: Texts, more: dict[str, Any]) -> Tries:
    said = more | ({} if texts.xmp is None else {"xmp": texts.xmp.encode()})
    return Tries(
        lossless=(),
        lossy=lambda quality: _saved(image, "JPEG", quality=quality, optimize=True, subsampling=0, **said),
    )


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
