from __future__ import annotations

import numpy as np
import pytest

from underpaint.pipelines.stickers.composing import composed
from underpaint.pipelines.stickers.look import Background, Contour, Look
from underpaint.pipelines.stickers.place import Item
from underpaint.pipelines.stickers.printing import (
    CUT_COLOR,
    MARGIN_MM,
    PAPERS_MM,
    PER_PAGE,
    as_pdf,
    cut,
    is_light,
    pages,
    pixels_of,
    places_on,
)

LOOK = Look(contour=Contour(color="white"))


RED = (200, 20, 20)


def drawing(color: tuple[int, int, int] = RED) -> np.ndarray:
    pixels = np.zeros((32, 32, 4), dtype=np.uint8)
    pixels[4:28, 8:24] = (*color, 255)
    return pixels


@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_stickers_lie_within_the_margins_and_never_on_each_other(paper):
    width, height = (pixels_of(mm) for mm in PAPERS_MM[paper])
    margin = pixels_of(MARGIN_MM)
    for number in (1, 2, 5, 12, PER_PAGE):
        taken = np.zeros((height, width), dtype=np.uint8)
        squares = places_on(paper, number)
        for left, top, side in squares:
            assert min(left, top) >= margin and left + side <= width - margin and top + side <= height - margin
            taken[top : top + side, left : left + side] += 1
        assert len(squares) == number and taken.max() == 1
        sides = {side for _, _, side in squares}
        assert len(sides) == 1 and sides.pop() >= pixels_of(40 if number <= 12 else 30)


def test_a_page_shows_every_sticker_and_a_line_only_where_it_is_wanted():
    (plain,), (lined,) = (list(pages([drawing()], LOOK, "a4", cut_line=line)) for line in (False, True))
    assert plain.size == lined.size == (2480, 3508)
    red = (np.asarray(plain) == (200, 20, 20)).all(axis=-1)
    for left, top, side in places_on("a4", 1):
        assert red[top : top + side, left : left + side].mean() > 0.4
    magenta = [(np.asarray(page) == CUT_COLOR).all(axis=-1).sum() for page in (plain, lined)]
    assert magenta[0] == 0 and magenta[1] > 5000


PAPER_WHITE = (250, 250, 246)
"""Color of a drawing that cannot be told from paper."""


@pytest.mark.parametrize(
    ("look", "color", "expected"),
    [
        (LOOK, RED, True),
        (Look(contour=Contour(color="#fff8e7")), RED, True),
        (Look(contour=Contour(color="black"), background=Background(colors=("white",))), RED, True),
        (Look(contour=Contour(color="black")), PAPER_WHITE, False),
        (Look(contour=Contour(color="white"), background=Background(colors=("#ff8800",))), RED, False),
        (Look(background=Background(colors=("white", "#ff8800"))), RED, True),
        (Look(background=Background(own=True)), (90, 90, 90), True),
        (Look(background=Background(own=True)), PAPER_WHITE, True),
        (Look(), RED, False),
        (Look(), PAPER_WHITE, True),
        (Look(shadow=True), RED, False),
    ],
)
def test_a_rim_is_light_where_nobody_could_see_it_on_paper(look, color, expected):
    assert is_light(composed(drawing(color), Item(width=200, height=200, margin=4), look)) == expected


def test_a_light_speck_at_the_rim_is_no_light_rim_and_a_light_side_is_one():
    pixels = drawing()
    pixels[4:6, 8:10] = 255
    item = Item(width=200, height=200, margin=4)
    assert not is_light(composed(pixels, item, Look()))
    pixels[4:6] = np.where(pixels[4:6, :, 3:] > 0, 255, 0)
    assert is_light(composed(pixels, item, Look()))


@pytest.mark.parametrize("look", [Look(), Look(background=Background(own=True))])
def test_a_hairline_surrounds_what_is_white_itself_or_has_a_white_background(look):
    ((left, top, side),) = places_on("a4", 1)
    page = np.asarray(next(pages([drawing(PAPER_WHITE)], look, "a4")))
    middle = (page[top + side // 2].max(axis=-1), page[:, left + side // 2].max(axis=-1))
    for line, start in zip(middle, (left, top), strict=True):
        dark = np.flatnonzero(line < 225) - start
        assert 2 <= len(dark) <= 8 and dark[0] < side // 2 < dark[-1]


def test_a_line_to_cut_along_surrounds_a_background_too():
    ((left, top, side),) = places_on("a4", 1)
    look = Look(background=Background(colors=("#00ff00",)))
    page = np.asarray(next(pages([drawing()], look, "a4", cut_line=True)))
    row = (page[top + side // 2] == CUT_COLOR).all(axis=-1)
    assert row[left - 2] and row[left + side + 1] and not row[left : left + side].any()


def test_a_hairline_shows_where_a_white_sticker_ends_and_none_is_drawn_around_a_drawing_alone():
    ((left, top, side),) = places_on("a4", 1)
    row = (top + side // 2, slice(left, left + side))
    white, plain = (np.asarray(next(pages([drawing()], look, "a4")))[row].astype(int) for look in (LOOK, Look()))
    gray = (np.ptp(white, axis=-1) < 8) & (white[:, 0] < 240)
    assert 2 <= gray.sum() <= 8
    assert white[gray].min() > 150
    assert not ((np.ptp(plain, axis=-1) < 8) & (plain[:, 0] < 240)).any()


def test_the_line_runs_outside_the_sticker_all_around():
    alpha = np.zeros((80, 80), dtype=np.uint8)
    alpha[20:60, 20:60] = 255
    line = (cut(alpha) > 0.5) & (alpha == 0)
    assert line[40, 18] and line[18, 40] and line[61, 40] and not line[40, 14] and not line[40, 25]


def test_many_stickers_take_several_pages_and_a_pdf_has_them_all_and_no_date():
    printed = [page.resize((248, 351)) for page in pages([drawing()] * 2, Look(), "a4", per_page=1)]
    data = as_pdf(printed, "Cats")
    assert data == as_pdf(printed, "Cats") and b"/Count 2" in data and b"Date" not in data
