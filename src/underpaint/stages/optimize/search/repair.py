"""Repair: what saves time and fails in quality is tried again with its worst parts given back.

Parts are the steps of a recipe, the fewer bits of an engine, and the layers of a quantized network, list by list or
block by block. Each is given back alone, which ranks them by the loss that this removes; if no single one is enough,
the smallest number of the worst is found by halving.

Source: accuracy control of NNCF (one metric, layers alone), for all metrics and all transforms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from underpaint.core.optimization import OptimizationRecipe, Step
from underpaint.pipelines.slots import Slot
from underpaint.stages.optimize.search.frontier import ratio_of, timer_of
from underpaint.stages.optimize.search.record import Trial
from underpaint.stages.optimize.search.space import Space
from underpaint.stages.optimize.transforms.checking import step_of

PRECISION = {"quant.int8_dynamic": "int8", "quant.weight_only": "int8_weights"}
"""Quantizer of a whole network to the precision that ``quant.mixed`` calls it by."""
EASED = {"int8_bf16": "bf16"}
"""Precision of an engine to the one that it is given back to, where that is not 32 bits."""
MOST_REPAIRED = 3
"""Trials that are repaired, the fastest first."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that can be given back.

    Args:
        step: Of the recipe.
        layers: A list of layers of its network; empty for the whole step.
    """

    step: Step
    layers: str = ""


def parts_of(recipe: OptimizationRecipe, space: Space) -> list[Part]:
    """Return what of a recipe can be given back."""
    parts = []
    for step in recipe.steps:
        lists = _lists(space.capabilities.slots[step.slot]) if step.name in PRECISION else []
        if len(lists) > 1:
            parts += [Part(step=step, layers=name) for name in lists]
        elif len(recipe.steps) > 1:
            parts.append(Part(step=step))
    return parts


def _lists(slot: Slot) -> list[str]:
    names = [name.split(".") for name in (*slot.linears, *slot.convs)]
    lists = {parts[0] for parts in names}
    return sorted(lists if len(lists) > 1 else {".".join(parts[:2]) for parts in names if len(parts) > 2})


def without(recipe: OptimizationRecipe, given_back: Sequence[Part], space: Space) -> OptimizationRecipe | None:
    """Return a recipe without some parts; None if the rest does not fit."""
    steps = []
    for step in recipe.steps:
        layers = [part.layers for part in given_back if part.step == step]
        if "" not in layers:
            steps.append(_spared(step, layers) if layers else step)
        elif step.params.get("precision", "f32") != "f32" and step.family == "engine":
            precision = EASED.get(str(step.params["precision"]), "f32")
            steps.append(step_of(step.op, step.slot, precision=precision))
    return space.recipe(*steps)


def _spared(step: Step, layers: Sequence[str]) -> Step:
    """Return a quantizer of a whole network as one that spares some lists of layers."""
    rules: list[JsonValue] = [{"layers": f"{name}.*", "precision": "f32"} for name in layers]
    bits = {"weight_bits": step.params["weight_bits"]} if "weight_bits" in step.params else {}
    return step_of("quant.mixed", step.slot, rules=rules, otherwise=PRECISION[step.name], **bits)


def repairs(trials: Sequence[Trial], space: Space) -> Iterator[tuple[OptimizationRecipe, str]]:
    """Yield recipes that repair failed trials, each with the trial's id; those tried already among them.

    Args:
        trials: All so far; the clock that ranks them says which are fast.
        space: What fits.
    """
    failed = [
        trial for trial in trials if trial.state == "rejected" and trial.rung in (1, 2) and trial.cost is not None
    ]
    timer = timer_of(trials)
    worth = [trial for trial in failed if trial.origin != "repair" and ratio_of(trial, timer)[0] < 1.0]
    known = {trial.recipe_digest: trial for trial in trials}
    for trial in sorted(worth, key=lambda one: (ratio_of(one, timer), one.id))[:MOST_REPAIRED]:
        yield from ((recipe, trial.id) for recipe in _of_trial(trial, space, known))


def _of_trial(trial: Trial, space: Space, known: dict[str, Trial]) -> Iterator[OptimizationRecipe]:
    """Yield a trial's repairs as far as the trials so far tell what comes next."""
    parts = parts_of(trial.recipe, space)
    single = [(part, recipe) for part in parts if (recipe := without(trial.recipe, [part], space)) is not None]
    yield from (recipe for _, recipe in single)
    looked = [(part, known.get(recipe.digest())) for part, recipe in single]
    if any(found is None or found.state in ("feasible", "dominated") for _, found in looked):
        return
    worst = [part for part, found in sorted(looked, key=lambda pair: _loss(pair[1])) if found is not None]
    low, high = 2, len(worst) - 1
    while low <= high:
        middle = (low + high) // 2
        recipe = without(trial.recipe, worst[:middle], space)
        if recipe is None:
            return
        yield recipe
        found = known.get(recipe.digest())
        if found is None:
            return
        low, high = (low, middle - 1) if found.state in ("feasible", "dominated") else (middle + 1, high)


def _loss(trial: Trial | None) -> float:
    return float("inf") if trial is None or trial.loss is None else trial.loss
