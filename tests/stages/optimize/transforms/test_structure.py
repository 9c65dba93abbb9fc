"""The refusals of transforms of structure, layout and block caches, each with its remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from underpaint.pipelines.slots import part_of
from underpaint.stages.optimize.transforms.apply import apply
from underpaint.stages.optimize.transforms.checking import arranged, step_of

Ask = Callable[..., Any]


@pytest.mark.parametrize(
    ("pipeline", "name", "slot", "params", "code", "remedy"),
    [
        ("sd", "tokens.merge", "denoiser", {}, "tokens.too_few", "larger pictures"),
        ("flow", "tokens.merge", "denoiser", {}, "tokens.no_rule", "UNets and PixArt"),
        ("sd3", "tokens.merge", "denoiser", {"least_tokens": 4}, "tokens.no_rule", "UNets and PixArt"),
        ("flow", "layout.channels_last", "denoiser", {}, "layout.no_conv", "leave it out"),
        ("flow", "cache.blocks", "sampler", {}, "cache.no_levels", "cache.output"),
        ("sd3", "cache.blocks", "sampler", {}, "cache.no_levels", "cache.output"),
        ("hybrid", "cache.blocks", "sampler", {}, "cache.no_levels", "cache.output"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_remedy(
    refusal: Ask, pipeline: str, name: str, slot: str, params: dict[str, Any], code: str, remedy: str
) -> None:
    found = refusal(pipeline, name, slot, **params)
    assert found is not None and found.code == code and remedy in found.remedy


def test_an_early_stage_is_refused_after_a_late_one(refusal: Ask) -> None:
    before = arranged(step_of("cache.output", "sampler"))
    found = refusal("sd", "layout.channels_last", "denoiser", before)
    assert found.code == "recipe.order" and "before it" in found.remedy


def test_steps_are_arranged_by_stage() -> None:
    steps = [step_of(*names) for names in (("cache.output", "sampler"), ("layout.channels_last", "decoder"))]
    steps += [step_of("quant.weight_only", "denoiser"), step_of("tokens.merge", "denoiser")]
    assert [step.family for step in arranged(*steps).steps] == ["tokens", "quant", "layout", "cache"]


def test_the_layout_changes_and_the_numbers_do_not(tiny: Ask, host: Ask) -> None:
    changed = apply(tiny("sd"), arranged(step_of("layout.channels_last", "denoiser")), host=host()).pipeline
    kernels = 0
    for name, weight in part_of(changed, "denoiser").named_parameters():
        original = part_of(tiny("sd"), "denoiser").get_parameter(name)
        assert torch.equal(weight, original)
        if weight.ndim == 4 and weight.shape[2] > 1:
            kernels += 1
            assert weight.is_contiguous(memory_format=torch.channels_last) and weight is not original
    assert kernels > 10
