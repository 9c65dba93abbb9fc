"""Transforms of the sampler: fewer steps, another solver, guidance in a part of the drawing, calls that are skipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from underpaint.core.optimization import Refusal
from underpaint.pipelines.optimizing.guidance_span import GuidanceSpan
from underpaint.pipelines.optimizing.sampling_steps import StepCount, StepSolver
from underpaint.pipelines.sampling import Sampler
from underpaint.stages.optimize.transforms.transform import Question, Transform

FEWEST_TO_CACHE = 8
"""Steps below which there is nothing to skip: the first and the last are needed, and the others differ much."""

Space = Mapping[str, Sequence[JsonValue]]


def _sampler(question: Question) -> Sampler:
    sampler = question.capabilities.sampler
    assert sampler is not None, "graphs are refused before"
    return sampler


def _no_steps(question: Question) -> Refusal | None:
    if _sampler(question).steps is not None:
        return None
    return Refusal(
        code="sampler.one_pass",
        reason=f"a {question.capabilities.pipeline} without a diffusion part takes no steps",
        remedy="leave it out, and make its networks cheaper instead",
    )


def check_steps(question: Question) -> Refusal | None:
    """Refuse numbers of steps that the pipeline does not know."""
    sampler, params = _sampler(question), question.params
    assert isinstance(params, StepCount)
    if refusal := _no_steps(question):
        return refusal
    if sampler.step_counts is not None and params.steps not in sampler.step_counts:
        return Refusal(
            code="steps.distilled",
            reason=f"the network was distilled to {', '.join(map(str, sampler.step_counts))} steps, not to "
            f"{params.steps}",
            remedy="choose one of these, or distill it to fewer",
        )
    if params.steps == 0 and not sampler.scales:
        return Refusal(code="steps.none", reason="a path has at least one step", remedy="choose steps=1 or more")
    return None


def space_of_steps(question: Question) -> Space:
    """Offer the numbers of steps below the default."""
    sampler = _sampler(question)
    least = 0 if sampler.scales else 1
    known = sampler.step_counts or (64, 48, 32, 24, 16, 12, 10, 8, 6, 4, 3, 2, 1, 0)
    return {"steps": [steps for steps in known if least <= steps < (sampler.steps or 0)]}


def check_solver(question: Question) -> Refusal | None:
    """Refuse solvers that the pipeline does not have."""
    sampler, params = _sampler(question), question.params
    assert isinstance(params, StepSolver)
    if refusal := _no_steps(question):
        return refusal
    if params.solver in sampler.solvers:
        return None
    if sampler.step_counts is not None:
        reason, remedy = "the network was distilled for the solver that it has", "leave it out"
    elif not sampler.solvers:
        reason, remedy = f"a {question.capabilities.pipeline} has one way to take its steps", "leave it out"
    else:
        reason, remedy = f"there is no solver {params.solver!r} here", f"choose one of {', '.join(sampler.solvers)}"
    return Refusal(code="steps.solver", reason=reason, remedy=remedy)


def space_of_solvers(question: Question) -> Space:
    """Offer the other solvers that call the network once a step."""
    sampler = _sampler(question)
    return {"solver": [name for name in sampler.solvers if name != sampler.solver and name != "heun"]}


def check_span(question: Question) -> Refusal | None:
    """Refuse to limit guidance where no half of a call could be left out."""
    sampler, params = _sampler(question), question.params
    assert isinstance(params, GuidanceSpan)
    if sampler.guidance is not None and sampler.halves:
        return None
    return Refusal(
        code="guidance.none",
        reason=f"a guided call of this {question.capabilities.pipeline} has no half without words",
        remedy="leave it out: guidance is taken in already, or there is none",
    )


def space_of_spans(question: Question) -> Space:  # noqa: ARG001
    """Offer ends of guidance, early and late."""
    return {"low": [0.0, 0.1, 0.2], "high": [0.5, 0.6, 0.7, 0.8, 0.9]}


def check_output_cache(question: Question) -> Refusal | None:
    """Refuse to skip calls where there are few, where a step has two, or where another cache skips them."""
    sampler = _sampler(question)
    if sampler.steps is None or sampler.scales:
        return Refusal(
            code="cache.no_path",
            reason=f"a {question.capabilities.pipeline} does not call one network step after step",
            remedy="leave it out; steps.count and guidance.span save calls here",
        )
    if sampler.steps < FEWEST_TO_CACHE:
        return Refusal(
            code="cache.few_steps",
            reason=f"there is nothing to win with {sampler.steps} steps: the first and the last are needed",
            remedy=f"leave it out, or take {FEWEST_TO_CACHE} steps or more",
        )
    return _one_call(question, sampler)


def _one_call(question: Question, sampler: Sampler) -> Refusal | None:
    if sampler.calls_a_step > 1:
        return Refusal(
            code="cache.two_calls",
            reason=f"{sampler.solver} calls the network twice a step, the second time to correct the first",
            remedy="choose a solver of one call before it by steps.solver: unipc, or dpmpp_2m (dpmpp-2m of diffusers)",
        )
    if question.had("cache.output", "cache.blocks", "cache.pair"):
        return Refusal(code="cache.twice", reason="a cache skips calls already", remedy="keep one cache")
    return None


def check_block_cache(question: Question) -> Refusal | None:
    """Refuse to remember deep levels of what is no UNet, or where steps are few or have two calls."""
    sampler, slots = _sampler(question), question.capabilities.slots
    network = slots.get("denoiser")
    if network is not None and network.graph:
        return Refusal(
            code="graph.opaque",
            reason="the denoiser is a graph, into whose levels nobody can look",
            remedy="take cache.pair, which makes two graphs of it, or cache.output, which skips whole calls",
        )
    if network is None or network.levels < 2:
        return Refusal(
            code="cache.no_levels",
            reason=f"the network of this {question.capabilities.pipeline} is no UNet of two levels or more",
            remedy="take cache.output, which skips whole calls of any network",
        )
    return check_output_cache(question) or _one_call(question, sampler)


def space_of_block_caches(question: Question) -> Space:  # noqa: ARG001
    """Offer how often all levels are computed."""
    return {"every": [2, 3, 5], "warm_up": [1, 2, 4], "last": [0, 1]}


def space_of_output_caches(question: Question) -> Space:  # noqa: ARG001
    """Offer how many calls are skipped, and how far they are continued."""
    return {"every": [2, 3, 4], "order": [0, 1, 2], "warm_up": [2, 3, 4], "last": [1, 2]}


SAMPLING: tuple[Transform, ...] = (
    Transform(name="steps.count", does="takes fewer steps", check=check_steps, space=space_of_steps),
    Transform(name="steps.solver", does="takes its steps another way", check=check_solver, space=space_of_solvers),
    Transform(
        name="guidance.span", does="guides in a part of the drawing alone", check=check_span, space=space_of_spans
    ),
    Transform(
        name="cache.output",
        does="skips calls of the denoiser and continues its answers",
        check=check_output_cache,
        space=space_of_output_caches,
    ),
    Transform(
        name="cache.blocks",
        does="computes the outermost level of a UNet in every call, the others in some",
        check=check_block_cache,
        space=space_of_block_caches,
    ),
)
