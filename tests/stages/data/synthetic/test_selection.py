from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from underpaint.stages.data.synthetic.config import SyntheticConfig
from underpaint.stages.data.synthetic.drawing import Gallery, Picture
from underpaint.stages.data.synthetic.real import RealData
from underpaint.stages.data.synthetic.selection import Selection, ids_of, select, style_of

Make = Callable[..., Picture]


def noise(seed: int) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 4), np.uint8).repeat(4, 0).repeat(4, 1)
    pixels[..., 3] = 255
    return pixels


def chosen(pictures: list[Picture], blank: list[Picture] | None = None, real: RealData | None = None) -> Selection:
    sha256 = "0" * 64
    config = SyntheticConfig(name="tiny", size=32, model="tiny", model_sha256=sha256, wishes_sha256=sha256)
    return select(Gallery(pictures=pictures, blank=blank or [], given_up=0), config, real)


def test_a_style_names_a_folder(picture: Make) -> None:
    names = [style_of(picture(noise(0), style=style)) for style in (None, "", "flat", "Oil / canvas", "..")]
    assert names[:3] == ["unstyled", "unstyled", "flat"]
    assert all(name == Path(name).name and name not in ("", ".", "..") for name in names)


def test_pictures_of_a_wish_are_numbered_within_a_style_and_an_article_makes_no_other_wish(picture: Make) -> None:
    made = [("a cat", "flat"), ("cat", "flat"), ("a cat", "noto"), ("a dog", "flat"), ("the cat", "flat")]
    first, second, other, dog, third = ids_of([picture(noise(0), *wish) for wish in made])
    assert first == other and len({first, second, third, dog}) == 4
    assert all(id_.startswith(f"{first}-") for id_ in (second, third))


def test_what_is_left_out_is_listed_by_rule_and_the_rest_stays_in_order(picture: Make) -> None:
    copy = picture(noise(1), "a dog")
    pictures = [picture(noise(0)), picture(noise(1)), copy, picture(noise(2), "a cup")]
    blank = picture(np.zeros((32, 32, 4), np.uint8), "a cup", seed=7)
    found = chosen(pictures, [blank])
    assert found.pictures == [pictures[0], pictures[1], pictures[3]]
    assert [sample.sha256_pixels for sample in found.samples] == [one.sha256 for one in found.pictures]
    assert [(one.rule, one.name, one.icon) for one in found.dropped] == [
        ("blank", "a cup", "seed-7"),
        ("duplicate", "a dog", "seed-0"),
    ]


@pytest.mark.parametrize(("style", "stays"), [("flat", False), ("noto", True)])
def test_a_caption_that_real_data_hold_out_in_a_style_is_left_out_in_that_style(
    picture: Make, style: str, stays: bool
) -> None:
    made = chosen([picture(noise(0))]).samples[0]
    hidden = made.model_copy(update={"caption": "cat", "style": "flat", "split": "test_style"})
    real = RealData(folder=Path("nowhere"), digest="1" * 64, samples=[hidden], credits=())
    found = chosen([picture(noise(1), "a cat", style), picture(noise(2), "a dog", style)], real=real)
    assert [sample.caption for sample in found.samples] == (["a cat", "a dog"] if stays else ["a dog"])
    assert [one.rule for one in found.dropped] == ([] if stays else ["held-out"])
