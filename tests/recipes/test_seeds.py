"""A recipe with another seed differs in its seeds, all of them, and in nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from underpaint.learning.config import SEED_BOUND, LoopConfig
from underpaint.learning.seeding import initialized_by
from underpaint.recipes.seeds import with_seed
from underpaint.recipes.smoke import smoke
from underpaint.recipes.table import RECIPES
from underpaint.stages.train.config import LatentsEncoding


def leaves(value: Any, name: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*name, key))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*name, str(number)))
    else:
        yield name, value


@pytest.mark.parametrize("name", RECIPES)
def test_every_seed_of_every_recipe_is_replaced_and_nothing_else(name):
    recipe = RECIPES[name]()
    before, after = (dict(leaves(one.model_dump())) for one in (recipe, with_seed(recipe, 4711)))
    seeds = {path for path in before if path[-1] == "seed"}
    assert seeds and all(after[path] == 4711 for path in seeds)
    assert {path: value for path, value in after.items() if path not in seeds} == {
        path: value for path, value in before.items() if path not in seeds
    }


def test_settings_that_came_later_are_left_out_of_the_digest_as_before():
    recipe = RECIPES["sticker-64-nano"]()
    assert with_seed(recipe, 0).digest() == recipe.digest()


@pytest.mark.parametrize("seed", [-1, SEED_BOUND, 2**64])
def test_a_seed_that_torch_cannot_take_is_none(seed):
    with pytest.raises(ValidationError):
        with_seed(RECIPES["smoke"](), seed)


@pytest.mark.parametrize(("kind", "rest"), [(LoopConfig, {"steps": 1}), (LatentsEncoding, {})])
def test_nor_is_it_one_of_a_loop_or_of_an_encoding(kind, rest):
    for seed in (-1, SEED_BOUND):
        with pytest.raises(ValidationError, match="seed"):
            kind.model_validate({**rest, "seed": seed})


def test_the_largest_seed_is_one_that_torch_takes():
    with initialized_by(with_seed(smoke(), SEED_BOUND - 1).latents.seed):
        assert torch.initial_seed() == SEED_BOUND - 1
