"""Printed sheets of the gallery: how much fits, what their files say, and that they end when nobody waits."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from underpaint.core.errors import FieldError
from underpaint.pipelines.stickers.look import Look
from underpaint.pipelines.stickers.picture import Picture
from underpaint.pipelines.stickers.printing import PER_PAGE
from underpaint.stages.serve.gallery.paper import MOST_PAGES, Form, check_pages, printed

HOW = {"cut_line": False, "title": "Cats"}


def picture(shade: int = 200) -> Picture:
    pixels = np.zeros((32, 32, 4), dtype=np.uint8)
    pixels[4:28, 8:24] = (shade, 20, 20, 255)
    return Picture(name="p", words="a cat", pixels=pixels, sha256="0" * 64, settings=None)


def test_a_page_and_four_are_the_most():
    check_pages(PER_PAGE, "png")
    check_pages(MOST_PAGES * PER_PAGE, "pdf")
    beyond: tuple[tuple[int, Form], ...] = ((PER_PAGE + 1, "png"), (MOST_PAGES * PER_PAGE + 1, "pdf"))
    for number, form in beyond:
        with pytest.raises(FieldError, match=f"got {number}") as refused:
            check_pages(number, form)
        assert refused.value.param == "as"


def test_a_png_is_a_page_that_says_its_size_and_that_it_was_drawn():
    with Image.open(io.BytesIO(printed([picture()], Look(), "a4", **HOW, form="png"))) as page:
        assert page.size == (2480, 3508) and round(page.info["dpi"][0]) == 300
        assert "underpaint" in str(page.info) and "compositeWithTrainedAlgorithmicMedia" in str(page.info)


def test_a_picture_that_shows_nothing_is_named_as_the_mistake():
    empty = Picture(name="p", words="", pixels=np.zeros((8, 8, 4), np.uint8), sha256="0" * 64, settings=None)
    with pytest.raises(FieldError) as refused:
        printed([empty], Look(), "a4", **HOW, form="png")
    assert refused.value.param == "pictures"


def test_it_is_asked_before_each_sticker_whether_to_go_on():
    asked: list[int] = []

    def go_on() -> None:
        asked.append(1)
        if len(asked) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        printed([picture(), picture(90), picture(60)], Look(), "a4", **HOW, form="png", go_on=go_on)
    assert len(asked) == 2
