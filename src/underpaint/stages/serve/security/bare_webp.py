"""WebP without its metadata: one still image, lossy with its transparency or lossless, goes on to a decoder.

Source: RFC 9649 (WebP Image Format), 2.5 to 2.7; RFC 6386 (VP8), 9.1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from underpaint.stages.serve.security.bare import UPRIGHT, Bare, Broken, orientation_of

LOSSY, LOSSLESS, EXTENDED, ALPHA = b"VP8 ", b"VP8L", b"VP8X", b"ALPH"
ANIMATED = {b"ANIM", b"ANMF"}
HAS_ALPHA = 0x10
MAX_CHUNKS = 1000


def bare_webp(data: bytes) -> Bare:
    """Return a WebP without its metadata.

    Args:
        data: The file.

    Raises:
        Broken: It is damaged, cut off or animated.
    """
    parts: dict[bytes, bytes] = {}
    orientation = UPRIGHT
    for kind, body in _chunks(data):
        if kind in ANIMATED:
            raise Broken("it is animated; send a single picture")
        if kind in (LOSSY, LOSSLESS, EXTENDED, ALPHA):
            if kind in parts:
                raise Broken("a part of it stands twice")
            parts[kind] = body
        elif kind == b"EXIF":
            orientation = orientation_of(body)
    if (LOSSY in parts) == (LOSSLESS in parts):
        raise Broken("it holds no picture, or two")
    if LOSSLESS in parts:
        width, height = _lossless_size(parts[LOSSLESS])
        kept = _chunk(LOSSLESS, parts[LOSSLESS])
    else:
        width, height = _lossy_size(parts[LOSSY])
        kept = _chunk(LOSSY, parts[LOSSY])
        if ALPHA in parts:
            canvas = struct.pack("<I", HAS_ALPHA) + _three(width - 1) + _three(height - 1)
            kept = _chunk(EXTENDED, canvas) + _chunk(ALPHA, parts[ALPHA]) + kept
    file = b"RIFF" + struct.pack("<I", 4 + len(kept)) + b"WEBP" + kept
    return Bare(kind="WEBP", width=width, height=height, data=file, orientation=orientation)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and data of every chunk; what follows the file is not looked at."""
    end = 8 + struct.unpack_from("<I", data, 4)[0] if len(data) >= 12 else 0
    if not 12 <= end <= len(data):
        raise Broken("it is cut off")
    at = 12
    for _ in range(MAX_CHUNKS):
        if at + 8 > end:
            return
        kind, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > end:
            raise Broken("it is cut off")
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    raise Broken("it has too many parts")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _three(number: int) -> bytes:
    return struct.pack("<I", number)[:3]


def _lossy_size(frame: bytes) -> tuple[int, int]:
    if len(frame) < 10 or frame[3:6] != b"\x9d\x01\x2a" or frame[0] & 1:
        raise Broken("its header is damaged")
    width, height = struct.unpack_from("<HH", frame, 6)
    return width & 0x3FFF, height & 0x3FFF


def _lossless_size(frame: bytes) -> tuple[int, int]:
    if len(frame) < 5 or frame[0] != 0x2F:
        raise Broken("its header is damaged")
    (bits,) = struct.unpack_from("<I", frame, 1)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
