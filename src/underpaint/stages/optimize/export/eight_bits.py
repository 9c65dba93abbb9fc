"""A traced graph in 8 bits: as many layer groups as stay close enough to the graph in 32."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from underpaint.core.progress import Progress, Report
from underpaint.pipelines.exported_folder import has_bfloat16
from underpaint.stages.optimize.export.calibration import Calibration
from underpaint.stages.optimize.export.config import ExportConfig, Limits
from underpaint.stages.optimize.export.deviation import Deviation, Yardstick
from underpaint.stages.optimize.export.fallback import Fallback, fall_back
from underpaint.stages.optimize.export.traced import LIMITS, Traced
from underpaint.stages.optimize.export.tracing import are_halves, component_arrays
from underpaint.stages.optimize.export.workshops import Feed, Feeds, OnnxWorkshop, OpenVinoWorkshop, Workshop


@dataclass(frozen=True, kw_only=True)
class Quantized:
    """A graph in 8 bits.

    Args:
        path: Its ``.onnx``, or its ``.xml`` with a ``.bin`` beside it.
        figures: What was calibrated, chosen and measured, for the manifest.
    """

    path: Path
    figures: dict[str, Any]


class Told(Collection[Feed]):
    """Inputs that report how many of them are read; an engine may read them all in several rounds."""

    def __init__(self, feeds: Sequence[Feed], report: Report) -> None:
        self._feeds, self._report, self._rounds = feeds, report, 0

    def __len__(self) -> int:
        return len(self._feeds)

    def __contains__(self, given: object) -> bool:
        return any(given is known for known in self._feeds)

    def __iter__(self) -> Iterator[Feed]:
        self._rounds += 1
        note = f"round {self._rounds}" if self._rounds > 1 else ""
        for number, given in enumerate(self._feeds, 1):
            # Told before it runs, since an engine that has counted them does not come back after the last one.
            self._report(Progress(task="calibrate", done=number, total=len(self), unit="runs", note=note))
            yield given


def quantize(
    config: ExportConfig,
    traced: Traced,
    calibration: Calibration,
    *,
    report: Report,
    limits: Limits = LIMITS,
    weight_bits: int = 7,
) -> Quantized:
    """Write a traced graph in 8 bits, beside it.

    Args:
        config: For the engine.
        traced: The graph in 32 bits.
        calibration: Pictures to find ranges and to measure with.
        report: Receives progress.
        limits: How far the graph may be from itself in 32 bits.
        weight_bits: Bits of a weight; 7 runs on every processor.

    Raises:
        ArtifactError: No layer group can have 8 bits within the limits.
        MissingDependency: What quantizes is not installed.
    """
    watched = traced.watch()
    shop = _workshop(config, traced, Told(traced.feeds(calibration.requests), report), weight_bits)
    search = _Search(shop, traced.yardstick(shop.f32(), watched, calibration), limits, report)
    chosen = fall_back(tuple(shop.groups), search.error)
    figures = _figures(shop, calibration, limits, chosen, search.last(chosen.quantized))
    return Quantized(path=shop.finish(chosen.quantized), figures={"int8": figures})


def _workshop(config: ExportConfig, traced: Traced, feeds: Feeds, weight_bits: int) -> Workshop:
    """Return what makes graphs for an engine, calibrated."""
    components, scored, scratch = component_arrays(traced.pipeline), traced.scored, traced.scored.parent
    if config.engine == "onnx":
        return OnnxWorkshop(scored, components, scratch, feeds, weight_bits=weight_bits)
    half = are_halves(traced.pipeline)
    bfloat16 = has_bfloat16(config.precision)
    return OpenVinoWorkshop(scored, components, scratch, feeds, half=half, weight_bits=weight_bits, bfloat16=bfloat16)


class _Search:
    """Measures choices of layer groups, and remembers what it found."""

    def __init__(self, shop: Workshop, yardstick: Yardstick, limits: Limits, report: Report) -> None:
        self._shop, self._yardstick, self._limits, self._report = shop, yardstick, limits, report
        self._found: dict[frozenset[str], Deviation] = {}

    def error(self, groups: frozenset[str]) -> float:
        """Return the error of a choice as a share of what is allowed."""
        found = self._found[groups] = self._yardstick.measure(self._shop.int8(groups))
        most = len(self._shop.groups) + 1 + math.ceil(math.log2(len(self._shop.groups) + 1))
        note = f"{len(groups)} groups: {found.tokens:.1%} of the tokens changed, {found.levels:.2f} levels"
        self._report(Progress(task="measure 8 bits", done=len(self._found), total=most, unit="graphs", note=note))
        return found.share_of(self._limits)

    def last(self, groups: frozenset[str]) -> Deviation:
        """Return how far a choice is from 32 bits."""
        return self._found[groups]


def _figures(
    shop: Workshop, calibration: Calibration, limits: Limits, chosen: Fallback, found: Deviation
) -> dict[str, Any]:
    return {
        "method": shop.method,
        "calibration": {
            "sha256": calibration.digest,
            "prompts": calibration.prompts,
            "pictures": len(calibration.requests),
        },
        "groups": sorted(chosen.quantized),
        "given_back": list(chosen.given_back),
        "error_alone": {group: float(np.round(error, 4)) for group, error in chosen.alone.items()},
        **found.figures(limits),
    }
