"""Laws of reading pixels back: what is too large is refused by its head."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from underpaint.core.errors import UnreadableImage
from underpaint.stages.evaluate.drawing.pictures import read_pixels


@pytest.mark.parametrize(
    ("side", "told"),
    [
        (8001, "has 8001x8001 pixels; at most 64,000,000 are read: shrink it"),
        (20_000, "has far more than 64,000,000 pixels; shrink it"),
    ],
)
def test_a_picture_that_is_too_large_is_told_by_its_file_and_its_head(
    huge_png: Callable[[int, int], bytes], tmp_path: Path, side: int, told: str
) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(huge_png(side, side))
    with pytest.raises(UnreadableImage, match=rf"huge\.png {told}$"):
        read_pixels(path)
