"""What may be varied fits, alone and as it is proposed; what fits nowhere is told with its reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from underpaint.core.optimization import OptimizationRecipe
from underpaint.pipelines.slots import Capabilities
from underpaint.runtime.fingerprint import Fingerprint
from underpaint.stages.optimize.search.proposing import STARTS, Proposer, alone, starts
from underpaint.stages.optimize.search.record import Cost, Reason, Trial
from underpaint.stages.optimize.search.repair import Part, parts_of, repairs, without
from underpaint.stages.optimize.search.space import Space, space_of
from underpaint.stages.optimize.transforms.checking import arranged, refusals_of, step_of

BITS = step_of("quant.int8_dynamic", "transformer")
NONE_LEFT = step_of("steps.count", "sampler", steps=0)
SHORT = step_of("guidance.span", "sampler", high=0.5)


def trial(number: int, recipe: OptimizationRecipe, loss: float, state: str = "rejected", ratio: float = 0.5) -> Trial:
    cost = Cost(
        latency_ratio=(ratio, ratio, ratio),
        cpu_ratio=(ratio, ratio, ratio),
        latency_ms=1,
        base_ms=2,
        peak_rss_mb=1,
        disk_mb=1,
        pairs=10,
    )
    return Trial.model_validate(
        {
            "id": f"t-{number:03d}",
            "origin": "start",
            "recipe": recipe,
            "recipe_digest": recipe.digest(),
            "rung": 2,
            "state": state,
            "reason": Reason(code="a.b", text="so"),
            "cost": cost,
            "loss": loss,
        }
    )


def test_every_choice_fits_by_itself(tiny_space: Space) -> None:
    assert {"quant.weight_only", "steps.count", "guidance.span"} <= {axis.name for axis in tiny_space.axes}
    for axis in tiny_space.axes:
        assert axis.options
        assert all(step.name == axis.name and tiny_space.fits(arranged(step)) for step in axis.options)


def test_what_fits_nowhere_is_told_once_with_its_code(
    tiny_capabilities: Capabilities, bare_machine: Callable[..., Fingerprint]
) -> None:
    space = space_of(tiny_capabilities, bare_machine("avx2"))
    codes = {(step.name, refusal.code) for step, refusal in space.refused}
    assert ("cache.output", "cache.no_path") in codes
    assert len({(step.name, step.slot) for step, _ in space.refused}) == len(space.refused)
    assert not {(axis.name, axis.slot) for axis in space.axes} & {(step.name, step.slot) for step, _ in space.refused}


def test_without_fast_products_the_weights_have_seven_bits(
    tiny_capabilities: Capabilities, bare_machine: Callable[..., Fingerprint]
) -> None:
    space = space_of(tiny_capabilities, bare_machine("avx2"))
    bits = {str(step.params["weight_bits"]) for axis in space.axes for step in axis.options if axis.name == BITS.name}
    assert bits == {"7"}


@pytest.mark.parametrize(
    "host_class", ["x86-amx", "x86-vnni", "x86-avx2", "x86-base", "arm-i8mm", "cuda-sm90", "other"]
)
def test_every_class_of_machines_has_starts_that_fit(tiny_space: Space, host_class: str) -> None:
    assert any(host_class.startswith(beginning) for beginning in STARTS)
    for recipe in [*starts(tiny_space, host_class), *alone(tiny_space)]:
        assert not refusals_of(recipe, tiny_space.capabilities, tiny_space.host)


def test_where_bfloat16_is_multiplied_it_is_tried_first(
    tiny_capabilities: Capabilities, bare_machine: Callable[..., Fingerprint]
) -> None:
    space = space_of(tiny_capabilities, bare_machine("avx512_vnni", "avx512_bf16"))
    (step,) = next(starts(space, "x86-vnni")).steps
    assert (step.name, step.params["precision"]) == ("engine.openvino", "bf16")
    other = next(starts(space_of(tiny_capabilities, bare_machine("avx512_vnni")), "x86-vnni"))
    assert other.steps[0].params["precision"] == "int8"


def test_fewer_bits_of_an_engine_are_given_back(
    tiny_capabilities: Capabilities, bare_machine: Callable[..., Fingerprint]
) -> None:
    space = space_of(tiny_capabilities, bare_machine("avx512_bf16"))
    halved = step_of("engine.openvino", "pipeline", precision="bf16")
    left = without(arranged(SHORT, halved), [Part(step=halved)], space)
    assert left == arranged(SHORT, step_of("engine.openvino", "pipeline"))


def test_proposals_are_new_fit_and_follow_from_the_trials(tiny_space: Space) -> None:
    trials: list[Trial] = []
    for number in range(40):
        first, again = (Proposer(tiny_space, "x86-vnni", 0).next(trials) for _ in range(2))
        assert first is not None and first == again
        assert first.recipe.digest() not in {one.recipe_digest for one in trials}
        assert tiny_space.fits(first.recipe)
        trials.append(trial(number, first.recipe, loss=0.1 * number, state="feasible", ratio=1 - 0.01 * number))
    assert any(len(one.recipe.steps) > 1 for one in trials)


def test_a_quantizer_gives_back_layers_list_by_list(tiny_space: Space) -> None:
    step = step_of("quant.weight_only", "decoder")
    parts = parts_of(arranged(step), tiny_space)
    assert len(parts) > 1 and all(part.layers for part in parts)
    spared = without(arranged(step), parts[:1], tiny_space)
    assert spared is not None
    assert spared.steps[0].name == "quant.mixed"
    assert spared.steps[0].params["rules"] == [{"layers": f"{parts[0].layers}.*", "precision": "f32"}]
    assert spared.steps[0].params["otherwise"] == "int8_weights"


def test_steps_are_given_back_whole(tiny_space: Space) -> None:
    recipe = arranged(BITS, NONE_LEFT)
    left = without(recipe, [Part(step=BITS)], tiny_space)
    assert left == arranged(NONE_LEFT)


def test_eight_bits_of_an_engine_beside_bfloat16_are_given_back_to_bfloat16_and_that_to_32_bits(
    tiny_capabilities: Capabilities, bare_machine: Callable[..., Fingerprint]
) -> None:
    space = space_of(tiny_capabilities, bare_machine("avx2", "avx512_vnni", "avx512_bf16", "amx_bf16"))
    eased = []
    for precision in ("int8_bf16", "bf16"):
        engine = step_of("engine.openvino", "pipeline", precision=precision)
        left = without(arranged(SHORT, engine), [Part(step=engine)], space)
        assert left is not None
        eased += [step.params["precision"] for step in left.steps if step.name == "engine.openvino"]
    assert eased == ["bf16", "f32"]


def test_the_smallest_number_of_the_worst_parts_is_found_by_halving(tiny_space: Space) -> None:
    """Losses add up here, so the worst three parts must go, no two are enough, and no look at four is needed."""
    recipe = arranged(step_of("quant.weight_only", "decoder", precision="int8_weights"), NONE_LEFT, SHORT, BITS)
    parts = parts_of(recipe, tiny_space)
    assert len(parts) >= 5
    weights = [2.0**-index for index in range(len(parts))]
    ranked = [[parts[-1 - index] for index in range(count)] for count in range(len(parts))]  # the last is the worst
    losses = {}
    for lost, chosen in [
        *((weights[-1 - i], [part]) for i, part in enumerate(parts)),
        *((0.0, one) for one in ranked[2:]),
    ]:
        found = without(recipe, chosen, tiny_space)
        assert found is not None
        losses[found.digest()] = sum(weights) - (lost or sum(weights[: len(chosen)]))
    bearable = losses[_digest(recipe, ranked[3], tiny_space)]
    trials = [trial(1, recipe, loss=sum(weights))]
    while fresh := _fresh(trials, tiny_space):
        loss = losses[fresh.digest()]
        found = trial(len(trials) + 1, fresh, loss, state="feasible" if loss <= bearable else "rejected")
        trials.append(found.model_copy(update={"origin": "repair"}))
    feasible = [one for one in trials if one.state == "feasible"]
    assert max(feasible, key=lambda one: one.loss or 0.0).recipe_digest == _digest(recipe, ranked[3], tiny_space)


def test_the_clock_that_ranks_says_which_failed_trials_are_worth_a_repair(tiny_space: Space) -> None:
    fast = trial(1, arranged(BITS, SHORT), loss=2.0, ratio=0.5)
    assert fast.cost is not None
    cost = fast.cost.model_copy(update={"cpu_ratio": (1.2, 1.2, 1.2)})
    wall = fast.model_copy(update={"cost": cost})
    other = trial(2, arranged(NONE_LEFT, SHORT), loss=2.0, ratio=0.7)
    assert other.cost is not None
    noisy = other.model_copy(update={"cost": other.cost.model_copy(update={"noisy": True})})
    assert {parent for _, parent in repairs([wall, other], tiny_space)} == {"t-001", "t-002"}
    assert {parent for _, parent in repairs([wall, noisy], tiny_space)} == {"t-002"}


def test_each_engine_has_its_turn_before_anything_is_combined() -> None:
    for host_class, recipes in STARTS.items():
        engines = {name for recipe in recipes for name, params in recipe if params.get("precision") == "int8"}
        alone_first = [recipe[0] for recipe in recipes[:4] if len(recipe) == 1]
        assert engines <= {name for name, params in alone_first if params.get("precision") == "int8"}, host_class


def _digest(recipe: OptimizationRecipe, given_back: list[Part], space: Space) -> str:
    found = without(recipe, given_back, space)
    assert found is not None
    return found.digest()


def _fresh(trials: list[Trial], space: Space) -> OptimizationRecipe | None:
    known = {one.recipe_digest for one in trials}
    return next((found for found, _ in repairs(trials, space) if found.digest() not in known), None)
