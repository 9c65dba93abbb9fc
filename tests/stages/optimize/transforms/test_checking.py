"""Every general refusal, one by one, with its remedy; those of single transforms are tested beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from underpaint.core.optimization import OptimizationRecipe, Step
from underpaint.pipelines.slots import capabilities_of
from underpaint.stages.optimize.transforms.checking import arranged, refusal_of, refusals_of, step_of

Ask = Callable[..., Any]
COUNT = step_of("steps.count", "sampler", steps=4)


def test_a_step_has_its_defaults_written_out() -> None:
    assert step_of("cache.output", "sampler", every=3).params == {"every": 3, "order": 1, "warm_up": 3, "last": 1}


@pytest.mark.parametrize(
    ("name", "slot", "params", "code", "remedy"),
    [
        ("steps.cuont", "sampler", {}, "recipe.unknown_op", "did you mean steps.count?"),
        ("make.faster", "sampler", {}, "recipe.unknown_op", "steps.count, steps.solver"),
        ("steps.count@9", "sampler", {"steps": 4}, "recipe.unknown_op", "did you mean steps.count?"),
        ("steps.count", "sampler", {"step": 4}, "recipe.unknown_param", "takes the parameters steps"),
        ("steps.count", "sampler", {"steps": -1}, "recipe.unknown_param", "takes the parameters steps"),
        ("steps.count", "decoder", {"steps": 4}, "recipe.slot", "it goes to sampler"),
    ],
)
def test_a_step_that_cannot_be_is_refused_with_a_remedy(
    refusal: Ask, name: str, slot: str, params: dict[str, Any], code: str, remedy: str
) -> None:
    found = refusal("flow", name, slot, **params)
    assert found.code == code and remedy in found.remedy


def test_a_step_twice_is_refused(refusal: Ask) -> None:
    found = refusal("flow", "steps.count", "sampler", OptimizationRecipe(steps=(COUNT,)), steps=5)
    assert found.code == "recipe.twice"


def test_a_fitting_step_is_not_refused(refusal: Ask) -> None:
    assert refusal("flow", "steps.count", "sampler", steps=4) is None


def test_all_refusals_of_a_recipe_are_told(tiny: Ask, host: Ask) -> None:
    wrong = (step_of("steps.count", "sampler", steps=0), step_of("quant.int8_dynamic", "decoder"))
    recipe = arranged(COUNT, *wrong, step_of("quant.weight_only", "denoiser"))
    found = refusals_of(recipe, capabilities_of(tiny("flow")), host())
    assert [(step.name, refusal.code) for step, refusal in found] == [
        ("quant.int8_dynamic", "quant.no_layer"),
        ("steps.count", "recipe.twice"),
    ]
    assert refusals_of(arranged(COUNT), capabilities_of(tiny("flow")), host()) == []


def test_steps_are_arranged_by_stage_and_then_as_given() -> None:
    span = step_of("guidance.span", "sampler", high=0.5)
    assert arranged(span, COUNT).steps == (span, COUNT)


def test_an_exported_graph_is_left_as_it_is(tiny_graph: Any, host: Ask) -> None:
    graph = capabilities_of(tiny_graph)
    for step, code in ((COUNT, "graph.sampler_inside"), (Step(op="steps.count@1", slot="decoder"), "graph.")):
        found = refusal_of(step, graph, OptimizationRecipe(), host())
        assert found is not None and found.code.startswith(code) and "exported from" in found.remedy


@pytest.fixture(scope="session")
def tiny_graph() -> Any:
    """The shipped graph, which needs no torch."""
    import underpaint

    return underpaint.load("stickers-64-onnx").pipeline
