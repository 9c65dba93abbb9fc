"""Writing the graphs of one network of a pipeline of diffusers: as it is, or in 8 bits; alone, or as a pair.

What the pipeline will call the network with is learned by drawing, with the sampling that the pipeline will have.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from underpaint.adapters import onnx_nodes
from underpaint.adapters.diffusers.recording import recording
from underpaint.core.errors import InputError
from underpaint.core.progress import Progress, Report
from underpaint.models.inner_layers import is_inner
from underpaint.pipelines.diffusers_pipeline import DiffusersPipeline
from underpaint.pipelines.exported_folder import Precision, has_eight_bits
from underpaint.pipelines.graph_files import GraphFiles, PartGraphs, new_files, write_calls
from underpaint.pipelines.loop import NetworkCall
from underpaint.pipelines.optimizing.graph_part import DEEP, GraphRuns
from underpaint.runtime.device import threads
from underpaint.runtime.engine import EngineName
from underpaint.stages.optimize.export.level_pair import trace_pair
from underpaint.stages.optimize.export.network_graph import trace_network, write_traced
from underpaint.stages.optimize.export.part_eight_bits import Feed, write_eight_bits
from underpaint.stages.optimize.export.sources import find_sources
from underpaint.stages.optimize.export.states import State, States
from underpaint.stages.optimize.export.ways import REQUEST, UNGUIDED, Shapes, Way, unchecked, ways_of


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What graphs are asked for.

    Args:
        engine: What shall run them.
        precision: Of the arithmetic.
        pair: Whether there shall be one of the outermost level besides.
        states: For fewer bits than 32, what errors are measured with, and ranges of 8 found with; else None.
        weight_bits: For 8 bits, those of a weight.
    """

    engine: EngineName
    precision: Precision = "f32"
    pair: bool = False
    states: States | None = None
    weight_bits: int = 7


def heard(pipeline: DiffusersPipeline, component: str, network: nn.Module) -> list[Way]:
    """Draw a few steps, guided and not, and return how a network is called.

    Args:
        pipeline: As it will sample.
        component: The network's name.
        network: The network, which something in the pipeline may surround.

    Raises:
        InputError: It cannot draw, does not call the network, or calls it with what no graph can hold.
    """
    with unchecked(pipeline), recording({component: network}) as calls:
        pipeline.draw([replace(REQUEST, steps=2)])
        if "guidance_scale" in pipeline.facts.parameters:
            with suppress(InputError):  # what cannot be drawn in torch needs no graph
                pipeline.draw([replace(REQUEST, steps=2, guidance=UNGUIDED)])
    if not calls[component]:
        raise InputError(f"a {pipeline.facts.class_name} does not call its {component}; leave this step out")
    return ways_of(component, calls[component])


def write_part(
    component: str, network: nn.Module, ways: Sequence[Way], wanted: Wanted, report: Report
) -> tuple[PartGraphs, GraphFiles]:
    """Write the graphs of a network into a new folder.

    Args:
        component: The network's name.
        network: On the CPU, in 32 bits.
        ways: How it is called.
        wanted: What is asked for.
        report: Receives progress.

    Raises:
        InputError: It has operations that no graph knows.
        MissingDependency: What writes graphs is not installed.
    """
    files, calls, shallow = new_files(), list[NetworkCall](), list[NetworkCall]()
    for number, way in enumerate(ways):
        report(Progress(task=f"write graphs of {component}", done=number, total=len(ways), unit="graphs"))
        name = component if number == 0 else f"{component}_{number + 1}"
        calls.append(_named(way, name, way.shapes))
        if wanted.pair:
            shapes = _write_pair(network, way, wanted, files.folder / name)
            shallow.append(_named(way, f"{name}_shallow", shapes))
        else:
            _write_one(network, way, wanted, files.folder / name)
    graphs = PartGraphs(engine=wanted.engine, precision=wanted.precision, calls=tuple(calls), shallow=tuple(shallow))
    graphs = graphs.model_copy(update={"figures": _figures(component, network, graphs, files, wanted)})
    write_calls(files, graphs)
    return graphs, files


def _named(way: Way, name: str, shapes: Sequence[Shapes]) -> NetworkCall:
    return NetworkCall(graph=name, constants=way.constants, shapes=tuple(shapes))


def _write_one(network: nn.Module, way: Way, wanted: Wanted, place: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="underpaint-traced-") as scratch:
        traced = Path(scratch) / "traced.onnx"
        trace_network(network, way, traced)
        _write(traced, network, wanted, place, _feeds(way, wanted, way.shapes), way.call.answers)


def _write_pair(network: nn.Module, way: Way, wanted: Wanted, place: Path) -> tuple[Shapes, ...]:
    """Write both graphs of a UNet, the shallow one beside the whole; returns the shapes that it takes."""
    with tempfile.TemporaryDirectory(prefix="underpaint-traced-") as scratch:
        whole, shallow = Path(scratch) / "whole.onnx", Path(scratch) / "shallow.onnx"
        shapes = trace_pair(network, way, whole, shallow)
        answers = way.call.answers
        _write(whole, network, wanted, place, _feeds(way, wanted, way.shapes), (*answers, DEEP))
        beside = place.with_name(f"{place.name}_shallow")
        _write(shallow, network, wanted, beside, _feeds(way, wanted, shapes, shallow=True), answers)
    return shapes


def _write(
    traced: Path, network: nn.Module, wanted: Wanted, place: Path, feeds: Sequence[Feed], outputs: Sequence[str]
) -> None:
    """Write a traced graph; one that is never called while states are collected keeps 32 bits."""
    place.mkdir(parents=True)
    if not feeds:
        write_traced(traced, wanted.engine, place)
        return
    products, taken = inner_products(traced, network), onnx_nodes.inputs(traced)
    feeds = [{path: feed[path] for path in taken} for feed in feeds]
    write_eight_bits(traced, products, feeds, wanted.engine, place, outputs=outputs, weight_bits=wanted.weight_bits)


def _feeds(way: Way, wanted: Wanted, shapes: Sequence[Shapes], *, shallow: bool = False) -> list[Feed]:
    """Return the states of a way of calling as inputs of its graph."""
    states = wanted.states.found_with if wanted.states else ()
    given = [feed_of(state) for state in states if state.call.constants == way.constants]
    chosen = [feed for feed in given if (DEEP in feed) == shallow]
    return [feed for feed in chosen if {path: array.shape for path, array in feed.items()} in shapes]


def feed_of(state: State) -> Feed:
    """Return a state as the inputs of a graph."""
    tensors = {**state.call.tensors, **({} if state.deep is None else {DEEP: state.deep})}
    return {path: np.asarray(tensor.numpy(), order="C") for path, tensor in tensors.items()}


def inner_products(traced: Path, network: nn.Module) -> frozenset[str]:
    """Return the products of a traced graph by weights inside blocks that neither embed nor modulate.

    Raises:
        InputError: There are none.
    """
    arrays = {name: value.numpy() for name, value in network.state_dict().items() if value.dtype == torch.float32}
    sources = find_sources(onnx_nodes.products(traced), {"part": arrays})
    names = frozenset(name for name, source in sources.items() if is_inner(source.name))
    if not names:
        raise InputError(f"the {type(network).__name__} has no product inside blocks that could have 8 bits; keep f32")
    return names


@torch.inference_mode()
def _figures(
    component: str, network: nn.Module, graphs: PartGraphs, files: GraphFiles, wanted: Wanted
) -> dict[str, Any] | None:
    """Return how far a graph of fewer bits is from the network, on states that it was not calibrated with."""
    if wanted.states is None:
        return None
    runs = GraphRuns(component, graphs, files)
    with threads(1):
        errors = [_error(runs, network, state) for state in wanted.states.held_out if state.deep is None]
    found = {"error": float(np.mean(errors))}
    if not has_eight_bits(wanted.precision):
        return found
    counted = {"prompts": wanted.states.prompts, "states": len(wanted.states.found_with)}
    return {"calibration": counted, "weight_bits": wanted.weight_bits, **found}


def _error(runs: GraphRuns, network: nn.Module, state: State) -> float:
    """Return the distance of two answers as a share of the network's own."""
    bound = state.call.bound
    exact = network(*bound.args, **bound.kwargs)
    exact = exact[0] if isinstance(exact, tuple) else exact.sample
    found = next(iter(runs(state.call).values()))
    return float((found - exact).norm() / exact.norm())
