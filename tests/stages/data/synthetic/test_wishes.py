from __future__ import annotations

from dataclasses import replace

import pytest

from underpaint.core.errors import InputError
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.planning import Options
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import Settings
from underpaint.stages.data.synthetic import wishes
from underpaint.stages.data.synthetic.wishes import can_show, plan_wishes, wishes_digest


def asked(*prompts: str, **fields: object) -> list[PromptRow]:
    return [PromptRow.parse({"prompt": prompt, **fields}, source="the tests") for prompt in prompts]


def styles_and_seeds(planned: list[Settings]) -> list[tuple[str, str | None, int]]:
    return [(one.caption, one.style, one.seed) for one in planned]


def test_a_prompt_without_a_style_is_drawn_in_every_one(model: Model) -> None:
    assert len(model.styles) > 1
    planned = plan_wishes(model, asked("a cat"), Options(n=2))
    assert styles_and_seeds(planned) == [("a cat", style, seed) for style in model.styles for seed in (0, 1)]


@pytest.mark.parametrize("row_style", [None, "noto"])
def test_a_style_that_is_named_is_the_only_one_and_that_of_the_row_wins(model: Model, row_style: str | None) -> None:
    planned = plan_wishes(model, asked("a cat", style=row_style), Options(style="flat"))
    assert styles_and_seeds(planned) == [("a cat", row_style or "flat", 0)]


def test_the_same_picture_is_drawn_once_however_often_it_is_asked_for(model: Model) -> None:
    rows = [*asked("a cat", seed=3), *asked("a cat", "A  cat", seed=3, style="flat")]
    planned = plan_wishes(model, rows, Options())
    assert sorted(styles_and_seeds(planned)) == [("a cat", style, 3) for style in sorted(model.styles)]


def test_line_art_is_not_asked_for_colors(planned: list[Settings]) -> None:
    colored, plain = (planned[0].model_copy(update={"caption": caption}) for caption in ("a red apple", "a cat"))
    assert [can_show(one) for one in (colored, plain)] == [True, True]
    drawn = [one.model_copy(update={"style": "line-art"}) for one in (colored, plain)]
    assert [can_show(one) for one in drawn] == [False, True]


def test_nothing_and_too_much_are_refused(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    sampling = {**model.index.sampling, "styles": ("line-art",)}
    lined = replace(model, index=model.index.model_copy(update={"sampling": sampling}))
    with pytest.raises(InputError, match="line-art shows no color"):
        plan_wishes(lined, asked("a red apple"), Options())
    monkeypatch.setattr(wishes, "MOST_PICTURES", 3)
    with pytest.raises(InputError, match="4 pictures are asked for, at most 3"):
        plan_wishes(model, asked("a cat"), Options(n=2))
    with pytest.raises(InputError, match="transparent ground, not on 'white'"):
        plan_wishes(model, asked("a cat"), Options(background="white"))


def test_the_digest_is_that_of_pictures_words_and_their_order(planned: list[Settings]) -> None:
    digest = wishes_digest(planned)
    assert wishes_digest(list(planned)) == digest
    assert wishes_digest([one.model_copy(update={"version": "other"}) for one in planned]) == digest
    others = [
        planned[1:],
        planned[::-1],
        [planned[0].model_copy(update={"seed": 9}), *planned[1:]],
        [planned[0].model_copy(update={"prompt": "A red apple"}), *planned[1:]],
    ]
    assert len({digest, *map(wishes_digest, others)}) == 5
