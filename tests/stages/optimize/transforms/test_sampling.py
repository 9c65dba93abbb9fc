"""The refusals of the sampler's transforms, each with its remedy, and what a search is offered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from underpaint.core.optimization import OptimizationRecipe
from underpaint.pipelines.slots import capabilities_of, with_settings
from underpaint.stages.optimize.transforms.apply import apply
from underpaint.stages.optimize.transforms.checking import arranged, refusal_of, step_of
from underpaint.stages.optimize.transforms.table import TRANSFORMS
from underpaint.stages.optimize.transforms.transform import Question

Ask = Callable[..., Any]


@pytest.mark.parametrize(
    ("pipeline", "name", "params", "code", "remedy"),
    [
        ("gan", "steps.count", {"steps": 4}, "sampler.one_pass", "make its networks cheaper"),
        ("few-step", "steps.count", {"steps": 3}, "steps.distilled", "choose one of these"),
        ("flow", "steps.count", {"steps": 0}, "steps.none", "steps=1"),
        ("gan", "steps.solver", {"solver": "euler"}, "sampler.one_pass", "leave it out"),
        ("hybrid", "steps.solver", {"solver": "unipc"}, "steps.solver", "leave it out"),
        ("few-step", "steps.solver", {"solver": "unipc"}, "steps.solver", "leave it out"),
        ("flow", "steps.solver", {"solver": "fast"}, "steps.solver", "euler, heun, dpmpp_2m, unipc"),
        ("sd3", "steps.solver", {"solver": "ddim"}, "steps.solver", "dpmpp-2m, euler, heun, unipc"),
        ("gan", "guidance.span", {"high": 0.5}, "guidance.none", "leave it out"),
        ("few-step", "guidance.span", {"high": 0.5}, "guidance.none", "taken in already"),
        ("hybrid", "cache.output", {}, "cache.no_path", "steps.count and guidance.span"),
        ("gan", "cache.output", {}, "cache.no_path", "steps.count"),
        ("few-step", "cache.output", {}, "cache.few_steps", "8 steps or more"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_remedy(
    refusal: Ask, pipeline: str, name: str, params: dict[str, Any], code: str, remedy: str
) -> None:
    found = refusal(pipeline, name, "sampler", **params)
    assert found is not None and found.code == code and remedy in found.remedy


def test_a_solver_of_two_calls_is_not_cached(tiny: Ask, refusal: Ask) -> None:
    found = refusal(with_settings(tiny("flow"), solver="heun"), "cache.output", "sampler")
    assert found.code == "cache.two_calls" and "unipc" in found.remedy
    with_heun = apply(tiny("sd"), arranged(step_of("steps.solver", "sampler", solver="heun"))).pipeline
    assert refusal(with_heun, "cache.output", "sampler").code == "cache.two_calls"


def test_a_second_cache_is_refused(refusal: Ask) -> None:
    before = OptimizationRecipe(steps=(step_of("cache.blocks", "sampler"),))
    assert refusal("flow", "cache.output", "sampler", before).code == "cache.twice"


@pytest.mark.parametrize("pipeline", ["hybrid", "flow", "few-step", "gan", "sd"])
def test_everything_that_a_search_is_offered_is_accepted(tiny: Ask, host: Ask, pipeline: str) -> None:
    capabilities, nothing = capabilities_of(tiny(pipeline)), OptimizationRecipe()
    for transform in TRANSFORMS.values():
        for slot in transform.slots:
            if slot != "sampler" and slot not in capabilities.slots:
                continue
            first = refusal_of(step_of(transform.name, slot), capabilities, nothing, host("avx2", "avx512_vnni"))
            if first is not None and first.code != "recipe.unknown_param":
                continue
            question = Question(
                capabilities=capabilities, slot=slot, params=None, before=nothing, host=host("avx2", "avx512_vnni")
            )
            space = transform.space(question)
            if not all(space.values()):
                continue
            common = {name: choices[0] for name, choices in space.items()}
            for name, choices in space.items():
                for value in choices:
                    step = step_of(transform.name, slot, **{**common, name: value})
                    found = refusal_of(step, capabilities, nothing, host("avx2", "avx512_vnni"))
                    assert found is None or found.code.startswith(("steps.", "sampler.")), f"{step}: {found}"


def test_skipped_calls_of_the_flow_are_fewer_calls_of_its_network(tiny: Ask, draw: Ask, host: Ask) -> None:
    calls: list[int] = []
    flow = tiny("flow")
    hook = flow.flow_transformer.register_forward_pre_hook(lambda _, given: calls.append(len(given[0])))
    try:
        recipe = arranged(step_of("guidance.span", "sampler", high=0.5), step_of("cache.output", "sampler"))
        draw(apply(flow, recipe, host=host()).pipeline)
    finally:
        hook.remove()
    assert calls == [2, 2, 2, 2, 1, 1, 1, 1]  # of ten, 3 and 7 are skipped; 5, which begins another regime, is not


@torch.no_grad()
def test_the_cache_of_a_diffusers_pipeline_with_nothing_skipped_is_the_identity(tiny: Ask, draw: Ask) -> None:
    recipe = arranged(step_of("cache.output", "sampler", every=1), step_of("guidance.span", "sampler"))
    assert np.array_equal(draw(apply(tiny("sd"), recipe).pipeline), draw(tiny("sd")))
