from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from underpaint.pipelines import contact_sheet as module
from underpaint.pipelines.contact_sheet import Cell, contact_sheet


def cell(color: tuple[int, int, int, int] = (255, 0, 0, 255), size: int = 64, title: str = "a cat") -> Cell:
    return Cell(image=Image.new("RGBA", (size, size), color), title=title, note="flat · 7")


@pytest.mark.parametrize(("number", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (4, 2, 2), (5, 3, 2), (100, 8, 13)])
def test_the_sheet_is_about_square_and_at_most_eight_wide(number, columns, rows):
    sheet = contact_sheet([cell()] * number)
    width = module.PICTURE + module.MARGIN
    height = width + (module.MAX_LINES + 1) * module.LINE
    assert sheet.size == (columns * width + module.MARGIN, rows * height + module.MARGIN)


def test_pictures_stand_in_reading_order():
    colors = [(255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255)]
    sheet = contact_sheet([cell(color) for color in colors], columns=2)
    step_x = module.PICTURE + module.MARGIN
    step_y = step_x + (module.MAX_LINES + 1) * module.LINE
    center = module.MARGIN + module.PICTURE // 2
    corners = [(center, center), (center + step_x, center), (center, center + step_y)]
    assert [sheet.getpixel(corner) for corner in corners] == [color[:3] for color in colors]


def test_transparent_is_white_and_small_pictures_stay_sharp():
    checkers = np.zeros((2, 2, 4), dtype=np.uint8)
    checkers[0, 0] = (0, 0, 0, 255)
    sheet = contact_sheet([Cell(image=Image.fromarray(checkers), title="", note="")])
    picture = np.asarray(sheet)[module.MARGIN : module.MARGIN + 128, module.MARGIN : module.MARGIN + 128]
    assert (picture[:64, :64] == 0).all()
    assert (picture[64:] == 255).all() and (picture[:64, 64:] == 255).all()


@pytest.mark.parametrize("size", [32, 100, 256, 1000])
def test_any_size_fits_its_cell(size):
    sheet = np.asarray(contact_sheet([cell(size=size)]))
    red = (sheet == (255, 0, 0)).all(axis=-1)
    assert red.any() and red.sum() <= module.PICTURE**2
    assert not red[:, : module.MARGIN].any() and not red[: module.MARGIN].any()


def test_words_are_written_below_and_long_ones_are_cut():
    blank = np.asarray(contact_sheet([Cell(image=cell().image, title="", note="")]))
    short = np.asarray(contact_sheet([cell(title="a cat")]))
    long = np.asarray(contact_sheet([cell(title="a very long wish " * 30)]))
    assert blank.shape == short.shape == long.shape
    below = module.MARGIN + module.PICTURE
    assert (short[:below] == blank[:below]).all() and (short[below:] != blank[below:]).any()
    assert (long[below:] != short[below:]).any()


def test_too_many_pictures_are_left_out(monkeypatch):
    monkeypatch.setattr(module, "MAX_CELLS", 4)
    assert contact_sheet([cell()] * 9).size == contact_sheet([cell()] * 4).size
