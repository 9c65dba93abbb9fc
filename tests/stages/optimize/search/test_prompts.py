"""What calibrates, what compares and what decides share no concept, no near-duplicate and no caption."""

from __future__ import annotations

import pytest

from underpaint.core.errors import DataError
from underpaint.core.samples import Sample
from underpaint.stages.optimize.search.config import SearchConfig
from underpaint.stages.optimize.search.prompts import all_groups, groups_of, picture_seed, split_prompts


def sample(number: int, split: str = "train", style: str = "flat", **changes: str) -> Sample:
    values = {
        "id": f"c{number}",
        "cluster": f"c{number}",
        "group": f"c{number}",
        "name": "thing",
        "caption": f"thing {number}",
        "style": style,
        "family": "f",
        "source": "s",
        "icon": "i",
        "license": "CC0-1.0",
        "sha256_pixels": "0" * 64,
        "phash": "0" * 16,
        "split": split,
        "level": "",
        "file": f"{style}/{number}.png",
        **changes,
    }
    return Sample.model_validate({**values, "weight": 1.0})


MANY = [sample(number, style=style) for number in range(140) for style in ("flat", "line")]
HELD_OUT = [sample(number, split="test_concept") for number in (500, 501)]
CONFIG = SearchConfig(prompts=64, calibration=32)


def test_the_three_sets_are_apart() -> None:
    related = [sample(7, split="validation", id="x", cluster="x", group="x"), sample(900, "validation", cluster="c8")]
    judged = all_groups([*HELD_OUT, *related])
    split = split_prompts([*MANY, *HELD_OUT, *related], judged, CONFIG)
    searched = all_groups(split.search)
    assert (len(split.search), len(split.calibration)) == (64, 32)
    assert not searched & judged
    assert not {f"caption {caption}" for caption in split.calibration} & (searched | judged)
    assert not {"thing 7", "thing 8"} & {*split.calibration, *(one.caption for one in split.search)}


def test_every_concept_comes_once() -> None:
    split = split_prompts(MANY, frozenset(), CONFIG)
    assert len({one.group for one in split.search} | {*split.calibration}) == 96


def test_the_choice_depends_on_the_seed_alone() -> None:
    first, again = (split_prompts(order, frozenset(), CONFIG) for order in (MANY, MANY[::-1]))
    assert first == again
    assert first != split_prompts(MANY, frozenset(), CONFIG.model_copy(update={"seed": 1}))


def test_what_is_not_for_training_is_never_taken() -> None:
    split = split_prompts([*MANY, *HELD_OUT], frozenset(), CONFIG)
    assert all(one.split == "train" for one in split.search)


@pytest.mark.parametrize("count", [1, 20, 95])
def test_too_few_concepts_are_refused_with_how_many_more(count: int) -> None:
    few = [one for one in MANY if int(one.id[1:]) < count]
    with pytest.raises(DataError, match=rf"{count} concepts .*calibration.too_few.* with {96 - count} more"):
        split_prompts(few, frozenset(), CONFIG)


def test_seeds_differ_by_picture_and_by_number() -> None:
    seeds = {picture_seed(one, 0, number) for one in MANY for number in (0, 1)}
    assert len(seeds) == 2 * len(MANY)
    assert groups_of(MANY[0]) == groups_of(MANY[1])
