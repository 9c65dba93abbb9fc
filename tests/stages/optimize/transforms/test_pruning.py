"""Cuts of transformers: refusals, what is kept by calibration, recovery that helps, goes on, and is saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import underpaint
from underpaint.core.errors import InputError
from underpaint.core.progress import Progress
from underpaint.learning.config import LoopConfig
from underpaint.models.pruning import blocks_of
from underpaint.pipelines.opening import open_model
from underpaint.pipelines.slots import part_of
from underpaint.stages.optimize.recovery import FlowRecovery, HybridRecovery, divergence
from underpaint.stages.optimize.saving import save_optimized
from underpaint.stages.optimize.transforms.apply import Applied, apply
from underpaint.stages.optimize.transforms.checking import arranged, step_of
from underpaint.stages.optimize.transforms.transform import Context

Ask = Callable[..., Any]
PROMPTS = ["a red cat", "a dog", "a smiling cat", "red dog", "a cat", "a red dog", "smiling dog", "the apple"]
LOOP = LoopConfig(steps=1, batch_size=8, warmup=2, lr=1e-3, average_decay=0.5, save_every=5, validate_every=50)


@pytest.mark.parametrize(
    ("pipeline", "name", "slot", "params", "code", "remedy"),
    [
        ("sd", "prune.width", "denoiser", {"hidden": 8}, "prune.no_rule", "FlowTransformer and ScaleTransformer"),
        ("sd3", "prune.depth", "denoiser", {"drop": [0], "recover": 9}, "prune.no_rule", "there are rules for"),
        ("flow", "prune.width", "denoiser", {"hidden": 128}, "prune.range", "keep 1 to 127"),
        ("flow", "prune.width", "denoiser", {"hidden": 64}, "prune.no_recovery", "set recover"),
        ("flow", "prune.width", "denoiser", {"hidden": 123}, "prune.tile", "keep 120 or 128"),
        ("flow", "prune.heads", "denoiser", {"heads": 1}, "prune.no_recovery", "cut 10% at most"),
        ("flow", "prune.depth", "denoiser", {"drop": [7]}, "prune.range", "name blocks from 0 to 1"),
        ("flow", "prune.depth", "denoiser", {"drop": [0, 1], "recover": 9}, "prune.range", "keep 1 to 1"),
        ("hybrid", "prune.width", "residual", {"hidden": 8}, "recipe.slot", "it goes to transformer"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_remedy(
    refusal: Ask, pipeline: str, name: str, slot: str, params: dict[str, Any], code: str, remedy: str
) -> None:
    found = refusal(pipeline, name, slot, **params)
    assert found is not None and found.code == code and remedy in found.remedy


def test_recovery_without_captions_or_a_folder_is_refused(tiny: Ask, host: Ask, tmp_path: Path) -> None:
    recipe = arranged(step_of("prune.heads", "denoiser", heads=1, recover=2))
    for context in (Context(prompts=PROMPTS), Context(folder=tmp_path), Context(prompts=PROMPTS[:7], folder=tmp_path)):
        with pytest.raises(InputError, match="8 captions or more"):
            apply(tiny("flow"), recipe, context, host=host())


def test_captions_decide_what_stays(tiny: Ask, host: Ask) -> None:
    recipe, seen = arranged(step_of("prune.width", "denoiser", hidden=120)), list[Progress]()
    by_weights = apply(tiny("flow"), recipe, host=host()).pipeline
    by_captions = apply(tiny("flow"), recipe, Context(prompts=PROMPTS, report=seen.append), host=host()).pipeline
    one, other = (blocks_of(part_of(each, "denoiser"))[1] for each in (by_weights, by_captions))  # pyright: ignore
    assert not torch.equal(one.feed_forward.up.weight, other.feed_forward.up.weight)
    assert [p.done for p in seen if p.task == "measure contributions"] == list(range(1, 9))


@pytest.mark.parametrize(("name", "slot"), [("flow", "denoiser"), ("hybrid", "transformer")])
def test_recovery_brings_a_cut_network_nearer_to_the_one_before(
    tiny: Ask, host: Ask, tmp_path: Path, name: str, slot: str
) -> None:
    teacher = tiny(name)

    def distance(recover: int) -> float:
        step = step_of("prune.width", slot, hidden=16, recover=recover)
        cut = apply(teacher, arranged(step), Context(prompts=PROMPTS, folder=tmp_path, loop=LOOP), host=host())
        kind = FlowRecovery if name == "flow" else HybridRecovery
        return kind(teacher, part_of(cut.pipeline, slot), PROMPTS, 4).validate()["distance"]

    little, more = distance(1), distance(25)
    assert more < 0.85 * little


def recovered(tiny: Ask, host: Ask, folder: Path, report: Callable[[Progress], None] = lambda _: None) -> Applied:
    step = step_of("prune.depth", "denoiser", drop=[0], recover=12)
    return apply(
        tiny("flow"), arranged(step), Context(prompts=PROMPTS, folder=folder, loop=LOOP, report=report), host=host()
    )


def test_recovery_goes_on_after_an_interruption_bit_for_bit(tiny: Ask, host: Ask, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.task == "train" and progress.done == 7:
            raise ConnectionError("the machine stops")

    with pytest.raises(ConnectionError):
        recovered(tiny, host, tmp_path / "one", stop)
    seen: list[int] = []
    again = recovered(tiny, host, tmp_path / "one", lambda p: seen.append(p.done) if p.task == "train" else None)
    whole = recovered(tiny, host, tmp_path / "other")
    assert seen[0] == 5, "it began anew"
    one, other = (part_of(each.pipeline, "denoiser").state_dict() for each in (again, whole))
    assert all(torch.equal(one[name], other[name]) for name in other)


def test_a_cut_model_is_saved_with_smaller_settings_and_ordinary_weights(
    tiny_model: Path, host: Ask, draw: Ask, tmp_path: Path
) -> None:
    generator = underpaint.load(tiny_model, engine="torch")
    recipe = arranged(
        step_of("prune.width", "transformer", hidden=120),
        step_of("quant.int8_dynamic", "transformer", weight_bits=7),
    )
    applied = apply(generator.networks, recipe, host=host())
    save_optimized(applied, open_model(tiny_model), tmp_path / "cut")
    assert json.loads((tmp_path / "cut/transformer/config.json").read_text())["hidden"] == 120
    loaded = underpaint.load(tmp_path / "cut").networks
    assert np.array_equal(draw(loaded), draw(applied.pipeline))
    assert blocks_of(part_of(loaded, "transformer"))[0].feed_forward.up.weight.shape == (120, 32)  # pyright: ignore


@pytest.mark.parametrize("kind", ["vq", "bsq"])
def test_the_divergence_of_equal_distributions_is_zero_and_of_others_is_not(kind: str) -> None:
    from underpaint.models.binary_codes import BinaryCodes
    from underpaint.models.vector_codes import VectorCodes

    codes = VectorCodes(8, 4, 1) if kind == "vq" else BinaryCodes(8, 1)
    logits = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(0))
    assert float(divergence(codes, logits, logits)) == pytest.approx(0.0, abs=1e-6)
    assert float(divergence(codes, logits + torch.arange(8) / 4, logits)) > 0.01
