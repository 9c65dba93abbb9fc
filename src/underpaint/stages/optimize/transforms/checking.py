"""Whether a recipe fits a pipeline and a machine: a refusal says which step does not, why, and what to do."""

from __future__ import annotations

import difflib
from typing import Any

from pydantic import JsonValue, ValidationError

from underpaint.core.config import problems_of
from underpaint.core.optimization import OptimizationRecipe, Refusal, Step
from underpaint.pipelines.slots import SAMPLER, WHOLE, Capabilities
from underpaint.runtime.fingerprint import Fingerprint
from underpaint.stages.optimize.transforms.table import TRANSFORMS
from underpaint.stages.optimize.transforms.transform import Question, Transform

GRAPH_REMEDY = "apply it to the model that the graph was exported from, and export the result"


def step_of(name: str, slot: str, **params: JsonValue) -> Step:
    """Return a step with its defaults written out.

    Args:
        name: The transform, with or without ``@`` and a version; without, the newest is taken.
        slot: Where it shall go.
        params: What differs from the defaults; what cannot be used stays, and is refused by ``refusal_of``.
    """
    transform = next((one for one in reversed(TRANSFORMS.values()) if name in (one.name, one.op)), None)
    if transform is None:
        return Step(op=name if "@" in name else f"{name}@1", slot=slot, params=params)
    try:
        whole: dict[str, Any] = transform.half.params.model_validate(params).model_dump(mode="json")
    except ValidationError:
        whole = params
    return Step(op=transform.op, slot=slot, params=whole)


def arranged(*steps: Step) -> OptimizationRecipe:
    """Return the recipe of some steps, in the order of their stages; equal stages keep the order given."""

    def order(step: Step) -> tuple[int, bool]:
        known = TRANSFORMS.get(step.op)
        return (0 if known is None else known.stage_in(step.slot), step.slot == WHOLE)

    return OptimizationRecipe(steps=tuple(sorted(steps, key=order)))


def refusal_of(step: Step, capabilities: Capabilities, before: OptimizationRecipe, host: Fingerprint) -> Refusal | None:
    """Say why a step is refused; None if it fits.

    Args:
        step: The step.
        capabilities: Of the pipeline with the steps before it.
        before: The steps before it.
        host: The machine that shall draw.
    """
    transform = TRANSFORMS.get(step.op)
    if transform is None:
        return _unknown_op(step)
    if refusal := _misplaced(step, transform, capabilities, before):
        return refusal
    try:
        params = transform.half.params.model_validate(step.params)
    except ValidationError as error:
        fields = ", ".join(transform.half.params.model_fields) or "none"
        return Refusal(
            code="recipe.unknown_param", reason=problems_of(error), remedy=f"{step.name} takes the parameters {fields}"
        )
    return transform.check(Question(capabilities=capabilities, slot=step.slot, params=params, before=before, host=host))


def refusals_of(
    recipe: OptimizationRecipe, capabilities: Capabilities, host: Fingerprint
) -> list[tuple[Step, Refusal]]:
    """Return the steps of a recipe that are refused, and why, before anything is applied.

    What a step changes of the capabilities is not known yet, so ``apply`` may refuse another one when its turn comes.

    Args:
        recipe: The steps.
        capabilities: Of the pipeline before all of them.
        host: The machine that shall draw.
    """
    asked = [
        (step, refusal_of(step, capabilities, recipe.before(index), host)) for index, step in enumerate(recipe.steps)
    ]
    return [(step, refusal) for step, refusal in asked if refusal is not None]


def _unknown_op(step: Step) -> Refusal:
    names = [one.name for one in TRANSFORMS.values()]
    close = difflib.get_close_matches(step.name, names, n=1)
    other = "another version of it is known" if step.name in names else "there is no such transform"
    return Refusal(
        code="recipe.unknown_op",
        reason=f"{step.op}: {other}",
        remedy=f"did you mean {close[0]}?" if close else f"choose one of {', '.join(names)}",
    )


def _misplaced(
    step: Step, transform: Transform, capabilities: Capabilities, before: OptimizationRecipe
) -> Refusal | None:
    """Refuse a step in a slot that is not there or a graph, or in an order that cannot be."""
    known = capabilities.slots.get(step.slot)
    made = transform.of_graph and any(one.slot == step.slot and one.family == "engine" for one in before.steps)
    if not made and (capabilities.sampler is None or (known is not None and known.graph)):
        inside = "sampler_inside" if step.slot == SAMPLER else "opaque"
        return Refusal(
            code=f"graph.{inside}", reason="the model is an exported graph, which is as it is", remedy=GRAPH_REMEDY
        )
    if step.slot not in transform.slots or step.slot not in (SAMPLER, *capabilities.slots):
        fitting = [slot for slot in transform.slots if slot in (SAMPLER, *capabilities.slots)]
        return Refusal(
            code="recipe.slot",
            reason=f"{step.name} has no place in the slot {step.slot!r} of a {capabilities.pipeline}",
            remedy=f"it goes to {' or '.join(fitting)}" if fitting else "leave it out: no slot of this pipeline fits",
        )
    return _out_of_order(step, transform, before)


def _out_of_order(step: Step, transform: Transform, before: OptimizationRecipe) -> Refusal | None:
    known = [one for one in before.steps if one.op in TRANSFORMS]
    later = [one for one in known if TRANSFORMS[one.op].stage_in(one.slot) > transform.stage_in(step.slot)]
    if step.slot != WHOLE and any(one.slot == WHOLE for one in known):
        return Refusal(
            code="graph.sampler_inside",
            reason="the whole drawing is a graph by now, with its sampling inside",
            remedy=f"put {step.name} before the step of the engine",
        )
    if later:
        return Refusal(
            code="recipe.order",
            reason=f"{step.name} comes after {later[0].name}, which belongs to a later stage",
            remedy=f"put {step.name} before it",
        )
    if any(one.name == step.name and one.slot == step.slot for one in before.steps):
        return Refusal(
            code="recipe.twice",
            reason=f"{step.name} is asked for twice in the slot {step.slot!r}",
            remedy="keep one of the two",
        )
    return None
