"""Benchmarks as modules; for the comparison of the family prompts, simulated features, a table of points."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from underpaint.core.samples import STATED, Sample
from underpaint.metrics.interval import proportion
from underpaint.metrics.kernel import kid

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SPLITS = ("test_concept", "test_composition")
DEFAULT, REDRAWN, BLURRED = "hybrid, default", "hybrid, default, other seeds", "hybrid, default, blurred by 1 pixel"
PICTURES = 120


def load(name: str) -> ModuleType:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="session")
def load_benchmark() -> Callable[[str], ModuleType]:
    """Import a file of ``benchmarks`` by name."""
    return load


def make_sample(number: int, split: str, **changes: object) -> Sample:
    values: dict[str, object] = dict.fromkeys(STATED, "")
    values |= {"id": f"{number:x}", "cluster": f"{number:x}", "group": f"{number:x}", "caption": f"thing {number}"}
    values |= {"style": "flat", "split": split, "weight": 1.0, "file": f"{split}-{number}.png"}
    return Sample.model_validate(values | changes)


@pytest.fixture(scope="session")
def sample() -> Callable[..., Sample]:
    """Return ``make_sample``."""
    return make_sample


@pytest.fixture(scope="session")
def asked() -> dict[str, Any]:
    """120 prompts a split, each of a concept of its own, and as many other drawings."""
    kind = load("frontier_drawing").Asked
    parts = {}
    for split in SPLITS:
        samples = [make_sample(number, split) for number in range(PICTURES)]
        others = [make_sample(number, split, style="noto") for number in range(PICTURES)]
        parts[split] = kind(split=split, samples=samples, reference=[*samples, *others])
    return parts


Features = Mapping[str, np.ndarray]
"""Split to features ``[120, 8]`` of a point's pictures."""


def simulate(seed: int, *, shift: float = 0.0, shrink: float = 1.0) -> Features:
    """Draw what a judge sees in pictures; the real ones have neither shift nor shrinkage."""
    rng = np.random.default_rng(seed)
    return {split: shrink * rng.normal(size=(PICTURES, 8)) + shift for split in SPLITS}


def measure(asked: Mapping[str, Any], features: Features, hits: float = 0.6) -> dict[str, Any]:
    """Return the quality of simulated features; as many captions come first as ``hits`` says."""
    parts = {}
    for number, (split, prompts) in enumerate(asked.items()):
        real = np.random.default_rng(100 + number).normal(size=(2 * PICTURES, 8))
        clusters = {"clusters": prompts.clusters, "reference_clusters": prompts.reference_clusters}
        share = proportion(np.arange(PICTURES) < hits * PICTURES, prompts.clusters)
        parts[split] = {
            "KD evaluator-64": kid(features[split], real, **clusters),
            "KD randconv-v1": kid(features[split][:, :4], real[:, :4], **clusters),
            "own caption first": share,
            "precision": share,
            "recall": share,
        }
    return load("frontier_quality").by_measure(parts)


@pytest.fixture(scope="session")
def table(asked) -> Callable[..., Any]:
    """Return a table of simulated points: ``table(times={...}, without=[...])``.

    The flow model needs ten steps for the hybrid's very pictures, and has worse ones before; one step is no match.
    """
    points = {point.name: point for point in load("frontier_points").POINTS}
    own = simulate(1, shift=0.3)
    quality = {
        DEFAULT: measure(asked, own),
        REDRAWN: measure(asked, simulate(2, shift=0.3)),
        BLURRED: measure(asked, {split: 0.5 * values for split, values in own.items()}),
        "hybrid, mean residual": measure(asked, simulate(3, shift=0.2)),
        "flow, dpmpp_2m 4": measure(asked, simulate(4, shift=0.8)),
        "flow, dpmpp_2m 10": measure(asked, own),
        "flow, dpmpp_2m 50": measure(asked, own),
        "few-step, 1": measure(asked, simulate(5, shift=1.0), hits=0.1),
    }
    macs = {DEFAULT: 10, "hybrid, mean residual": 9, "few-step, 1": 5}
    macs |= {f"flow, dpmpp_2m {steps}": 10 * steps for steps in (4, 10, 50)}
    drawn = {name: points[name] for name in quality if name in points}

    def build(times: Mapping[Any, Any] | None = None, without: tuple[str, ...] = ()) -> Any:
        kept = {name: point for name, point in drawn.items() if name not in without}
        return load("frontier_verdict").Table(
            points=kept, quality=quality, asked=asked, times=times or {}, macs={n: m * 10**6 for n, m in macs.items()}
        )

    return build


def milliseconds(median: float, seed: int, rounds: int = 30, load: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Simulate the times of rounds, with the load that all points of a round share."""
    rng = np.random.default_rng(seed)
    shared = np.zeros(rounds) if load is None else load
    total = median * np.exp(0.05 * rng.normal(size=rounds) + shared)
    return {"total": total, "text": 0.1 * total, "transformer": 0.8 * total, "decoder": 0.1 * total}


@pytest.fixture(scope="session")
def simulate_times() -> Callable[..., dict[str, np.ndarray]]:
    """Return ``milliseconds``."""
    return milliseconds
