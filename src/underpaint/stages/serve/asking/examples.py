"""Prompts to begin with: what the shipped model draws well, each with a style that becomes it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A prompt that can be tried at once.

    Args:
        prompt: What to draw.
        style: In which style; None for no particular one.
    """

    prompt: str
    style: str | None


EXAMPLES: tuple[Example, ...] = (
    Example("red heart", "gradient"),
    Example("rocket", "flat"),
    Example("grinning face", "flat"),
    Example("evergreen tree", "flat"),
    Example("fire", "gradient"),
    Example("umbrella", "flat"),
    Example("santa claus", "cartoon"),
    Example("cat with tears of joy", "cartoon"),
    Example("soccer ball", "line-art"),
    Example("purple heart", "gradient"),
    Example("strawberry", "gradient"),
    Example("smiling face with sunglasses", "cartoon"),
    Example("balloon", "gradient"),
    Example("cactus", "flat"),
    Example("crying face", "flat"),
    Example("red apple", "gradient"),
    Example("moon", "gradient"),
    Example("fish", "cartoon"),
    Example("cherries", "flat"),
    Example("green heart", "cartoon"),
)


def examples_for(styles: Collection[str]) -> list[Example]:
    """Return the examples, without styles that a model does not have.

    Args:
        styles: The model's styles.
    """
    return [Example(one.prompt, one.style if one.style in styles else None) for one in EXAMPLES]
