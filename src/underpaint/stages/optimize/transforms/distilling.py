"""Transforms that train a network to draw in fewer calls: fewer steps, or guidance without its second half."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from pydantic import JsonValue

from underpaint.core.optimization import Refusal
from underpaint.learning.config import LoopConfig
from underpaint.models.flow_transformer import FlowTransformer
from underpaint.models.twin import twin
from underpaint.pipelines.flow import FlowPipeline
from underpaint.pipelines.optimizing.distilled import Distilled, DistilledGuidance, DistilledSteps
from underpaint.pipelines.optimizing.half import Pipeline
from underpaint.pipelines.slots import part_of, with_part, with_settings
from underpaint.stages.optimize.distillation import (
    EVERYWHERE,
    Distillation,
    GuidanceDistillation,
    StepDistillation,
    distilled,
    with_step_lengths,
)
from underpaint.stages.optimize.recovery import DEFAULT, checked
from underpaint.stages.optimize.transforms.transform import Context, Question, Transform

Space = Mapping[str, Sequence[JsonValue]]
SLOTS = ("denoiser", "transformer", "generator")
"""All networks that draw, so that each is refused with its own reason."""
TRAININGS: tuple[JsonValue, ...] = (1000, 4000, 16_000)
"""Steps of training that a search is offered."""


def _check(question: Question) -> Refusal | None:
    """Refuse networks that are called once, or for which no path is known along which they could learn."""
    part, name = question.part, question.capabilities.pipeline
    if question.slot == "generator":
        return Refusal(
            code="distill.one_pass",
            reason=f"a {name} draws in one pass already",
            remedy="leave it out, and make the network cheaper instead",
        )
    if question.slot != "denoiser":
        return Refusal(
            code="distill.no_rule",
            reason=f"the {question.slot} of a {name} draws scale after scale, not along a path that could be shortened",
            remedy="leave it out; steps.count and guidance.span save calls without training",
        )
    if part.class_name != FlowTransformer.__name__:
        return Refusal(
            code="distill.no_rule",
            reason=f"the {part.class_name} of a {name} predicts along a schedule of diffusers, and the training here "
            "knows the straight paths of our flows alone",
            remedy="draw with a model of the same family that was distilled by its authors (LCM, Turbo, Lightning), or "
            "take steps.count, steps.solver and cache.output, which need no training",
        )
    return None


def _is_distilled(question: Question) -> bool:
    sampler = question.capabilities.sampler
    assert sampler is not None, "graphs are refused before"
    return sampler.step_counts is not None


def _again(question: Question, what: str) -> Refusal:
    return Refusal(
        code="distill.twice",
        reason=f"the network of this {question.capabilities.pipeline} was distilled already, and {what}",
        remedy="distill the model that it was made from, or leave it out",
    )


def check_distilled_steps(question: Question) -> Refusal | None:
    """Refuse to distill what takes one step already, or was distilled."""
    if refusal := _check(question):
        return refusal
    return _again(question, "knows its own steps") if _is_distilled(question) else _strength_of_none(question)


def check_distilled_guidance(question: Question) -> Refusal | None:
    """Refuse to take guidance in twice, or none."""
    if refusal := _check(question):
        return refusal
    if _is_distilled(question):
        return _again(question, "has taken guidance in")
    sampler, params = question.capabilities.sampler, question.params
    assert sampler is not None and isinstance(params, DistilledGuidance)
    if sampler.guidance is None:
        return _again(question, "has taken guidance in")
    if not (sampler.guidance if params.guidance is None else params.guidance):
        return Refusal(
            code="distill.no_guidance",
            reason="there is no guidance to take in",
            remedy="set guidance above 0, or leave it out",
        )
    return None


def _strength_of_none(question: Question) -> Refusal | None:
    """Refuse to guide a teacher that has taken guidance in."""
    sampler, params = question.capabilities.sampler, question.params
    assert sampler is not None and isinstance(params, DistilledSteps)
    if sampler.guidance is None and params.guidance:
        return Refusal(
            code="distill.twice",
            reason=f"the network has taken guidance in, and cannot be guided by {params.guidance:g}",
            remedy="leave guidance out",
        )
    return None


def make_fewer_steps(pipeline: Pipeline, slot: str, params: DistilledSteps, context: Context) -> Pipeline:
    """Return a pipeline whose network takes few steps without guidance."""
    teacher, network = cast("FlowPipeline", pipeline), cast("FlowTransformer", part_of(pipeline, slot))
    checked(context.prompts, context.folder)
    loop = _loop(params, context)
    student = with_step_lengths(network).requires_grad_(True)
    trainee = StepDistillation(teacher, student, context.prompts, params, loop.batch_size)
    changes = {"steps": params.steps, "step_counts": params.step_counts, "solver": "euler", "cache": None}
    changed = with_part(teacher, slot, _trained(trainee, loop, slot, params, context))
    return with_settings(changed, **changes, guidance=0.0, interval=EVERYWHERE, guidance_taken_in=False)


def make_unguided(pipeline: Pipeline, slot: str, params: DistilledGuidance, context: Context) -> Pipeline:
    """Return a pipeline whose network predicts in one call what guidance predicts in two."""
    teacher, network = cast("FlowPipeline", pipeline), cast("FlowTransformer", part_of(pipeline, slot))
    checked(context.prompts, context.folder)
    loop = _loop(params, context)
    student = _own_weights(network).requires_grad_(True)
    trainee = GuidanceDistillation(teacher, student, context.prompts, params, loop.batch_size)
    changed = with_part(teacher, slot, _trained(trainee, loop, slot, params, context))
    return with_settings(changed, guidance=0.0, interval=EVERYWHERE, guidance_taken_in=True)


def _own_weights(network: FlowTransformer) -> FlowTransformer:
    """Return a copy of a network with weights of its own."""
    student = twin(network)
    student.load_state_dict({name: value.detach().clone() for name, value in network.state_dict().items()}, assign=True)
    return student


def _loop(params: Distilled, context: Context) -> LoopConfig:
    """Return the training that parameters ask for."""
    return (context.loop or DEFAULT).model_copy(update={"steps": params.train})


def _trained(
    trainee: Distillation, loop: LoopConfig, slot: str, params: Distilled, context: Context
) -> FlowTransformer:
    identity = f"{context.base}:{type(trainee).__name__}:{slot}:{params.model_dump_json()}"
    return distilled(trainee, context.prompts, context.folder, loop, identity=identity, report=context.report)


def space_of_distilled_steps(question: Question) -> Space:  # noqa: ARG001
    """Offer how many steps are taken, and how long they are learned."""
    return {"steps": [1, 2, 4], "train": TRAININGS}


def space_of_distilled_guidance(question: Question) -> Space:  # noqa: ARG001
    """Offer how long guidance is learned."""
    return {"train": TRAININGS}


DISTILLING: tuple[Transform, ...] = (
    Transform(
        name="distill.guidance",
        does="predicts in one call what guidance predicts in two",
        slots=SLOTS,
        check=check_distilled_guidance,
        space=space_of_distilled_guidance,
        make=make_unguided,
    ),
    Transform(
        name="distill.steps",
        does="learns to draw in few steps, guidance taken in",
        slots=SLOTS,
        check=check_distilled_steps,
        space=space_of_distilled_steps,
        make=make_fewer_steps,
    ),
)
