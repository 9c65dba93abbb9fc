from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from underpaint.core.errors import InputError
from underpaint.pipelines.stickers.background import background_of, own_colors
from underpaint.pipelines.stickers.look import Background, Contour, Look, color_of, read_background, read_contour

RED = np.full((4, 4, 4), (220, 40, 30, 255), dtype=np.uint8)


def test_a_contour_is_read_as_it_is_typed():
    assert read_contour("none") is None
    assert read_contour("white") == Contour(color="#ffffff", width=8.0)
    assert read_contour("#F80:2.5") == Contour(color="#ff8800", width=2.5)


@pytest.mark.parametrize("text", ["", "white:0", "white:-3", "white:65", "white:x", "blurple", "#12345", "white:nan"])
def test_other_contours_are_refused(text):
    with pytest.raises(InputError):
        read_contour(text)


def test_a_background_is_read_as_it_is_typed(tmp_path):
    assert read_background("none").is_nothing and read_background("transparent").is_nothing
    assert read_background("own") == Background(own=True)
    assert read_background("white,#ff8800") == Background(colors=("#ffffff", "#ff8800"))
    Image.new("RGB", (4, 2), "red").save(tmp_path / "sky.png")
    assert read_background(str(tmp_path / "sky.png")).file == tmp_path / "sky.png"
    for text in ("sky.png", "red,green,blue", "#1234567", "a" * 300, "a\0b"):
        with pytest.raises(InputError, match="no background"):
            read_background(text)


def test_a_file_called_like_a_color_does_not_hide_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (4, 2), "red").save("white", "PNG")
    assert read_background("white") == Background(colors=("#ffffff",))
    assert read_background("./white").file == Path("white")


def test_a_color_that_lets_through_is_none():
    assert color_of("Tomato") == "#ff6347"
    with pytest.raises(InputError, match="not opaque"):
        color_of("#ff000080")


def test_a_look_travels_as_json():
    look = Look(contour=Contour(color="red", width=3.0), background=Background(colors=("#fff",)))
    assert Look.model_validate_json(look.model_dump_json()) == look and look.contour is not None
    assert (look.contour.color, look.background.colors) == ("#ff0000", ("#ffffff",))


def test_two_colors_pass_into_each_other_from_top_to_bottom():
    rows = background_of(Background(colors=("#000000", "#ff0000")), 3, 5, RED)
    assert rows is not None and rows.shape == (5, 3, 3)
    assert rows[:, 1, 0].tolist() == [0.0, 63.75, 127.5, 191.25, 255.0] and not rows[..., 1:].any()


def test_the_drawing_s_own_colors_are_light_and_opposite():
    top, bottom = own_colors(RED)
    assert top.min() > bottom.min() > 150 and top[0] < top[2]
    gray = np.full((4, 4, 4), (90, 92, 90, 255), dtype=np.uint8)
    assert own_colors(gray)[0].tolist() == [255.0] * 3
    assert own_colors(np.zeros((4, 4, 4), dtype=np.uint8))[0].tolist() == [255.0] * 3


def test_a_picture_fills_the_sticker_without_being_stretched(tmp_path):
    striped = np.zeros((20, 60, 3), dtype=np.uint8)
    striped[:, 15:45] = 255
    Image.fromarray(striped).save(tmp_path / "wide.png")
    behind = background_of(Background(file=tmp_path / "wide.png"), 10, 10, RED)
    assert behind is not None and behind.shape == (10, 10, 3) and behind.min() == 255.0
