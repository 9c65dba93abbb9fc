from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from underpaint.core.errors import UnreadableImage
from underpaint.stages.evaluate.drawing.pictures import read_pixels


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize(
    ("side", "told"),
    [
        (8001, "has 8001x8001 pixels; at most 64,000,000 are read: shrink it"),
        (20_000, "has far more than 64,000,000 pixels; shrink it"),
    ],
)
def test_a_picture_that_is_too_large_is_told_by_its_file_and_its_head(tmp_path: Path, side: int, told: str) -> None:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0))
    path = tmp_path / "huge.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))
    with pytest.raises(UnreadableImage, match=rf"huge\.png {told}$"):
        read_pixels(path)
