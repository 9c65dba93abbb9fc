"""What can be said about where a picture comes from: what its file claims, and whether the pixels agree.

Nothing here is signed, so a claim that holds shows that nobody changed the picture by accident; whoever knows the
format can write other claims. What contradicts itself is told apart from what is merely unknown.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from underpaint.core.errors import InputError, UnreadableImage
from underpaint.pipelines.marks import Search, search
from underpaint.pipelines.picture_file import PARAMETERS, pixel_digest
from underpaint.pipelines.settings import Settings
from underpaint.runtime import xmp
from underpaint.runtime.png_text import FILE_CAP, PIXEL_CAP, SIGNATURE, PngText, read_text

Verdict = Literal["as drawn", "changed", "unknown"]

FORMATS = ("PNG", "JPEG", "WEBP")
HARMLESS = frozenset({"IHDR", "IDAT", "IEND", "tEXt", "zTXt", "iTXt", "caBX", "tIME"})
"""Kinds of chunks that change nothing of what is seen."""
CREDENTIAL = "caBX"


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What is known about a picture.

    Args:
        verdict: ``as drawn``, ``changed`` since it was drawn, or ``unknown`` if nothing says that we drew it.
        contradictions: What does not fit together, each a sentence.
        unsaid: What cannot be said, and why, each a sentence.
        settings: What the file says made it; None if it says nothing.
        pixels_unchanged: Whether the pixels are those of the settings; None without settings.
        origin: What the XMP packet says; None if there is none.
        watermark: What was found by looking for a mark; None if it could not be looked for.
    """

    verdict: Verdict
    contradictions: tuple[str, ...]
    unsaid: tuple[str, ...]
    settings: Settings | None
    pixels_unchanged: bool | None
    origin: xmp.Origin | None
    watermark: Search | None


def _decode(path: Path) -> Image.Image:
    """Return the pixels as RGB or RGBA; size and format are checked before they are decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > PIXEL_CAP:
                    raise UnreadableImage(f"{path}: {image.width} x {image.height} pixels are beyond {PIXEL_CAP:,}")
                image.load()
                if image.mode in ("RGB", "RGBA"):
                    return image.copy()
                return image.convert("RGBA" if image.has_transparency_data else "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableImage(f"{path}: the picture cannot be decoded ({error}); get it again") from None


def _is_png(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            if path.stat().st_size > FILE_CAP:
                raise UnreadableImage(f"{path} has more than the {FILE_CAP:,} bytes allowed; no picture of ours has")
            return file.read(8) == SIGNATURE
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; check the path") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the path") from None


def _file_contradictions(text: PngText) -> list[str]:
    """Return what in the file can make it look otherwise than its pixels, or read otherwise than here."""
    found = [f"the text {keyword!r:.60} stands more than once" for keyword in sorted(text.doubled)]
    foreign = sorted(text.kinds - HARMLESS)
    if foreign:
        found.append(f"chunks that underpaint does not write can change how it looks: {', '.join(foreign):.200}")
    if text.trailing:
        found.append(f"{text.trailing:,} bytes follow the end of the picture")
    return found


def _settings(text: PngText, source: str) -> tuple[Settings | None, str | None]:
    """Return the settings in a file, or why there are none."""
    if PARAMETERS not in text.texts:
        return None, "the file holds no settings: they were dropped, or underpaint did not draw it"
    try:
        return Settings.from_json(text.texts[PARAMETERS], source=source), None
    except InputError as error:
        return None, str(error)


def _origin(text: PngText) -> tuple[xmp.Origin | None, str | None]:
    """Return what the XMP packet says, or why it says nothing."""
    if xmp.KEYWORD not in text.texts:
        return None, "there is no XMP packet"
    try:
        return xmp.read_packet(text.texts[xmp.KEYWORD]), None
    except ValueError as error:
        return None, f"the XMP packet cannot be read: {error}"


def _is_as_drawn(image: Image.Image, settings: Settings) -> bool:
    """Tell whether shape and pixels are those that the settings name."""
    return f"{image.width}x{image.height}" == settings.size and pixel_digest(image) == settings.pixel_sha256


def _mark_contradiction(settings: Settings | None, found: Search | None) -> str | None:
    if found is None or not found.found or settings is None or settings.watermark == found.name:
        return None
    return f"the pixels carry the mark {found.name}, the settings name {settings.watermark or 'none'}"


def _unsaid(text: PngText, settings: Settings | None, found: Search | None) -> list[str]:
    """Return what a reader could expect to be told, and why it is not."""
    said = ["who wrote it: the settings are not signed, so anybody can have written them"] if settings else []
    if CREDENTIAL in text.kinds:
        said.append("whether its C2PA credential holds: this version does not read any")
    if found is None:
        said.append("whether it carries a watermark: its size is none that is looked at")
    elif not found.found:
        said.append("that a model did not draw it: a mark that is not found may never have been there, or be gone")
    return said


def verify(path: Path) -> Verification:
    """Say what is known about a picture.

    Args:
        path: A PNG, JPEG or WebP file; its claims are checked before a pixel is decoded.

    Raises:
        InputError: There is no such file, or it cannot be read.
        UnreadableImage: It is damaged, no picture, or beyond one of the caps.
    """
    text = read_text(path) if _is_png(path) else PngText(width=0, height=0, texts={})
    image = _decode(path)
    settings, no_settings = _settings(text, str(path))
    origin, no_origin = _origin(text)
    found = search(image)
    unchanged = None if settings is None else _is_as_drawn(image, settings)
    wrong = _file_contradictions(text) if settings else []
    if unchanged is False:
        wrong.append("the pixels are not those that the settings name")
    if settings and (origin is None or origin.source_type != xmp.SOURCE_TYPE):
        wrong.append("the XMP packet does not say that a trained model made it, as every file of ours does")
    if settings is None and found is not None and found.found:
        wrong.append("the pixels carry a mark, but the settings are gone: another program saved it")
    wrong += filter(None, [_mark_contradiction(settings, found)])
    return Verification(
        verdict="changed" if wrong else "unknown" if settings is None else "as drawn",
        contradictions=tuple(wrong),
        unsaid=(*filter(None, [no_settings, no_origin]), *_unsaid(text, settings, found)),
        settings=settings,
        pixels_unchanged=unchanged,
        origin=origin,
        watermark=found,
    )
