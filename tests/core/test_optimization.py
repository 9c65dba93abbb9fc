from __future__ import annotations

import json

import pytest

from underpaint.core.errors import InputError
from underpaint.core.optimization import OptimizationRecipe, Refusal, Step

FEWER = Step(op="steps.count@1", slot="sampler", params={"steps": 8})
SPAN = Step(op="guidance.span@1", slot="sampler", params={"low": 0.0, "high": 0.6})


def test_a_recipe_comes_back_from_its_json() -> None:
    recipe = OptimizationRecipe(steps=(FEWER, SPAN))
    again = OptimizationRecipe.from_json(recipe.to_json(), source="here")
    assert again == recipe and again.digest() == recipe.digest()


def test_the_digest_is_golden() -> None:
    """Made by: printf TEXT | sha256sum, where TEXT is '{"schema_version":1,"steps":[{"op":"steps.count@1",
    "params":{"steps":8},"slot":"sampler"}]}' without the line break."""
    recipe = OptimizationRecipe(steps=(FEWER,))
    assert recipe.digest() == "38dfc955b06243a42a447298d46b2e9598a90c538715d237a76c6e1a618ee850"
    assert recipe.name == "o-" + recipe.digest()[:16]


def test_the_digest_knows_order_and_values_and_not_how_keys_were_written() -> None:
    both, turned = OptimizationRecipe(steps=(FEWER, SPAN)), OptimizationRecipe(steps=(SPAN, FEWER))
    assert both.digest() != turned.digest()
    text = json.dumps(json.loads(both.to_json()), indent=2, sort_keys=False)
    assert OptimizationRecipe.from_json(text, source="here").digest() == both.digest()


def test_the_recipe_before_a_step_holds_the_earlier_ones() -> None:
    recipe = OptimizationRecipe(steps=(FEWER, SPAN))
    assert recipe.before(0).steps == () and recipe.before(1).steps == (FEWER,)


def test_a_step_says_itself_on_one_line() -> None:
    assert str(SPAN) == "guidance.span@1 of sampler (high=0.6, low=0.0)"
    assert (SPAN.name, SPAN.family, SPAN.version) == ("guidance.span", "guidance", 1)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"steps": [{"op": "quick", "slot": "sampler"}]}',
        '{"steps": [], "more": 1}',
        '{"schema_version": 2}',
        '{"steps": [{"op": "a.b@1", "slot": "s", "params": {"x": NaN}}]}',
    ],
)
def test_what_is_no_recipe_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="here"):
        OptimizationRecipe.from_json(text, source="here")


def test_infinity_has_no_canonical_form() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        OptimizationRecipe(steps=(Step(op="a.b@1", slot="s", params={"x": float("inf")}),))


def test_a_refusal_says_why_and_what_to_do() -> None:
    refusal = Refusal(code="host.cuda", reason="there is no GPU", remedy="take int8")
    assert str(refusal) == "there is no GPU [host.cuda]; take int8"
