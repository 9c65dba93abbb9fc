"""A PNG file that says what made it: the picture, its settings, and that a model drew it.

Three texts go in: ``parameters`` (the settings as JSON), ``Software``, and an XMP packet with the digital source type
that the IPTC defines for pictures made by a trained model. Pixels are unchanged by all of them.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import re
import secrets
import zlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, PngImagePlugin

from underpaint.core.artifact import storage_errors
from underpaint.core.errors import InputError, StorageError, UnreadableImage
from underpaint.pipelines.settings import Settings
from underpaint.runtime import xmp
from underpaint.runtime.png_text import read_text

PARAMETERS = "parameters"
INFO = "underpaint"
PREFIX = "underpaint"
"""Beginning of the names of files that are put into a folder."""
SHEET = re.compile(rf"{PREFIX}-(sheet|a4|letter)(-[0-9]+)?\.png")
"""Names of the sheets that commands lay beside their pictures."""
OF_SEVERAL = "is by its name a sheet of several pictures, which have settings of their own; name the file of one"
OF_DRAWN = zlib.Z_RLE
"""How the pixels that a model drew are compressed: they hardly repeat, so a search for runs alone makes files as small
as one for repetitions, in half its time."""


def pixel_digest(image: Image.Image) -> str:
    """Return the SHA-256 of a picture's pixels, 8-bit RGB or RGBA row by row, as 64 hexadecimal characters."""
    return hashlib.sha256(image.tobytes()).hexdigest()


def encode_png(
    image: Image.Image,
    *,
    version: str,
    release: str,
    parameters: str | None = None,
    source_type: str = xmp.SOURCE_TYPE,
    strategy: int = zlib.Z_DEFAULT_STRATEGY,
) -> bytes:
    """Return the bytes of a PNG that says that a model drew it.

    Args:
        image: The picture, RGB or RGBA.
        version: Of underpaint.
        release: The model's name and digest.
        parameters: The settings as JSON, if it is a single picture.
        source_type: The IPTC's address of the kind of source.
        strategy: What zlib looks for.
    """
    texts = PngImagePlugin.PngInfo()
    if parameters is not None:
        texts.add_itxt(PARAMETERS, parameters)
    texts.add_text("Software", f"underpaint {version}")
    texts.add_itxt(xmp.KEYWORD, xmp.write_packet(release, source_type))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=texts, compress_type=strategy)
    return buffer.getvalue()


def encode(image: Image.Image) -> bytes:
    """Return the bytes of a PNG with a drawn picture and its settings.

    Args:
        image: A picture with its settings in ``image.info["underpaint"]``.

    Raises:
        InputError: It carries no settings.
    """
    settings = image.info.get(INFO)
    if not isinstance(settings, Settings):
        raise InputError("this image carries no settings; save the images that underpaint drew, or use image.save")
    release = f"{settings.model} {settings.model_sha256[:16]}"
    return encode_png(
        image,
        version=settings.version,
        release=release,
        parameters=settings.to_json(),
        source_type=source_type_of(settings),
        strategy=OF_DRAWN,
    )


def source_type_of(settings: Settings) -> str:
    """Return the kind of source that the XMP packet of a picture names."""
    return xmp.SOURCE_TYPE if settings.made_from is None else xmp.EDITED_TYPE


def attach(image: Image.Image, settings: Settings) -> Image.Image:
    """Put settings into a picture's ``info``: the object as ``underpaint``, its JSON as ``parameters``."""
    image.info[INFO] = settings
    image.info[PARAMETERS] = settings.to_json()
    return image


def write_new(data: bytes, path: Path) -> None:
    """Write a file that does not exist yet, whole or not at all.

    Args:
        data: Its bytes.
        path: The file; its folder is made if needed.

    Raises:
        FileExistsError: Somebody else has just made it.
        StorageError: It cannot be written.
    """
    with _partial(data, path) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if path.exists():
                raise FileExistsError(path) from None
            temporary.replace(path)


def within_bytes(name: str, most: int) -> str:
    """Return the beginning of a file's name that has so many bytes in UTF-8, at most; file systems count these.

    Args:
        name: The name, or a part of it.
        most: Bytes; no character is cut in two.
    """
    return name.encode("utf-8", "surrogateescape")[:most].decode("utf-8", "ignore")


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, if need be.

    Raises:
        StorageError: It cannot be made.
    """
    with storage_errors(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise NotADirectoryError(errno.ENOTDIR, "not a folder", str(folder)) from None


@contextlib.contextmanager
def _partial(data: bytes, path: Path) -> Iterator[Path]:
    """Write a temporary file beside ``path`` and remove it afterwards, if it is still there."""
    temporary = path.with_name(f".{within_bytes(path.name, 100)}.{secrets.token_hex(4)}.partial")
    with storage_errors(path):
        try:
            make_folder(path.parent)
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield temporary
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def save(image: Image.Image, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a drawn picture with its settings as a PNG file.

    Args:
        image: A picture that underpaint drew.
        path: The file; must end in ``.png``.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The path.

    Raises:
        InputError: The picture carries no settings, or the name does not end in ``.png``.
        StorageError: The file exists already or cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"settings are kept in PNG files only; got {path.name!r:.80}, use a name that ends in .png")
    data = encode(image)
    if overwrite:
        with _partial(data, path) as temporary:
            temporary.replace(path)
        return path
    try:
        write_new(data, path)
    except FileExistsError:
        raise StorageError(f"{path} exists already; choose another name or pass overwrite=True") from None
    return path


def is_sheet_name(path: str | Path) -> bool:
    """Tell whether a file is called as the sheets of several pictures are, on the screen or on paper."""
    return SHEET.fullmatch(Path(path).name) is not None


def read_settings(path: Path) -> Settings:
    """Return the settings in a PNG file.

    Args:
        path: The file.

    Raises:
        InputError: There is no such file, or it holds no settings of ours.
        InputTooLarge: It has too many pixels.
        UnreadableImage: It is damaged or no PNG.
    """
    texts = read_text(path).texts
    if PARAMETERS not in texts:
        if is_sheet_name(path):
            raise InputError(f"{path} {OF_SEVERAL}")
        raise InputError(
            f"{path} holds no settings: underpaint did not draw it, or a program that saved it again dropped them"
        )
    return Settings.from_json(texts[PARAMETERS], source=str(path))


def read_picture(path: Path) -> Image.Image:
    """Read a picture that underpaint drew, with its settings in ``info``.

    Args:
        path: The file; its claims are checked before a pixel is decoded.

    Raises:
        InputError: There is no such file, or it holds no settings of ours.
        UnreadableImage: It is damaged or no PNG.
    """
    settings = read_settings(path)
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            pixels = image.copy()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableImage(f"{path}: the picture cannot be decoded ({error}); make it again") from None
    return attach(pixels, settings)


def is_unchanged(image: Image.Image) -> bool:
    """Tell whether a picture's pixels are still those that were drawn."""
    settings = image.info.get(INFO)
    return isinstance(settings, Settings) and pixel_digest(image) == settings.pixel_sha256
