"""Applying a recipe, and taking it back: parts are exchanged in a new pipeline, so the old one is still there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from underpaint.core.errors import InputError, OptimizationRefused
from underpaint.core.optimization import OptimizationRecipe, Refusal, Stage, Step
from underpaint.core.progress import Progress
from underpaint.pipelines.optimizing.half import Pipeline
from underpaint.pipelines.slots import capabilities_of
from underpaint.runtime.fingerprint import Fingerprint, read_fingerprint
from underpaint.stages.optimize.transforms.checking import refusal_of
from underpaint.stages.optimize.transforms.table import TRANSFORMS
from underpaint.stages.optimize.transforms.transform import Context


class Applied:
    """A recipe that was applied.

    Args:
        base: The pipeline before.
        stored: The pipeline with its networks in the form that is saved, before graphs and sampling are changed.
        optimized: The pipeline after all steps.
        recipe: The steps.
    """

    def __init__(self, base: Pipeline, stored: Pipeline, optimized: Pipeline, recipe: OptimizationRecipe) -> None:
        self._base: Pipeline | None = base
        self._current = optimized
        self.stored, self.recipe = stored, recipe

    @property
    def pipeline(self) -> Pipeline:
        """What draws: the optimized pipeline, or after ``undo`` the one before."""
        return self._current

    def undo(self) -> Pipeline:
        """Put the pipeline before back, at once; it draws what it always drew, to the bit.

        Raises:
            InputError: It was let go by ``commit``.
        """
        if self._base is None:
            raise InputError(
                "the model before was let go by commit; open it again, by the digest that the optimized model names as "
                "its parent"
            )
        self._current = self._base
        return self._current

    def commit(self) -> Pipeline:
        """Let the pipeline before go, and with it the memory of what only it holds.

        Raises:
            InputError: The recipe was taken back.
        """
        if self._current is self._base:
            raise InputError("the recipe was taken back; apply it again to keep it")
        self._base = None
        return self._current


def apply(
    pipeline: Any, recipe: OptimizationRecipe, context: Context | None = None, *, host: Fingerprint | None = None
) -> Applied:
    """Apply the steps of a recipe, each to what the one before made.

    Args:
        pipeline: A loaded pipeline; it stays as it is.
        recipe: The steps.
        context: What is at hand to calibrate and to train with.
        host: The machine that shall draw; None is this one.

    Raises:
        OptimizationRefused: A step does not fit; nothing is kept of the others.
        InputError: Something that a step needs is missing in the context.
    """
    context, host = context or Context(), host or read_fingerprint()
    current = stored = pipeline
    for index, step in enumerate(recipe.steps):
        context.report(Progress(task=f"apply {step.name} to {step.slot}", done=index, total=len(recipe.steps)))
        refusal = refusal_of(step, capabilities_of(current), recipe.before(index), host)
        if refusal is not None:
            raise refused(step, refusal)
        current = _applied(current, step, replace(context, after=recipe.steps[index + 1 :]))
        if TRANSFORMS[step.op].stage_in(step.slot) <= Stage.WEIGHTS:
            stored = current
    return Applied(pipeline, stored, current, recipe)


def _applied(pipeline: Pipeline, step: Step, context: Context) -> Pipeline:
    transform = TRANSFORMS[step.op]
    params = transform.half.params.parse(dict(step.params), source=str(step))
    if transform.make is not None:
        return transform.make(pipeline, step.slot, params, context)
    return transform.half.put(pipeline, step.slot, params)


def refused(step: Step, refusal: Refusal) -> OptimizationRefused:
    """Return a refusal as an error."""
    return OptimizationRefused(f"{step}: {refusal}", code=refusal.code)
