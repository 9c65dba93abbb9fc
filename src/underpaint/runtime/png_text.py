"""The text inside a PNG file, read without decoding the picture and with a cap on everything.

A PNG is a signature and chunks (length, kind, data, CRC). Text lies in ``tEXt`` (Latin-1), ``zTXt`` (the same,
compressed) and ``iTXt`` (UTF-8, compressed or not). A small file can claim gigabytes of text, so files, chunks and
inflated texts are limited, and nothing is inflated beyond its limit to find out.

Source: W3C, Portable Network Graphics Specification (Third Edition), 5 and 11.3.3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from underpaint.core.errors import InputError, UnreadableImage
from underpaint.runtime.picture_reading import check_pixels

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FILE_CAP = 64 * 2**20
"""Largest file that is looked at, in bytes."""
CHUNK_CAP = 10_000
"""Most chunks of one file."""
TEXT_CAP = 256 * 2**10
"""Longest single text, in bytes, inflated."""


@dataclass(frozen=True, kw_only=True)
class PngText:
    """What a PNG says about itself.

    Args:
        width: In pixels.
        height: In pixels.
        texts: Keyword to text; of two texts with one keyword, the first.
        doubled: Keywords that stand more than once, so that other readers may take another text.
        kinds: The kinds of chunks, each once.
        trailing: Bytes after the end of the picture.
    """

    width: int
    height: int
    texts: dict[str, str]
    doubled: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    trailing: int = 0


def _damaged(source: str, what: str) -> UnreadableImage:
    return UnreadableImage(f"{source}: {what}; use the file as it was written, or make the picture again")


def _chunks(file: BinaryIO, size: int, source: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and data of every chunk up to IEND; the data of picture chunks is skipped and comes as empty."""
    for _ in range(CHUNK_CAP):
        head = file.read(8)
        if len(head) < 8:
            raise _damaged(source, "the file is cut off")
        length, kind = struct.unpack(">I4s", head)
        if file.tell() + length + 4 > size:
            raise _damaged(source, "the file is cut off")
        if kind not in (b"IHDR", b"tEXt", b"zTXt", b"iTXt"):
            file.seek(length + 4, 1)
            yield kind, b""
        elif length > TEXT_CAP:
            raise _damaged(source, f"a text of {length:,} bytes is longer than the {TEXT_CAP:,} allowed")
        else:
            data, crc = file.read(length), file.read(4)
            if zlib.crc32(kind + data) != int.from_bytes(crc, "big"):
                raise _damaged(source, f"the checksum of a {kind.decode()} chunk is wrong")
            yield kind, data
        if kind == b"IEND":
            return
    raise _damaged(source, f"the file has more than {CHUNK_CAP:,} chunks")


def _inflate(data: bytes, source: str) -> bytes:
    """Inflate a text, never beyond the cap."""
    decompressor = zlib.decompressobj()
    try:
        text = decompressor.decompress(data, TEXT_CAP + 1)
    except zlib.error:
        raise _damaged(source, "a compressed text cannot be inflated") from None
    if len(text) > TEXT_CAP or not decompressor.eof:
        raise _damaged(source, f"a compressed text is damaged or longer than the {TEXT_CAP:,} bytes allowed")
    return text


def _text(kind: bytes, data: bytes, source: str) -> tuple[str, str]:
    """Return keyword and text of one text chunk."""
    keyword, found, rest = data.partition(b"\0")
    if not found:
        raise _damaged(source, f"a {kind.decode()} chunk has no keyword")
    if kind == b"tEXt":
        return keyword.decode("latin-1"), rest.decode("latin-1")
    if kind == b"zTXt":
        return keyword.decode("latin-1"), _inflate(rest[1:], source).decode("latin-1")
    flags, parts = rest[:2], rest[2:].split(b"\0", 2)
    if len(flags) < 2 or len(parts) < 3:
        raise _damaged(source, "an iTXt chunk is incomplete")
    text = _inflate(parts[2], source) if flags[0] else parts[2]
    return keyword.decode("latin-1"), text.decode("utf-8", errors="replace")


def read_text(path: Path) -> PngText:
    """Read the size and the texts of a PNG file.

    Args:
        path: The file.

    Raises:
        InputError: There is no such file, or it cannot be read.
        InputTooLarge: It has too many pixels.
        UnreadableImage: It is no PNG, cut off, damaged, or beyond another of the caps.
    """
    source = str(path)
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if file.read(8) != SIGNATURE:
                raise UnreadableImage(f"{source} is no PNG file; pictures keep their settings in PNG files only")
            if size > FILE_CAP:
                raise _damaged(source, f"the file has {size:,} bytes, more than the {FILE_CAP:,} allowed")
            return _read(file, size, source)
    except FileNotFoundError:
        raise InputError(f"{source} does not exist; check the path") from None
    except OSError as error:
        raise InputError(f"{source} cannot be read ({error.strerror}); name a picture's file") from None


def _read(file: BinaryIO, size: int, source: str) -> PngText:
    width = height = 0
    texts: dict[str, str] = {}
    doubled: set[str] = set()
    kinds: set[str] = set()
    for kind, data in _chunks(file, size, source):
        kinds.add(kind.decode("latin-1"))
        if kind == b"IHDR":
            if len(data) != 13:
                raise _damaged(source, "the header has the wrong length")
            width, height = struct.unpack(">II", data[:8])
        elif data:
            keyword, text = _text(kind, data, source)
            if keyword in texts:
                doubled.add(keyword)
            texts.setdefault(keyword, text)
    if not width * height:
        raise _damaged(source, f"it has {width} x {height} pixels")
    check_pixels(width, height, source)
    return PngText(
        width=width,
        height=height,
        texts=texts,
        doubled=frozenset(doubled),
        kinds=frozenset(kinds),
        trailing=size - file.tell(),
    )
