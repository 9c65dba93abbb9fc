"""A recipe with another seed differs in its seeds, all of them, and in nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from underpaint.recipes.seeds import with_seed
from underpaint.recipes.table import RECIPES


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


def test_a_seed_below_zero_is_none():
    with pytest.raises(ValidationError):
        with_seed(RECIPES["smoke"](), -1)
