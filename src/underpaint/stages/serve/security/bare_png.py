"""PNG without its metadata: chunks are walked here, and only those that make pixels go on to a decoder.

Text, profiles and Exif, which can inflate to gigabytes, are never inflated.

Source: W3C, Portable Network Graphics Specification (Third Edition), 5, 11.2 and 11.3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from underpaint.stages.serve.security.bare import UPRIGHT, Bare, Broken, orientation_of

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
ANIMATED = {b"acTL", b"fcTL", b"fdAT"}
MAX_CHUNKS = 100_000


def bare_png(data: bytes) -> Bare:
    """Return a PNG without its metadata.

    Args:
        data: The file.

    Raises:
        Broken: It is damaged, cut off or animated.
    """
    kept, orientation, header = [SIGNATURE], UPRIGHT, None
    for number, (kind, start, end) in enumerate(_chunks(data)):
        if (number == 0) != (kind == b"IHDR"):
            raise Broken("its header is missing, or stands twice")
        if kind in ANIMATED:
            raise Broken("it is animated; send a single picture")
        if kind == b"IHDR":
            header = _header(data[start:end])
        if kind == b"eXIf":
            orientation = orientation_of(data[start:end])
        if kind in KEPT:
            _check(data, start, end)
            kept.append(data[start - 8 : end + 4])
        elif not kind[0] & 0x20:
            raise Broken(f"it needs {kind!r}, which is not understood here")
    if header is None:
        raise Broken("its header is missing")
    return Bare(kind="PNG", width=header[0], height=header[1], data=b"".join(kept), orientation=orientation)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of every chunk's data up to the last one; what follows it is not looked at."""
    at = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if at + 12 > len(data):
            raise Broken("it is cut off")
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            raise Broken("it is cut off")
        yield kind, at + 8, at + 8 + length
        at += 12 + length
        if kind == b"IEND":
            return
    raise Broken("it has too many chunks")


def _check(data: bytes, start: int, end: int) -> None:
    if zlib.crc32(memoryview(data)[start - 4 : end]) != struct.unpack_from(">I", data, end)[0]:
        raise Broken("it is damaged: a checksum is wrong")


def _header(header: bytes) -> tuple[int, int]:
    if len(header) != 13:
        raise Broken("its header is damaged")
    width, height = struct.unpack_from(">II", header)
    return width, height
