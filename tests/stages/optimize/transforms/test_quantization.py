"""Layers with fewer bits: what each rule reaches, and every refusal with its remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import JsonValue

from underpaint.core.optimization import OptimizationRecipe
from underpaint.models.int8_linear import Int8Linear
from underpaint.models.rounded_weights import StoredConv2d, StoredLinear
from underpaint.pipelines.optimizing.bfloat16 import InBfloat16, in_bfloat16
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


WIDE = ("avx512_vnni", "avx512_bf16")


def test_bfloat16_is_refused_where_it_is_slow_or_the_network_is_written_for_32_bits(refusal: Ask, host: Ask) -> None:
    assert refusal("sd", "quant.bf16", "denoiser", on=host(*WIDE)) is None
    found = refusal("sd", "quant.bf16", "denoiser", on=host("avx512_vnni"))
    assert found.code == "host.bf16" and "keep 32 bits" in found.remedy
    assert refusal("sd", "quant.bf16", "denoiser", on=host("bf16", family="arm")).code == "host.bf16"
    found = refusal("flow", "quant.bf16", "denoiser", on=host(*WIDE))
    assert found.code == "quant.no_rule" and "engine.openvino" in found.remedy
    before = arranged(step_of("quant.weight_only", "denoiser"))
    assert refusal("sd", "quant.bf16", "denoiser", before, on=host(*WIDE)).code == "quant.twice"


@pytest.mark.parametrize("name", ["sd", "pixart", "sd3"])
def test_in_bfloat16_a_network_is_asked_and_answers_in_32_bits_and_nearly_the_same(
    tiny: Ask, draw: Ask, host: Ask, name: str
) -> None:
    changed = apply(tiny(name), arranged(step_of("quant.bf16", "denoiser")), host=host(*WIDE)).pipeline
    network, heard = part_of(changed, "denoiser"), list[Any]()
    network.register_forward_hook(lambda _module, _args, answer: heard.append(answer[0]))
    first = next(iter(network.parameters()))
    pictures = draw(changed)
    assert first.dtype == torch.bfloat16 and {one.dtype for one in heard} == {torch.float32}
    apart = np.abs(pictures.astype(int) - draw(tiny(name)))
    assert apart.max() > 0 and apart.mean() < 12


def test_times_are_handed_to_bfloat16_as_they_are() -> None:
    time, picture = torch.tensor([987.3]), torch.full((1, 2), 987.3)
    said = list[Any]()

    class Network(torch.nn.Module):
        def forward(self, picture: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
            said.extend((picture, time))
            return picture

    answer = in_bfloat16(Network(), InBfloat16())(picture, time=time)
    assert said[0].dtype == torch.bfloat16 and said[1] is time and answer.dtype == torch.float32


def test_weights_of_convolutions_are_laid_out_if_asked() -> None:
    conv = torch.nn.Conv2d(4, 4, 3)
    for channels_last in (True, False):
        weight = in_bfloat16(conv, InBfloat16(channels_last=channels_last)).get_parameter("weight")
        assert weight.is_contiguous(memory_format=torch.channels_last) is channels_last
