from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from underpaint.pipelines.editing.paper import is_on_paper
from underpaint.pipelines.editing.reading import Original, read_original


def drawn(background: object, size: tuple[int, int] = (120, 80)) -> Original:
    """A red ball on something, in a square of 64 pixels."""
    image = Image.new("RGBA", size, background)  # pyright: ignore[reportArgumentType]
    ImageDraw.Draw(image).ellipse((30, 20, size[0] - 30, size[1] - 20), fill="red")
    return read_original(image, 64)


@pytest.mark.parametrize("color", ["white", "#f4efe2", "black"])
@pytest.mark.parametrize("size", [(120, 80), (80, 120), (64, 64)])
def test_a_rim_of_one_color_is_paper_whatever_the_shape(color: str, size: tuple[int, int]) -> None:
    assert is_on_paper(drawn(color, size))


def test_nothing_around_a_drawing_is_no_paper() -> None:
    assert not is_on_paper(drawn((0, 0, 0, 0)))
    assert not is_on_paper(drawn((255, 255, 255, 128)))


def test_grain_is_paper_and_a_scene_is_not() -> None:
    rng = np.random.default_rng(0)
    scan = np.clip(rng.normal(240, 4, (90, 60, 3)), 0, 255).astype(np.uint8)
    assert is_on_paper(read_original(Image.fromarray(scan), 64))
    scene = scan.copy()
    scene[45:] = (150, 110, 75)
    assert not is_on_paper(read_original(Image.fromarray(scene), 64))
