from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def inputs(load_benchmark) -> ModuleType:
    return load_benchmark("creating_inputs")


@pytest.fixture(scope="module")
def tools(load_benchmark) -> ModuleType:
    return load_benchmark("creating_tools")


@pytest.fixture(scope="module")
def creating(load_benchmark) -> ModuleType:
    return load_benchmark("creating")


def test_a_sketch_is_the_same_each_time_and_has_paper_only_where_it_shall(inputs: ModuleType) -> None:
    for form in inputs.FORMS:
        alpha = np.asarray(inputs.sketch("cat", 0, form))[..., 3]
        np.testing.assert_array_equal(alpha, np.asarray(inputs.sketch("cat", 0, form))[..., 3])
        assert (alpha[0, 0], alpha[128, 128]) == (255 if form == "paper" else 0, 255)


def test_every_sketch_is_closed_so_that_its_paper_can_be_cut_away(inputs: ModuleType) -> None:
    for number, name in enumerate(inputs.STROKES):
        alpha = np.asarray(inputs.sketch(name, number, "cut out"))[..., 3]
        assert 0.15 < (alpha > 0).mean() < 0.7


def test_only_what_is_ours_may_be_shown(inputs: ModuleType) -> None:
    image = Image.new("RGB", (8, 8))
    kinds = ("photograph", "drawing", "sketch", "shaded", "sticker")
    shown = [kind for kind in kinds if inputs.Given(name="", kind=kind, words="", image=image).is_ours]
    assert shown == ["sketch", "shaded", "sticker"]
    assert inputs.shaded().is_ours


def test_a_single_bit_outside_a_mask_is_counted_and_none_within(tools: ModuleType) -> None:
    before = np.zeros((8, 8, 4), dtype=np.uint8)
    inside = np.zeros((8, 8), dtype=bool)
    inside[:4] = True
    within, beyond = before.copy(), before.copy()
    within[:4] = 200
    beyond[7, 7, 3] = 1
    assert tools.changed_outside(before, within, inside) == 0
    assert tools.changed_outside(before, beyond, inside) == 1


def test_masks_are_as_large_as_their_picture_and_leave_a_part_of_it(tools: ModuleType) -> None:
    for shape, share in (("half", 0.5), ("ellipse", np.pi / 16)):
        mask = tools.mask_for(shape, (320, 200))
        assert mask.size == (320, 200)
        assert (np.asarray(mask)[..., 3] == 0).mean() == pytest.approx(share, abs=0.02)


def test_times_are_told_as_their_median_within_its_interval(creating: ModuleType) -> None:
    told = creating.told_of([5.0, 1.0, 2.0, 3.0, 4.0, 60.0, 3.0])
    assert told["median_ms"] == 3.0
    assert told["low_ms"] <= 3.0 <= told["high_ms"] <= 60.0
    assert told["n"] == 7


def test_engines_agree_where_no_level_that_is_seen_differs(creating: ModuleType) -> None:
    plain = np.zeros((4, 4, 4), dtype=np.uint8)
    unseen, seen = plain.copy(), plain.copy()
    unseen[0, 0, 0] = 200
    seen[0, 0] = (200, 0, 0, 255)
    one, other, off = (
        creating.Edited(before=plain, after=after, inside=plain[..., 0] == 0, ms=1.0) for after in (plain, unseen, seen)
    )
    told = creating.alike([[one, other], [one, off]])
    assert told == {"pictures": 2, "within_one_level": 1, "most_levels": 255.0}
