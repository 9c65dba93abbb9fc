"""Layers with fewer bits: what each rule reaches, and every refusal with its remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import JsonValue

from underpaint.core.optimization import OptimizationRecipe
from underpaint.models.int8_linear import Int8Linear
from underpaint.models.rounded_weights import StoredConv2d, StoredLinear
from underpaint.pipelines.slots import capabilities_of, part_of
from underpaint.stages.optimize.transforms.apply import apply
from underpaint.stages.optimize.transforms.checking import arranged, step_of

Ask = Callable[..., Any]
SEVEN = {"weight_bits": 7}


@pytest.mark.parametrize(
    ("pipeline", "name", "slot", "params", "code", "remedy"),
    [
        ("hybrid", "quant.int8_dynamic", "decoder", {}, "quant.no_layer", "quant.weight_only"),
        ("gan", "quant.int8_dynamic", "generator", {}, "quant.no_layer", "quant.weight_only"),
        ("flow", "quant.mixed", "denoiser", {"rules": [{"layers": "blocks.9.*", "precision": "int8"}]},
         "quant.no_layer", "write a name such as 'blocks."),
        ("sd", "quant.mixed", "denoiser", {"otherwise": "int8"}, "quant.no_kernel", "export the model with --int8"),
        ("flow", "quant.int8_dynamic", "sampler", {}, "recipe.slot", "it goes to denoiser or decoder or text_encoder"),
        ("flow", "quant.int8_dynamic", "denoiser", {"weight_bits": 4}, "recipe.unknown_param", "weight_bits"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_a_remedy(
    refusal: Ask, pipeline: str, name: str, slot: str, params: dict[str, Any], code: str, remedy: str
) -> None:
    found = refusal(pipeline, name, slot, **params)
    assert found is not None and found.code == code and remedy in found.remedy


@pytest.mark.parametrize(("name", "params"), [("quant.int8_dynamic", {}), ("quant.mixed", {"otherwise": "int8"})])
def test_eight_bit_weights_are_refused_where_sums_overflow(
    refusal: Ask, host: Ask, name: str, params: dict[str, Any]
) -> None:
    found = refusal("flow", name, "denoiser", on=host("avx2"), **params)
    assert found.code == "host.saturation" and "weight_bits=7" in found.remedy
    assert refusal("flow", name, "denoiser", on=host("avx2"), **params, weight_bits=7) is None
    for fitting in (host("avx2", "avx_vnni"), host("asimd", family="arm")):
        assert refusal("flow", name, "denoiser", on=fitting, **params) is None


def test_a_second_quantizer_in_a_slot_is_refused_and_in_another_is_not(refusal: Ask) -> None:
    before = OptimizationRecipe(steps=(step_of("quant.weight_only", "denoiser"),))
    assert refusal("flow", "quant.int8_dynamic", "denoiser", before).code == "quant.twice"
    assert refusal("flow", "quant.int8_dynamic", "text_encoder", before) is None


def kinds(pipeline: Any, slot: str) -> dict[str, str]:
    named = part_of(pipeline, slot).named_modules()
    return {
        name: type(one).__name__ for name, one in named if isinstance(one, Int8Linear | StoredLinear | StoredConv2d)
    }


def test_all_layers_inside_blocks_are_exchanged_and_no_others(tiny: Ask, host: Ask) -> None:
    flow = tiny("flow")
    applied = apply(flow, arranged(step_of("quant.int8_dynamic", "denoiser", **SEVEN)), host=host())
    inside = {f"blocks.{i}.{part}" for i in range(2) for part in LAYERS}
    assert set(kinds(applied.pipeline, "denoiser")) == inside == set(capabilities_of(flow).slots["denoiser"].linears)


LAYERS = ("attention.qkv", "attention.out", "feed_forward.up", "feed_forward.down")


def test_the_first_rule_that_fits_a_layer_holds(tiny: Ask, host: Ask) -> None:
    rules: list[JsonValue] = [
        {"layers": "*.attention.*", "precision": "f32"},
        {"layers": "blocks.0.*", "precision": "int8"},
        {"layers": "*.down", "precision": "f16_weights"},
    ]
    step = step_of("quant.mixed", "denoiser", rules=rules, otherwise="int8_weights", **SEVEN)
    found = kinds(apply(tiny("flow"), arranged(step), host=host()).pipeline, "denoiser")
    assert found == {
        "blocks.0.feed_forward.up": "Int8Linear",
        "blocks.0.feed_forward.down": "Int8Linear",
        "blocks.1.feed_forward.up": "StoredLinear",
        "blocks.1.feed_forward.down": "StoredLinear",
    }


def test_weights_are_a_quarter_of_their_size(tiny: Ask, host: Ask) -> None:
    def size(pipeline: Any, names: tuple[str, ...]) -> int:
        state = part_of(pipeline, "denoiser").state_dict()
        return sum(state[f"{name}.weight"].nbytes for name in names)

    inner = capabilities_of(tiny("sd")).slots["denoiser"]
    names = (*inner.linears, *inner.convs)
    stored = apply(tiny("sd"), arranged(step_of("quant.weight_only", "denoiser")), host=host()).pipeline
    assert size(stored, names) * 4 == size(tiny("sd"), names)
