"""A UNet as two graphs: the step cache of torch, done by an engine."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import underpaint
from underpaint.core.errors import InputError
from underpaint.core.optimization import OptimizationRecipe
from underpaint.pipelines.optimizing.graph_part import graph_parts
from underpaint.pipelines.optimizing.level_pair import LevelPair, put_pair
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.optimize.saving import save_optimized
from underpaint.stages.optimize.transforms.apply import apply
from underpaint.stages.optimize.transforms.checking import arranged, step_of

Ask = Callable[..., Any]
CAT = [DrawRequest(caption="a red cat", seed=3, steps=10)]
GRAPH = step_of("engine.onnx", "denoiser")
SPAN = step_of("guidance.span", "sampler", high=0.5)


def drawn(pipeline: Any) -> np.ndarray:
    return np.stack(pipeline.draw(CAT)).astype(int)


@pytest.fixture(scope="module")
def paired(tiny_diffusers: Callable[[str], Path]) -> tuple[Any, Any]:
    loaded = underpaint.load(tiny_diffusers("sd"))
    pair = step_of("cache.pair", "denoiser", every=3)
    return loaded, apply(loaded.networks, arranged(GRAPH, SPAN, pair))


@pytest.fixture(scope="module")
def alone(paired: tuple[Any, Any]) -> Any:
    """The same pipeline with one graph."""
    return apply(paired[0].networks, arranged(GRAPH, SPAN)).pipeline


def test_a_pair_draws_what_the_step_cache_of_torch_draws(paired: tuple[Any, Any]) -> None:
    loaded, applied = paired
    blocks = apply(loaded.networks, arranged(SPAN, step_of("cache.blocks", "sampler", every=3))).pipeline
    exact = apply(loaded.networks, arranged(SPAN)).pipeline
    assert np.abs(drawn(applied.pipeline) - drawn(blocks)).max() <= 2
    assert np.abs(drawn(applied.pipeline) - drawn(exact)).max() > 2, "nothing was skipped"


def test_with_all_levels_in_every_call_it_is_the_identity(paired: tuple[Any, Any], alone: Any) -> None:
    applied = paired[1]
    part = applied.pipeline.modules["unet"]
    before = part.network.cache
    part.network.cache = LevelPair(every=1)
    every = drawn(applied.pipeline)
    part.network.cache = before
    assert np.abs(every - drawn(alone)).max() <= 1


def test_it_is_saved_as_two_graphs_and_draws_the_same_to_the_bit(paired: tuple[Any, Any], tmp_path: Path) -> None:
    loaded, applied = paired
    save_optimized(applied, loaded.model, tmp_path / "saved")
    assert np.array_equal(drawn(underpaint.load(tmp_path / "saved").networks), drawn(applied.pipeline))
    sizes = [
        (tmp_path / f"saved/graphs/unet/{name}/weights.safetensors").stat().st_size for name in ("unet", "unet_shallow")
    ]
    assert sizes[1] < 0.7 * sizes[0], "the shallow graph has the weights of the outermost level alone"


def test_it_is_taken_back(paired: tuple[Any, Any]) -> None:
    loaded, applied = paired
    before = drawn(loaded.networks)
    assert np.array_equal(drawn(copy.copy(applied).undo()), before)


@pytest.mark.slow
def test_eight_bits_are_found_with_what_both_graphs_will_see(tiny: Ask, alone: Any) -> None:
    steps = (step_of("engine.onnx", "denoiser", precision="int8"), step_of("cache.pair", "denoiser", every=3))
    pipeline = apply(tiny("sd"), arranged(*steps)).pipeline
    exact = apply(tiny("sd"), arranged(step_of("cache.blocks", "sampler", every=3))).pipeline
    assert 0 < np.abs(drawn(pipeline) - drawn(exact)).mean() < 20
    graphs = graph_parts(pipeline)["unet"].graph_runs
    files = [path.stat().st_size for path in sorted(graphs.files.folder.glob("*/weights.safetensors"))]
    (whole,) = graph_parts(alone)["unet"].graph_runs.files.folder.glob("unet/weights.safetensors")
    assert max(files) < 0.6 * whole.stat().st_size


def test_a_pair_that_never_skips_is_refused_as_pointless(refusal: Ask) -> None:
    """A graph that says what its deep levels say is compiled otherwise, so it would not even be equal to the bit."""
    found = refusal("sd", "cache.pair", "denoiser", OptimizationRecipe(steps=(GRAPH,)), every=1)
    assert found.code == "cache.pointless" and "the second graph would never be used" in found.reason
    assert "every=2 or more" in found.remedy
    assert refusal("sd", "cache.pair", "denoiser", OptimizationRecipe(steps=(GRAPH,)), every=2) is None


def test_it_needs_a_graph_levels_and_steps_to_skip(refusal: Ask) -> None:
    before = OptimizationRecipe(steps=(GRAPH,))
    assert refusal("sd", "cache.pair", "denoiser").code == "cache.no_graph"
    assert refusal("sd", "cache.pair", "denoiser", before) is None
    assert refusal("pixart", "cache.pair", "denoiser", before).code == "cache.no_levels"
    cached = OptimizationRecipe(steps=(GRAPH, step_of("cache.output", "sampler")))
    assert refusal("sd", "cache.pair", "denoiser", cached).code == "cache.twice"
    short = OptimizationRecipe(steps=(GRAPH, step_of("cache.pair", "denoiser")))
    assert refusal("sd", "cache.output", "sampler", short).code == "cache.twice"


def test_one_graph_alone_takes_no_turns(alone: Any) -> None:
    with pytest.raises(InputError, match="needs a pair of graphs"):
        put_pair(alone, "denoiser", LevelPair())
