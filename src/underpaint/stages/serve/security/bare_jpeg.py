"""JPEG without its metadata: tables, one frame and its scans go on to a decoder, everything else does not.

A progressive JPEG may hold thousands of scans, each of which is decoded over the whole picture: they are counted.

Source: ITU-T T.81, Annex B.
"""

from __future__ import annotations

import re
import struct

from underpaint.stages.serve.security.bare import UPRIGHT, Bare, Broken, orientation_of

SIGNATURE = b"\xff\xd8\xff"
FRAMES = {0xC0, 0xC1, 0xC2}
OTHER_FRAMES = {0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}
TABLES = {0xC4, 0xDB, 0xDD}
ADOBE, EXIF, SCAN, END = 0xEE, 0xE1, 0xDA, 0xD9
MAX_SCANS, MAX_SEGMENTS = 100, 10_000
MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""The end of a scan's data: neither a stuffed byte nor a restart."""


def bare_jpeg(data: bytes) -> Bare:
    """Return a JPEG without its metadata, and without what follows its first picture.

    Args:
        data: The file.

    Raises:
        Broken: It is damaged, cut off, or of a kind that nobody uses.
    """
    kept, at, frame, scans, orientation = [b"\xff\xd8"], 2, None, 0, UPRIGHT
    for _ in range(MAX_SEGMENTS):
        marker, start, end = _segment(data, at)
        if marker == END:
            break
        at = end
        if marker in FRAMES:
            if frame is not None:
                raise Broken("it holds two frames")
            frame = _frame(data[start:end])
        elif marker in OTHER_FRAMES:
            raise Broken("it is lossless, hierarchical or arithmetic coded, which is not understood here")
        elif marker == SCAN:
            scans += 1
            found = MARKER.search(data, end)
            if found is None:
                raise Broken("it is cut off")
            at = found.start()
        elif marker == EXIF and data[start : start + 4] == b"Exif":
            orientation = orientation_of(data[start:end])
        if marker in FRAMES or marker in TABLES or marker in (SCAN, ADOBE):
            kept.append(bytes((0xFF, marker)) + data[start - 2 : at])
        if scans > MAX_SCANS:
            raise Broken(f"it has more than {MAX_SCANS} scans")
    else:
        raise Broken("it has too many parts")
    if frame is None or not scans:
        raise Broken("it holds no picture")
    kept.append(b"\xff\xd9")
    return Bare(kind="JPEG", width=frame[0], height=frame[1], data=b"".join(kept), orientation=orientation)


def _segment(data: bytes, at: int) -> tuple[int, int, int]:
    """Return marker, start and end of the segment that begins at a marker; fill bytes before it are passed over."""
    found = MARKER.search(data, at)
    if found is None:
        raise Broken("it is cut off")
    if data[at : found.start()].strip(b"\xff"):
        raise Broken("it is damaged: something stands between its parts")
    marker, start = data[found.start() + 1], found.end()
    if marker == END:
        return marker, start, start
    if start + 2 > len(data):
        raise Broken("it is cut off")
    (length,) = struct.unpack_from(">H", data, start)
    if length < 2 or start + length > len(data):
        raise Broken("it is cut off")
    return marker, start + 2, start + length


def _frame(frame: bytes) -> tuple[int, int]:
    if len(frame) < 6:
        raise Broken("its header is damaged")
    precision, height, width, components = struct.unpack_from(">BHHB", frame)
    if precision != 8 or components not in (1, 3, 4):
        raise Broken(f"it has {precision} bits and {components} colors; 8 bits and 1, 3 or 4 colors are understood")
    return width, height
