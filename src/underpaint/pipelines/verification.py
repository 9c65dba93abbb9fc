"""What can be said about where a picture comes from: what its file claims, and whether the pixels agree.

Settings and XMP packet are not signed: that they hold shows that nobody changed the picture by accident, since whoever
knows the format can write others. A content credential is signed, but only a signer that one trusts makes it a proof.
What contradicts itself is told apart from what is merely unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from underpaint.core.errors import InputError, SetupError, UnreadableImage
from underpaint.core.keys_folder import read_capped
from underpaint.pipelines import credentials
from underpaint.pipelines.credentials import Credential
from underpaint.pipelines.marks import Search, search
from underpaint.pipelines.picture_file import OF_SEVERAL, PARAMETERS, is_sheet_name, pixel_digest, source_type_of
from underpaint.pipelines.settings import Settings
from underpaint.pipelines.signer import pem_certificates
from underpaint.runtime import xmp
from underpaint.runtime.picture_reading import check_pixels, readable
from underpaint.runtime.png_text import FILE_CAP, SIGNATURE, PngText, read_text

Verdict = Literal["as drawn", "changed", "unknown"]

FORMATS = ("PNG", "JPEG", "WEBP")
HARMLESS = frozenset({"IHDR", "IDAT", "IEND", "tEXt", "zTXt", "iTXt", "caBX", "tIME"})
"""Kinds of chunks that change nothing of what is seen."""
CREDENTIAL = "caBX"
PACKET_CAP = 65_536
"""Bytes of an XMP packet of a JPEG or WebP that are read."""


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
        credential: What the signed credential says and whether it holds; None if there is none, or it cannot be read
            for want of the library, which ``unsaid`` tells then.
    """

    verdict: Verdict
    contradictions: tuple[str, ...]
    unsaid: tuple[str, ...]
    settings: Settings | None
    pixels_unchanged: bool | None
    origin: xmp.Origin | None
    watermark: Search | None
    credential: Credential | None


def _decode(path: Path) -> Image.Image:
    """Return the pixels as RGB or RGBA; size and format are checked before they are decoded."""
    with readable(str(path), FORMATS), Image.open(path, formats=FORMATS) as image:
        check_pixels(image.width, image.height, str(path))
        image.load()
        if image.mode in ("RGB", "RGBA"):
            return image.copy()
        return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _is_png(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            if path.stat().st_size > FILE_CAP:
                raise UnreadableImage(f"{path} has more than the {FILE_CAP:,} bytes allowed; no picture of ours has")
            return file.read(8) == SIGNATURE
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; check the path") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); name a picture's file") from None


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
        if is_sheet_name(source):
            return None, f"the file {OF_SEVERAL}"
        return None, "the file holds no settings: they were dropped, or underpaint did not draw it"
    try:
        return Settings.from_json(text.texts[PARAMETERS], source=source), None
    except InputError as error:
        return None, str(error)


def _origin(text: PngText, image: Image.Image) -> tuple[xmp.Origin | None, str | None]:
    """Return what the XMP packet says, or why it says nothing."""
    found = text.texts.get(xmp.KEYWORD) if text.kinds else image.info.get("xmp")
    if found is None:
        return None, "there is no XMP packet"
    try:
        return xmp.read_packet(found if isinstance(found, str) else found[:PACKET_CAP].decode(errors="replace")), None
    except ValueError as error:
        return None, f"the XMP packet cannot be read: {error}"


def _is_ours(text: PngText, origin: xmp.Origin | None) -> bool:
    """Tell whether a file may have a mark and no settings: a JPEG or WebP of ours, which holds a packet alone."""
    return not text.kinds and origin is not None and origin.system == xmp.SYSTEM


def _is_as_drawn(image: Image.Image, settings: Settings) -> bool:
    """Tell whether shape and pixels are those that the settings name."""
    return f"{image.width}x{image.height}" == settings.size and pixel_digest(image) == settings.pixel_sha256


def _credential(path: Path, listed: bytes | None) -> tuple[Credential | None, str | None]:
    """Return the credential of a file, or why there is none to be read."""
    try:
        found = credentials.read_credential(path.read_bytes(), listed)
        return found, None if found else "there is no C2PA credential"
    except SetupError as error:
        if listed is not None:
            raise
        return None, f"whether its C2PA credential holds: {error}"


def _unsaid(text: PngText, settings: Settings | None, credential: Credential | None, found: Search | None) -> list[str]:
    """Return what a reader could expect to be told, and why it is not."""
    said: list[str] = []
    if credential is not None:
        said += credentials.unsaid(credential)
    elif settings is not None and CREDENTIAL not in text.kinds:
        said.append("who wrote it: the settings are not signed, so anybody can have written them")
    if found is None:
        said.append("whether it carries a watermark: its size is none that is looked at")
    elif not found.found:
        said.append("that a model did not draw it: a mark that is not found may never have been there, or be gone")
    return said


def _contradictions(
    text: PngText,
    image: Image.Image,
    settings: Settings | None,
    origin: xmp.Origin | None,
    found: Search | None,
    credential: Credential | None,
) -> Iterator[str]:
    """Yield what does not fit together in a file."""
    if settings is not None:
        yield from _file_contradictions(text)
        if not _is_as_drawn(image, settings):
            yield "the pixels are not those that the settings name"
        if origin is None or origin.source_type != source_type_of(settings):
            yield "the XMP packet does not say that a trained model made it, as every file of ours does"
    elif found is not None and found.found and not ((credential and credential.generation) or _is_ours(text, origin)):
        yield "the pixels carry a mark, but the settings are gone: another program saved it"
    if found is not None and found.found and settings is not None and settings.watermark != found.name:
        yield f"the pixels carry the mark {found.name}, the settings name {settings.watermark or 'none'}"
    if credential is not None:
        pixels = pixel_digest(image) if text.kinds else None
        yield from credentials.contradictions(credential, pixels=pixels, settings=text.texts.get(PARAMETERS))


def _verdict(wrong: Sequence[str], settings: Settings | None, credential: Credential | None, trusted: bool) -> Verdict:
    """Return the verdict; where only trusted signers count, no other picture is as drawn."""
    if wrong:
        return "changed"
    signed = credential is not None and credential.generation is not None
    listed = credential is not None and credential.holds and credential.trust == "listed"
    known = (signed or settings is not None) and (listed or not trusted)
    return "as drawn" if known else "unknown"


def verify(path: Path, trust: Path | None = None) -> Verification:
    """Say what is known about a picture.

    Args:
        path: A PNG, JPEG or WebP file; its claims are checked before a pixel is decoded.
        trust: A file of certificates, PEM; if given, only a picture whose signer's certificate leads to one of them is
            ``as drawn``.

    Raises:
        InputError: There is no such file, or it cannot be read.
        UnreadableImage: It is damaged, no picture, or beyond one of the caps.
        InputTooLarge: It has too many pixels.
        SetupError: Signers count, and c2pa-python is not installed.
    """
    listed = None if trust is None else pem_certificates(read_capped(trust), trust)
    text = read_text(path) if _is_png(path) else PngText(width=0, height=0, texts={})
    image = _decode(path)
    settings, no_settings = _settings(text, str(path))
    origin, no_origin = _origin(text, image)
    credential, no_credential = _credential(path, listed)
    found = search(image)
    wrong = list(_contradictions(text, image, settings, origin, found, credential))
    return Verification(
        verdict=_verdict(wrong, settings, credential, trust is not None),
        contradictions=tuple(wrong),
        unsaid=(*filter(None, [no_settings, no_origin, no_credential]), *_unsaid(text, settings, credential, found)),
        settings=settings,
        pixels_unchanged=None if settings is None else _is_as_drawn(image, settings),
        origin=origin,
        watermark=found,
        credential=credential,
    )
