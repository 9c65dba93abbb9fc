"""The same recipe with other random numbers: a training repeated, to tell what it brings from what chance does."""

from __future__ import annotations

from typing import Any, TypeVar

from underpaint.core.config import Config

C = TypeVar("C", bound=Config)


def with_seed(recipe: C, seed: int) -> C:
    """Return a recipe all of whose seeds are this one.

    Args:
        recipe: The complete settings, with seeds of their own.
        seed: From 0 to ``SEED_BOUND - 1``; of weights, batches, noise and shifts alike, each of which draws a stream
            of its own from it.

    Raises:
        ValidationError: The seed is another.
    """
    return type(recipe).model_validate(_seeded(recipe.model_dump(), seed))


def _seeded(settings: Any, seed: int) -> Any:
    if not isinstance(settings, dict):
        return settings
    return {name: seed if name == "seed" else _seeded(value, seed) for name, value in settings.items()}
