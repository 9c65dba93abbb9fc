"""Which recipe is looked at next: known good starts, then every transform alone in turn with repairs and changes.

The answer depends on the trials so far and on a seed alone, so a search that goes on after an interruption asks for the
same recipes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from underpaint.core.optimization import OptimizationRecipe, Step
from underpaint.stages.optimize.search.frontier import front
from underpaint.stages.optimize.search.record import Origin, Trial
from underpaint.stages.optimize.search.repair import repairs
from underpaint.stages.optimize.search.space import Axis, Space
from underpaint.stages.optimize.transforms.table import TRANSFORMS

Wanted = tuple[str, Mapping[str, JsonValue]]
"""A transform, and parameters that its step must have."""
F32: Mapping[str, JsonValue] = {"precision": "f32"}
INT8: Mapping[str, JsonValue] = {"precision": "int8"}
NATIVE8: Mapping[str, JsonValue] = {"precision": "int8", "native": True}
ONNX, ONNX8, OWN8 = ("engine.onnx", F32), ("engine.onnx", INT8), ("engine.onnx", NATIVE8)
OPENVINO, OPENVINO8 = ("engine.openvino", F32), ("engine.openvino", INT8)
OPENVINO16: Wanted = ("engine.openvino", {"precision": "bf16"})
BOTH: Wanted = ("engine.openvino", {"precision": "int8_bf16"})
HALF: Wanted = ("quant.bf16", {})
FEWER: Wanted = ("steps.count", {})
SPAN: Wanted = ("guidance.span", {})
STORED: Wanted = ("quant.weight_only", {"precision": "int8_weights"})
DYNAMIC: Wanted = ("quant.int8_dynamic", {})
CACHE: Wanted = ("cache.output", {"every": 2})
PAIR: Wanted = ("cache.pair", {"every": 2})
SHORT = (SPAN, FEWER)
FAST_PRODUCTS = (
    (OPENVINO16,),
    (OPENVINO8,),
    (OWN8,),
    (BOTH,),
    (OPENVINO,),
    (ONNX8,),
    (HALF,),
    (OPENVINO16, PAIR),
    (OPENVINO16, CACHE),
    (OPENVINO8, PAIR),
    (OPENVINO8, CACHE),
    (OPENVINO16, *SHORT),
    (OPENVINO16, FEWER),
    (OPENVINO16, SPAN),
    (OPENVINO8, *SHORT),
    (OWN8, *SHORT),
)
"""What is tried first where a processor multiplies 8-bit numbers fast; bfloat16 where it multiplies that too."""
STARTS: dict[str, tuple[tuple[Wanted, ...], ...]] = {
    "x86-amx": FAST_PRODUCTS,
    "x86-vnni": FAST_PRODUCTS,
    "x86-avx2": (
        (ONNX8,),
        (OWN8,),
        (OPENVINO,),
        (OPENVINO8,),
        (OWN8, SPAN),
        (OWN8, *SHORT),
        (ONNX8, *SHORT),
        (OPENVINO, CACHE),
        (OPENVINO, PAIR),
        (ONNX,),
        (OPENVINO8, *SHORT),
        (STORED,),
    ),
    "arm": ((ONNX8,), (ONNX,), (OWN8,), (ONNX8, CACHE), (OWN8, *SHORT), (DYNAMIC,)),
    "cuda": ((("engine.compile", {}),), (CACHE,), (STORED,), (("quant.fp8", {}),)),
    "": ((ONNX,), (FEWER,), (SPAN,)),
}
"""Beginning of a host class to what is tried first there; a transform stands for all slots that it fits.

Each engine comes with its best precision before anything is combined, so that one that takes long to make gets its
chance while there is time.
"""
TRIES = 60
"""Random recipes that are thought up before it is said that there is nothing new."""
MOST_STEPS = 4


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A recipe to look at.

    Args:
        recipe: The steps.
        origin: How it came up.
        parent: The trial that it was made from.
    """

    recipe: OptimizationRecipe
    origin: Origin
    parent: str | None = None


class Proposer:
    """Thinks up recipes.

    Args:
        space: What may be varied.
        host_class: Of the machine that shall draw.
        seed: Of the search.
    """

    def __init__(self, space: Space, host_class: str, seed: int) -> None:
        self.space, self.seed = space, seed
        known = [Proposal(recipe=recipe, origin="start") for recipe in starts(space, host_class)]
        known += [Proposal(recipe=recipe, origin="alone") for recipe in alone(space)]
        self._known = [(proposal.recipe.digest(), proposal) for proposal in known]

    def next(self, trials: Sequence[Trial]) -> Proposal | None:
        """Return the next recipe, or None if there is nothing new.

        Args:
            trials: All so far, in their order.
        """
        tried = {trial.recipe_digest for trial in trials}
        known = next((proposal for digest, proposal in self._known if digest not in tried), None)
        if known is not None and (known.origin == "start" or len(trials) % 2 == 0):
            return known
        for proposal in self._thought_up(trials):
            if proposal.recipe.steps and proposal.recipe.digest() not in tried:
                return proposal
        return known

    def _thought_up(self, trials: Sequence[Trial]) -> Iterator[Proposal]:
        for recipe, parent in repairs(trials, self.space):
            yield Proposal(recipe=recipe, origin="repair", parent=parent)
        rng = np.random.default_rng([self.seed, len(trials)])
        good = front(trials)
        bearable = [trial for trial in trials if trial.cost is not None and (trial.loss or 0.0) <= 1.0]
        for number in range(TRIES):
            if not good or number % 4 == 3:
                proposal = _random(self.space, rng)
            elif number % 4 == 0:
                proposal = _changed(good, self.space, rng)
            else:
                proposal = _merged(good, bearable, self.space, rng)
            if proposal is not None:
                yield proposal


def starts(space: Space, host_class: str) -> Iterator[OptimizationRecipe]:
    """Yield what is tried first on a class of machines, as far as it fits."""
    name = next(beginning for beginning in STARTS if host_class.startswith(beginning))
    for wanted in STARTS[name]:
        found = [_wanted_steps(space, *one) for one in wanted]
        recipe = space.recipe(*(step for steps in found for step in steps))
        if all(found) and recipe is not None:
            yield recipe


def _wanted_steps(space: Space, name: str, params: Mapping[str, JsonValue]) -> list[Step]:
    """Return the mildest fitting step of a transform in every slot that has one."""
    fitting = [
        [step for step in axis.options if params.items() <= step.params.items()]
        for axis in space.axes
        if axis.name == name
    ]
    return [steps[0] for steps in fitting if steps]


def alone(space: Space) -> Iterator[OptimizationRecipe]:
    """Yield the mildest step of every axis by itself, then the strongest ones; first what is made without training."""
    cheap_first = sorted(space.axes, key=lambda axis: -TRANSFORMS[axis.options[0].op].stage)
    for index in (0, -1):
        for axis in cheap_first:
            recipe = space.recipe(axis.options[index])
            if recipe is not None:
                yield recipe


def _pick(options: Sequence[Step], rng: np.random.Generator) -> Step:
    return options[int(rng.integers(len(options)))]


def _random(space: Space, rng: np.random.Generator) -> Proposal | None:
    """Think up a recipe of a few steps."""
    if not space.axes:
        return None
    count = int(rng.integers(1, min(MOST_STEPS, len(space.axes)) + 1))
    chosen = [space.axes[int(index)] for index in rng.permutation(len(space.axes))[:count]]
    recipe = space.recipe(*(_pick(axis.options, rng) for axis in chosen))
    return None if recipe is None else Proposal(recipe=recipe, origin="random")


def _changed(good: Sequence[Trial], space: Space, rng: np.random.Generator) -> Proposal | None:
    """Change one step of a trial that did well: another choice, left out, or one more."""
    trial = good[int(rng.integers(len(good)))]
    axis = space.axes[int(rng.integers(len(space.axes)))]
    others = [step for step in trial.recipe.steps if not _is_of(step, axis)]
    was_there = len(others) < len(trial.recipe.steps)
    steps = others if was_there and rng.random() < 0.3 else [*others, _pick(axis.options, rng)]
    recipe = space.recipe(*steps)
    return None if recipe is None else Proposal(recipe=recipe, origin="changed", parent=trial.id)


def _merged(
    good: Sequence[Trial], bearable: Sequence[Trial], space: Space, rng: np.random.Generator
) -> Proposal | None:
    """Join the steps of a trial that did well with those of another that is bearable, fast by itself or not."""
    trial, other = good[int(rng.integers(len(good)))], bearable[int(rng.integers(len(bearable)))]
    places = {(step.name, step.slot) for step in trial.recipe.steps}
    more = [step for step in other.recipe.steps if (step.name, step.slot) not in places]
    recipe = space.recipe(*trial.recipe.steps, *more)
    return None if recipe is None else Proposal(recipe=recipe, origin="changed", parent=trial.id)


def _is_of(step: Step, axis: Axis) -> bool:
    return (step.name, step.slot) == (axis.name, axis.slot)
