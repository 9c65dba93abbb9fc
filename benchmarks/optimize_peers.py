"""What others do to a pipeline to make it faster, each as its documentation says, with one thread.

Changes in torch are made to a loaded pipeline. OpenVINO is used as optimum-intel uses it: the network is traced with
every dimension left open, ``compress_weights`` stores weights in 8 bits, and *hybrid* quantization gives 8 bits to the
weights of products and to what goes into convolutions, with ranges from all steps of a few prompts.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from underpaint.adapters import nncf as adapter
from underpaint.adapters.diffusers.calls import Call, entry_of
from underpaint.adapters.diffusers.stand_in import StandIn
from underpaint.adapters.openvino import save
from underpaint.pipelines.optimizing.graph_part import skeleton_of
from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.slots import with_part
from underpaint.stages.optimize.export.calibration import CAPTIONS, FIRST_SEED
from underpaint.stages.optimize.export.network_graph import CalledNetwork
from underpaint.stages.optimize.export.part_graphs import feed_of, heard
from underpaint.stages.optimize.export.states import Listener

Bits = Literal["f32", "int8 weights", "hybrid"]
SAMPLES = 64
"""States that ranges are found with, as many as ours; optimum-intel takes 200 by default."""
GRAPH = "network.xml"
SETTINGS = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"}
RESTORING = ("Convert", "Subtract", "Multiply", "Reshape", "Transpose")
"""Operators between a compressed weight and its product."""


def compiled(pipeline: Any) -> Any:
    """Compile the networks by ``torch.compile``."""
    for network in networks(pipeline):
        network.compile()
    return pipeline


def half(pipeline: Any) -> Any:
    """Compute everything in bfloat16, as ``torch_dtype=torch.bfloat16`` of diffusers does."""
    pipeline.pipeline.to(torch.bfloat16)
    return pipeline


def networks(pipeline: Any) -> tuple[Any, ...]:
    """Return the networks in which a pipeline spends its time."""
    if hasattr(pipeline, "residual"):
        return pipeline.transformer, pipeline.residual, pipeline.autoencoder.decoder
    return (pipeline.network,)


def torchao(pipeline: Any) -> Any:
    """Give linear maps 8 bits by torchao, weights and what goes in, and compile: without, it is slower than eager."""
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_  # pyright: ignore[reportMissingImports]

    for network in networks(pipeline):
        quantize_(network, Int8DynamicActivationInt8WeightConfig())
    return compiled(pipeline)


def deepcache(pipeline: Any) -> Any:
    """Let DeepCache compute every third call whole, and of the others the outermost layer."""
    from DeepCache import DeepCacheSDHelper  # pyright: ignore[reportMissingImports]

    helper = DeepCacheSDHelper(pipe=pipeline.pipeline)
    helper.set_params(cache_interval=3, cache_branch_id=0)
    helper.enable()
    return pipeline


def cache_dit(pipeline: Any, *, threshold: float) -> Any:
    """Let cache-dit skip all blocks but the first where its answer has hardly changed."""
    import cache_dit as package  # pyright: ignore[reportMissingImports]

    config = package.DBCacheConfig(
        Fn_compute_blocks=1, Bn_compute_blocks=0, residual_diff_threshold=threshold, max_warmup_steps=2
    )
    package.enable_cache(pipeline.pipeline, cache_config=config)
    return pipeline


def write_open(pipeline: Any, folder: Path, bits: Bits, steps: int) -> None:
    """Write the denoiser of a pipeline of diffusers as optimum-intel does: all dimensions open.

    Args:
        pipeline: In torch.
        folder: The new folder.
        bits: What has 8 bits.
        steps: Steps of a picture.
    """
    openvino, nncf = adapter.import_tools()
    component, network = pipeline.facts.network, pipeline.network
    call = heard(pipeline, component, network)[0].call
    model = traced(openvino, network, component, call)
    if bits != "f32":
        convolutions = nncf.IgnoredScope(types=["Convolution"], validate=False) if bits == "hybrid" else None
        model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM, ignored_scope=convolutions)
    if bits == "hybrid":
        model = with_ranges(nncf, model, [feed_of(state) for state in islice(states_of(pipeline, steps), SAMPLES)])
    folder.mkdir(parents=True)
    save(openvino, model, folder / GRAPH, half=False)


@torch.inference_mode()
def traced(openvino: Any, network: Any, component: str, call: Call) -> Any:
    """Return a network in OpenVINO's format, inputs and outputs named by their paths."""
    tensors = call.tensors
    module = CalledNetwork(network, entry_of(component), call).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = openvino.convert_model(module, example_input=tuple(tensors.values()))
    for path, node in zip(tensors, model.get_parameters(), strict=True):
        node.output(0).set_names({path})
    for path, output in zip(call.answers, model.outputs, strict=True):
        output.set_names({path})
    model.validate_nodes_and_infer_types()
    return model


def states_of(pipeline: Any, steps: int) -> Iterator[Any]:
    """Yield the states of all steps, prompt by prompt."""
    listener = Listener(pipeline.network)
    listening = with_part(pipeline, "denoiser", listener)
    for number, caption in enumerate(CAPTIONS):
        listener.states.clear()
        listening.draw([DrawRequest(caption=caption, seed=FIRST_SEED + number, steps=steps)])
        yield from listener.states


def with_ranges(nncf: Any, model: Any, feeds: list[Any]) -> Any:
    """Give 8 bits to what goes into products whose weights are not compressed."""
    return nncf.quantize(
        model,
        nncf.Dataset(feeds),
        subset_size=len(feeds),
        model_type=nncf.ModelType.TRANSFORMER,
        ignored_scope=nncf.IgnoredScope(names=weighted(model), validate=False),
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(matmul=-1, convolution=-1)
        ),
    )


def weighted(model: Any) -> list[str]:
    """Return the names of matrix products by weights, which may be compressed."""
    return [
        node.get_friendly_name()
        for node in model.get_ops()
        if node.get_type_name() == "MatMul" and any(_is_weight(value.get_node()) for value in node.input_values())
    ]


def _is_weight(node: Any) -> bool:
    """Tell whether a value is a weight, compressed or not."""
    inner = [value.get_node() for value in node.input_values()]
    return node.get_type_name() == "Constant" or (node.get_type_name() in RESTORING and all(map(_is_weight, inner)))


def forget_peak() -> None:
    """Let go of what nobody holds any more, and measure the most memory from now on."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")


class OpenGraph:
    """Computes a network by a graph with open dimensions, compiled when it is asked first.

    Args:
        folder: Where it lies.
        hint: What 32 bits are computed in; without it, the engine takes bfloat16 where the processor has it.
    """

    def __init__(self, folder: Path, hint: str) -> None:
        self._file, self._hint = folder / GRAPH, hint
        self._request: Any = None
        self._paths: list[str] = []

    def _compiled(self) -> Any:
        """Return what runs the graph; memory that torch held before does not count."""
        openvino, _ = adapter.import_tools()
        forget_peak()
        model = openvino.Core().read_model(self._file)
        self._paths = [output.get_any_name() for output in model.outputs]
        settings = {**SETTINGS, "INFERENCE_PRECISION_HINT": self._hint}
        return openvino.Core().compile_model(model, "CPU", settings).create_infer_request()

    def __call__(self, call: Call) -> dict[str, torch.Tensor]:
        """Compute the answer to a call."""
        self._request = self._request or self._compiled()
        results = self._request.infer([np.asarray(tensor.numpy(), order="C") for tensor in call.tensors.values()])
        return {path: torch.from_numpy(np.array(results[place])) for place, path in enumerate(self._paths)}


def open_graph(pipeline: Any, folder: Path, hint: str) -> Any:
    """Return a pipeline whose denoiser is such a graph; nothing holds the network of torch any more."""
    skeleton, entry = skeleton_of(pipeline.network), entry_of(pipeline.facts.network)
    return with_part(pipeline, "denoiser", StandIn(skeleton, entry, OpenGraph(folder, hint)))
