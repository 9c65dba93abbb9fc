"""Which way of painting 128 px looks more like drawings, of what a model draws by itself: kernel distances, paired.

The model draws tokens and residual for held-out captions, in the style of the drawing that stands for each; every way
paints the same latents. Seen at 64 px by the extractors as they are, and by ``randconv-v1`` at full size in tiles of 64
whose features are averaged: a network that sees pictures at half their size sees little of how they were enlarged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from upscaling import tiles, told_of

from underpaint.core.samples import Sample
from underpaint.metrics.appearance import sharpness
from underpaint.metrics.interval import mean_by_prompt
from underpaint.metrics.kernel import kid
from underpaint.metrics.paired import difference
from underpaint.models.extractor import Extractor
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.evaluate.seeing.extractors import load_extractor
from underpaint.stages.train.drawn_latents import draw

Pixels = np.ndarray
Paint = Callable[[Tensor], Pixels]
SEEN_BY = ("evaluator-64", "randconv-v1")
CHUNK = 32


def held_out(samples: Sequence[Sample], styles: Sequence[str], count: int) -> list[Sample]:
    """Return samples of unseen concepts in the model's styles, spread evenly over all of them."""
    found = [sample for sample in samples if sample.split == "test_concept" and sample.style in styles]
    return [found[row] for row in np.unique(np.linspace(0, len(found) - 1, min(count, len(found))).astype(int))]


def features(pictures: Pixels) -> dict[str, np.ndarray]:
    """Return how pictures ``[N, S, S, 4]`` are seen: features ``[N, D]`` of each extractor, and of the tiles."""
    extractors = {name: load_extractor(name) for name in SEEN_BY}
    seen = {name: _seen(extractor, pictures) for name, extractor in extractors.items()}
    sharp = extractors["randconv-v1"]
    rows = [sharp.extract(tiles(picture)).features.mean(axis=0) for picture in pictures]
    return {**seen, "randconv-v1, full size": np.stack(rows)}


def _seen(extractor: Extractor, pictures: Pixels) -> np.ndarray:
    parts = (pictures[start : start + CHUNK] for start in range(0, len(pictures), CHUNK))
    return np.concatenate([extractor.extract(part).features for part in parts])


@torch.inference_mode()
def judge_drawn(
    samples: Sequence[Sample],
    truths: Pixels,
    large: HybridPipeline,
    paints: dict[str, Paint],
    own: str,
) -> dict[str, dict[str, Any]]:
    """Return kernel distance and sharpness of every way, and how far one of them is from each, 95 %.

    Args:
        samples: Captions and styles to draw.
        truths: Their drawings ``[N, S, S, 4]``.
        large: The model that draws the latents.
        paints: The ways; each turns a latent into a picture.
        own: The way that is compared with the others.
    """
    requests = [DrawRequest(caption=s.caption, style=s.style, seed=number) for number, s in enumerate(samples)]
    latents = draw(large, requests).float()
    clusters = [sample.cluster for sample in samples]
    real, pictures = features(truths), {name: np.stack([p(z[None]) for z in latents]) for name, p in paints.items()}
    edges = {name: sharpness(drawn) for name, drawn in {**pictures, "drawings": truths}.items()}
    told: dict[str, dict[str, Any]] = {name: {"sharpness": float(values.mean())} for name, values in edges.items()}
    seen = {name: features(drawn) for name, drawn in pictures.items()}
    for eye, reference in real.items():
        found = {
            name: kid(views[eye], reference, clusters=clusters, reference_clusters=clusters)
            for name, views in seen.items()
        }
        for name, distance in found.items():
            change = difference(distance, found[own], clusters=clusters, reference_clusters=clusters)
            told[name][eye] = {"kid": told_of(distance), f"{own} minus this": told_of(change)}
    closeness = {
        name: mean_by_prompt(np.abs(values - edges["drawings"]), clusters, np.random.default_rng(0))
        for name, values in edges.items()
        if name in paints
    }
    for name, gap in closeness.items():
        told[name]["sharpness off"] = told_of(gap)
    return told
