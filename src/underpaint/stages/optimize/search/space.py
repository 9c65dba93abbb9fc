"""What a search may vary: for every transform that fits the pipeline and the machine, each slot with its choices."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from underpaint.core.optimization import OptimizationRecipe, Refusal, Step
from underpaint.pipelines.slots import Capabilities
from underpaint.runtime.fingerprint import Fingerprint
from underpaint.stages.optimize.transforms.checking import arranged, refusal_of, refusals_of, step_of
from underpaint.stages.optimize.transforms.table import TRANSFORMS
from underpaint.stages.optimize.transforms.transform import Question, Transform

MOST_CHOICES = 48
"""Choices of one transform in one slot; of more, as many are taken at equal distances."""
ELSEWHERE = ("recipe.slot", "recipe.unknown_op")
"""Refusals that say nothing about the model: the transform has no such place."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A transform in a slot.

    Args:
        name: The transform, as ``quant.mixed``.
        slot: Where.
        options: Steps to choose from, mild ones first where the transform offers them so.
    """

    name: str
    slot: str
    options: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class Space:
    """All axes, and what was refused on the way.

    Args:
        capabilities: Of the pipeline.
        host: The machine.
        axes: What can be varied.
        refused: A step of each transform and slot of which nothing fits, and why.
    """

    capabilities: Capabilities
    host: Fingerprint
    axes: tuple[Axis, ...]
    refused: tuple[tuple[Step, Refusal], ...] = field(default=())

    def fits(self, recipe: OptimizationRecipe) -> bool:
        """Tell whether no step of a recipe is refused."""
        return not refusals_of(recipe, self.capabilities, self.host)

    def recipe(self, *steps: Step) -> OptimizationRecipe | None:
        """Return the recipe of some steps; None if they do not fit together."""
        recipe = arranged(*steps)
        return recipe if self.fits(recipe) else None


def space_of(capabilities: Capabilities, host: Fingerprint) -> Space:
    """Ask every transform what it offers.

    Args:
        capabilities: Of the pipeline.
        host: The machine that shall draw.
    """
    axes: list[Axis] = []
    refused: list[tuple[Step, Refusal]] = []
    for transform in TRANSFORMS.values():
        for slot in transform.slots:
            options, refusal = _options(transform, slot, capabilities, host)
            if options:
                axes.append(Axis(name=transform.name, slot=slot, options=options))
            elif refusal is not None:
                refused.append(refusal)
    return Space(capabilities=capabilities, host=host, axes=tuple(axes), refused=tuple(refused))


def _options(
    transform: Transform, slot: str, capabilities: Capabilities, host: Fingerprint
) -> tuple[tuple[Step, ...], tuple[Step, Refusal] | None]:
    """Return the steps that fit by themselves, and where none does one of them with the reason."""
    plain = step_of(transform.op, slot)
    first = refusal_of(plain, capabilities, OptimizationRecipe(), host)
    if first is not None and (first.code in ELSEWHERE or first.code.startswith("graph.")):
        return (), (plain, first) if first.code not in ELSEWHERE else None
    question = Question(capabilities=capabilities, slot=slot, params=None, before=OptimizationRecipe(), host=host)
    steps = [step_of(transform.op, slot, **choice) for choice in _choices(transform.space(question))]
    asked = [(step, refusal_of(step, capabilities, OptimizationRecipe(), host)) for step in steps]
    fitting = tuple(step for step, refusal in asked if refusal is None)
    refused = next(((step, refusal) for step, refusal in asked if refusal is not None), None)
    return fitting, refused


def _choices(offered: Mapping[str, Sequence[JsonValue]]) -> list[dict[str, JsonValue]]:
    """Return all combinations of what is offered, at most ``MOST_CHOICES``; none where nothing is."""
    if not offered:
        return []
    every = [dict(zip(offered, values, strict=True)) for values in itertools.product(*offered.values())]
    if len(every) <= MOST_CHOICES:
        return every
    return [every[index * len(every) // MOST_CHOICES] for index in range(MOST_CHOICES)]
