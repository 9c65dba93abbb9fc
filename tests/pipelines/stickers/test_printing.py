from __future__ import annotations

import numpy as np
import pytest

from underpaint.pipelines.stickers.look import Background, Contour, Look
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


def drawing() -> np.ndarray:
    pixels = np.zeros((32, 32, 4), dtype=np.uint8)
    pixels[4:28, 8:24] = (200, 20, 20, 255)
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


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (LOOK, True),
        (Look(contour=Contour(color="#fff8e7")), True),
        (Look(contour=Contour(color="black"), background=Background(colors=("white",))), True),
        (Look(contour=Contour(color="black")), False),
        (Look(contour=Contour(color="white"), background=Background(colors=("#ff8800",))), False),
        (Look(contour=Contour(color="white"), background=Background(own=True)), False),
        (Look(), False),
    ],
)
def test_a_rim_is_light_where_nobody_could_see_it_on_paper(look, expected):
    assert is_light(look) == expected


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
