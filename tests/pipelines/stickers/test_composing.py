from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from underpaint.core.errors import InputError
from underpaint.pipelines.stickers.composing import composed, room_of, seen, with_rim
from underpaint.pipelines.stickers.look import Background, Contour, Look
from underpaint.pipelines.stickers.place import Item

ITEM = Item(width=128, height=128, margin=4)
WHITE = Look(contour=Contour(color="white", width=16.0))


def drawing(width: int = 20, height: int = 30) -> np.ndarray:
    """An opaque red box somewhere in a transparent picture of 64 pixels."""
    pixels = np.zeros((64, 64, 4), dtype=np.uint8)
    pixels[5 : 5 + height, 40 : 40 + width] = (200, 20, 20, 255)
    return pixels


@pytest.mark.parametrize("look", [Look(), WHITE, Look(shadow=True), WHITE.model_copy(update={"shadow": True})])
def test_the_sticker_fills_its_canvas_up_to_the_margin_and_never_beyond(look):
    for width, height in ((20, 30), (24, 6), (3, 50)):
        sticker = composed(drawing(width, height), ITEM, look)
        assert sticker.shape == (128, 128, 4)
        outside = np.ones((128, 128), dtype=bool)
        outside[4:-4, 4:-4] = False
        assert not sticker[outside, 3].any()
        left, top, right, bottom = seen(sticker)
        soft = 10 + (2 * room_of(look, 128).below if look.shadow else 0)
        assert max(right - left, bottom - top) >= 120 - soft


def alone(canvas: int) -> np.ndarray:
    """A drawing of ten pixels in the middle of a canvas."""
    pixels = np.zeros((canvas, canvas, 4), dtype=np.uint8)
    middle = canvas // 2
    pixels[middle - 4 : middle + 4, middle - 5 : middle + 5] = (200, 20, 20, 255)
    return pixels


def test_the_empty_room_around_a_drawing_changes_nothing_and_costs_nothing():
    tracemalloc.start()
    try:
        small, large = (composed(alone(canvas), ITEM, WHITE) for canvas in (64, 200))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.array_equal(small, large)
    assert peak < 30_000_000


@pytest.mark.parametrize("side", [1, 2, 3, 4, 9, 100])
def test_a_rim_is_never_wider_than_a_quarter_of_the_drawing(side):
    pixels = np.zeros((300, 300, 4), dtype=np.uint8)
    pixels[100 : 100 + side, :side] = 255
    height, width, _ = with_rim(pixels).shape
    assert side <= width <= height <= 1.5 * side


@pytest.mark.parametrize("look", [Look(), WHITE, Look(shadow=True)])
def test_a_box_for_the_longest_side_is_cut_to_the_sticker_whose_longer_side_is_just_as_long(look):
    item = Item(width=128, height=128, box="longest")
    for width, height in ((20, 30), (13, 30), (31, 17), (7, 50), (23, 24)):
        sides = composed(drawing(width, height), item, look).shape[:2]
        assert max(sides) == 128 and (sides[0] > sides[1]) == (height > width)
    assert composed(drawing(20, 30), item, look).shape[1] < 110


def test_the_contour_surrounds_the_drawing_with_its_color_and_width():
    sticker = composed(drawing(30, 30), ITEM, WHITE)
    left, top, right, bottom = seen(sticker)
    row = sticker[(top + bottom) // 2]
    assert row[left + 2].tolist() == row[right - 3].tolist() == [255, 255, 255, 255]
    assert (row[left + 10 : right - 10, 1] <= 40).all() and (row[left + 3 : right - 3, 3] >= 254).all()


def test_a_shadow_falls_below_and_is_dark():
    plain, shaded = (composed(drawing(), ITEM, Look(shadow=shadow)) for shadow in (False, True))
    left, top, right, bottom = seen(shaded)
    below = shaded[bottom - 2, (left + right) // 2]
    assert below[:3].max() < 30 and 0 < below[3] < 120
    assert top > seen(plain)[1] - 1


def test_a_background_is_opaque_to_the_rim_and_where_none_is_allowed_it_is_white():
    sticker = composed(drawing(), ITEM, Look(background=Background(colors=("#00ff00",))))
    assert (sticker[..., 3] == 255).all() and sticker[0, 0].tolist() == [0, 255, 0, 255]
    opaque = composed(drawing(), ITEM.model_copy(update={"transparent": False}), Look())
    assert (opaque[..., 3] == 255).all() and opaque[0, 0].tolist() == [255, 255, 255, 255]


def test_specks_go_unless_they_are_wanted():
    pixels = drawing()
    pixels[60:62, 2:4] = 255
    tidy, whole = (composed(pixels, ITEM, Look(specks=specks)) for specks in (False, True))
    assert np.array_equal(tidy, composed(drawing(), ITEM, Look())) and not np.array_equal(tidy, whole)


def test_an_opaque_picture_is_a_rectangle_with_round_corners():
    opaque = np.full((20, 30, 4), 255, dtype=np.uint8)
    sticker = composed(opaque, ITEM, Look(contour=Contour(color="black", width=40.0)))
    left, top, right, _ = seen(sticker)
    assert sticker[top, left, 3] == 0 and sticker[top + 4, (left + right) // 2].tolist() == [0, 0, 0, 255]


def test_what_cannot_be_a_sticker_is_refused():
    with pytest.raises(InputError, match="transparent all over"):
        composed(np.zeros((8, 8, 4), dtype=np.uint8), ITEM, Look())
    with pytest.raises(InputError, match="leave nothing of 16x16"):
        composed(drawing(), Item(width=16, height=16, margin=8), Look())
