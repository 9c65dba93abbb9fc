"""What a decoder gets of an uploaded picture: its pixels' own data, and a header that was read here before."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

Kind = Literal["PNG", "JPEG", "WEBP"]
UPRIGHT = 1
ORIENTATION, SHORT = 0x0112, 3
MAX_ENTRIES = 200


class Broken(Exception):
    """A picture's file is not as its format asks; the message says how."""


@dataclass(frozen=True, kw_only=True)
class Bare:
    """A picture's file without anything that is not needed to decode its pixels.

    Args:
        kind: Its format, by its content.
        width: In pixels, from the header.
        height: In pixels, from the header.
        data: The file.
        orientation: How to turn it, 1 to 8, as in Exif.
    """

    kind: Kind
    width: int
    height: int
    data: bytes
    orientation: int = UPRIGHT


def orientation_of(exif: bytes) -> int:
    """Return how a picture is to be turned, 1 to 8; 1, upright, if that cannot be read.

    Nothing else of the Exif data is looked at.

    Args:
        exif: A TIFF structure, with or without ``Exif`` before it.

    Source: CIPA DC-008 (Exif 2.32), 4.6.4, tag 0x0112.
    """
    data = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    try:
        if order is None:
            return UPRIGHT
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        (number,) = struct.unpack_from(f"{order}H", data, start)
        for place in range(min(number, MAX_ENTRIES)):
            tag, kind, count, value = struct.unpack_from(f"{order}HHIH", data, start + 2 + 12 * place)
            if (tag, kind, count) == (ORIENTATION, SHORT, 1):
                return value if 1 <= value <= 8 else UPRIGHT
    except struct.error:
        pass
    return UPRIGHT
