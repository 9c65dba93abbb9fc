from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from underpaint.core.errors import InputError
from underpaint.pipelines.generator import Generator, load_opened
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.picture_file import attach, pixel_digest
from underpaint.pipelines.planning import Options
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import Settings
from underpaint.stages.data.synthetic.drawing import draw_gallery
from underpaint.stages.data.synthetic.wishes import plan_wishes, wishes_digest


class Forgetful(Generator):
    """Draws nothing where the seed is below a number."""

    first = 0

    def draw(self, settings: Sequence[Settings], **options: object) -> Iterator[Image.Image]:
        for image, made in zip(super().draw(settings), settings, strict=True):
            pixels = np.asarray(image) * np.uint8(made.seed >= self.first)
            blank = Image.fromarray(pixels)
            yield attach(blank, made.model_copy(update={"pixel_sha256": pixel_digest(blank)}))


@pytest.fixture
def forgetful(model: Model) -> Forgetful:
    return Forgetful(model, load_opened(model).pipeline)


def wishes(model: Model, count: int) -> list[Settings]:
    return plan_wishes(model, [PromptRow(prompt="a cat", style="flat")], Options(n=count))


def test_a_blank_picture_is_drawn_again_with_the_next_free_seed(
    model: Model, forgetful: Forgetful, tmp_path: Path
) -> None:
    forgetful.first = 1
    found = draw_gallery(wishes(model, 3), lambda: forgetful, tmp_path, redraws=2)
    assert [picture.settings.seed for picture in found.pictures] == [3, 1, 2]
    assert [picture.settings.seed for picture in found.blank] == [0]
    assert found.given_up == 0


def test_a_wish_is_given_up_after_so_many_blank_pictures(model: Model, forgetful: Forgetful, tmp_path: Path) -> None:
    forgetful.first = 100
    found = draw_gallery(wishes(model, 2), lambda: forgetful, tmp_path, redraws=2)
    assert (found.pictures, found.given_up) == ([], 2)
    assert [picture.settings.seed for picture in found.blank] == [0, 1, 2, 3, 4, 5]


def test_a_prompt_without_a_style_is_drawn_in_every_style(model: Model) -> None:
    rows = [PromptRow(prompt="a cat"), PromptRow(prompt="a dog", style="noto", n=2)]
    assert [(one.caption, one.style, one.seed) for one in plan_wishes(model, rows, Options())] == [
        ("a cat", "flat", 0),
        ("a cat", "noto", 0),
        ("a dog", "noto", 0),
        ("a dog", "noto", 1),
    ]
    assert {one.style for one in plan_wishes(model, rows[:1], Options(style="noto"))} == {"noto"}


def test_equal_wishes_are_drawn_once_and_others_have_another_digest(model: Model) -> None:
    row = PromptRow(prompt="a cat", style="flat", seed=5)
    assert plan_wishes(model, [row, row], Options()) == plan_wishes(model, [row], Options())
    digests = {wishes_digest(plan_wishes(model, [row], Options(n=n))) for n in (1, 2)}
    assert len(digests) == 2


def test_colors_are_not_asked_of_line_art(model: Model) -> None:
    colorless = Model(
        name=model.name,
        folder=model.folder,
        manifest=model.manifest,
        index=model.index.model_copy(update={"sampling": {**model.index.sampling, "styles": ["flat", "line-art"]}}),
        components=model.components,
    )
    rows = [PromptRow(prompt="a red apple"), PromptRow(prompt="a cat")]
    assert [(one.caption, one.style) for one in plan_wishes(colorless, rows, Options())] == [
        ("a red apple", "flat"),
        ("a cat", "flat"),
        ("a cat", "line-art"),
    ]
    with pytest.raises(InputError, match="no color"):
        plan_wishes(colorless, rows[:1], Options(style="line-art"))
