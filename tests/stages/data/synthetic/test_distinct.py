from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from underpaint.stages.data.synthetic.distinct import clusters_among, repeated
from underpaint.stages.data.synthetic.drawing import Picture
from underpaint.stages.data.synthetic.selection import seen

Make = Callable[..., Picture]


def disk(x: float, y: float, radius: float, color: tuple[int, int, int] = (200, 30, 30)) -> np.ndarray:
    """Draw a disk: ``[32, 32, 4]`` uint8."""
    rows, columns = np.mgrid[:32, :32]
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[(columns - x) ** 2 + (rows - y) ** 2 < radius**2] = (*color, 255)
    return pixels


def rules(pictures: list[Picture]) -> dict[int, str]:
    thumbnails, hashes = seen(pictures)
    return {one.position: one.rule for one in repeated(pictures, hashes, thumbnails)}


def test_all_but_the_first_of_equal_pictures_are_left_out_whatever_they_are_called(picture: Make) -> None:
    pixels = disk(16, 16, 9)
    pictures = [picture(pixels), picture(disk(6, 6, 4)), picture(pixels, "a dog"), picture(pixels, style="noto")]
    assert rules(pictures) == {2: "duplicate", 3: "duplicate"}


@pytest.mark.parametrize(("caption", "style", "expected"), [("a cat", "flat", True), ("a dog", "flat", False)])
def test_near_duplicates_are_left_out_only_if_they_show_one_wish(
    picture: Make, caption: str, style: str, expected: bool
) -> None:
    near = disk(16, 16, 9, (205, 30, 30))
    pictures = [picture(disk(16, 16, 9)), picture(near, caption, style, seed=1)]
    assert rules(pictures) == ({1: "near-duplicate"} if expected else {})


def test_one_of_a_chain_of_near_duplicates_stays(picture: Make) -> None:
    pictures = [picture(disk(16, 16, 9, (red, 30, 30)), seed=red) for red in (200, 202, 204, 206)]
    assert rules(pictures) == dict.fromkeys((1, 2, 3), "near-duplicate")


def test_groups_with_near_duplicates_share_a_cluster_named_by_the_smallest(picture: Make) -> None:
    pictures = [
        picture(disk(16, 16, 9), "a cat"),
        picture(disk(5, 5, 4), "a cat"),
        picture(disk(16, 16, 9, (205, 30, 30)), "a dog"),
        picture(disk(26, 20, 5), "an apple"),
    ]
    thumbnails, hashes = seen(pictures)
    assert clusters_among(["c", "c", "b", "a"], hashes, thumbnails) == ["b", "b", "b", "a"]
