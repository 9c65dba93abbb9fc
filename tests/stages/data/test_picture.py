from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from underpaint.core.errors import UnreadableImage
from underpaint.stages.data.picture import read_picture


def encoded(image: Image.Image, kind: str = "PNG", **more: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **more)
    return buffer.getvalue()


RED = Image.new("RGBA", (8, 8), (255, 0, 0, 128))
BAD = {
    "truncated": (encoded(Image.effect_noise((8, 8), 50))[:-30], "whole PNG"),
    "empty": (b"", "whole PNG"),
    "a text": (b"hello", "whole PNG"),
    "another format": (encoded(RED.convert("RGB"), "JPEG"), "whole PNG"),
    "an animation": (encoded(RED, save_all=True, append_images=[Image.new("RGBA", (8, 8))]), "animation"),
    "another size": (encoded(Image.new("RGBA", (9, 8))), "9x8"),
}


@pytest.mark.parametrize(("content", "expected"), BAD.values(), ids=BAD)
def test_bad_pictures_are_refused(content: bytes, expected: str) -> None:
    with pytest.raises(UnreadableImage, match=expected):
        read_picture(content, size=8)


@pytest.mark.parametrize(
    ("side", "told"),
    [
        (20_000, "far more than 40,000,000 pixels; shrink it"),
        (7_000, "7000x7000 pixels; at most 40,000,000 are read: shrink it"),
    ],
)
def test_pictures_that_are_too_large_are_refused(huge_png: Callable[[int, int], bytes], side: int, told: str) -> None:
    with pytest.raises(UnreadableImage, match=told):
        read_picture(huge_png(side, side), size=8)


def test_good_pictures_keep_their_alpha(tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(encoded(RED))
    pixels = read_picture(tmp_path / "red.png", size=8)
    assert pixels.shape == (8, 8, 4)
    assert (pixels == np.array([255, 0, 0, 128])).all()


def test_a_message_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(encoded(RED)[:40])
    with pytest.raises(UnreadableImage, match=r"cut\.png"):
        read_picture(tmp_path / "cut.png")
