"""The pictures of every point: the same held-out captions with the same seeds, drawn once and kept on disk.

They are drawn in batches, since only quality is asked here; a batch differs from single pictures in the last bits of
its sums, for all models alike.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from frontier_points import Family, Point

from underpaint.core.config import Config, digest_of
from underpaint.core.samples import Sample, read_samples
from underpaint.pipelines.model_folder import open_model, shipped_models
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.settings import DrawRequest, Stage
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.runtime.device import CPU, threads
from underpaint.stages.evaluate.drawing.wishes import one_style_each, prompt_id_of, seed_of

SEED = 0
BATCH = 32


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A model that is ready to draw.

    Args:
        pipeline: It.
        base: Its own sampling settings.
        digest: What identifies it.
        folder: Where it lies.
        figures: What its training measured.
    """

    pipeline: TextToPicture[Any]
    base: Config
    digest: str
    folder: str
    figures: Mapping[str, Any]

    def set(self, sampling: Config) -> TextToPicture[Any]:
        """Return the pipeline with other sampling settings."""
        self.pipeline.config = sampling
        return self.pipeline


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked for on one split: captions of as many concepts as there are, each in one style.

    Args:
        split: Name of the split.
        samples: The real pictures whose caption and style are asked for.
        reference: These, and the other drawings of the same captions.
    """

    split: str
    samples: Sequence[Sample]
    reference: Sequence[Sample]

    def requests(self, number: int = 0) -> list[DrawRequest]:
        """Return a request a sample, with the ``number``-th seed of its prompt."""
        return [
            DrawRequest(caption=s.caption, style=s.style, seed=seed_of(prompt_id_of(s), number, SEED))
            for s in self.samples
        ]

    @property
    def clusters(self) -> list[str]:
        """What is not independent among the samples: drawings of one concept."""
        return [sample.cluster for sample in self.samples]

    @property
    def reference_clusters(self) -> list[str]:
        """Likewise for the reference."""
        return [sample.cluster for sample in self.reference]


def open_family(folders: Mapping[Family, str]) -> dict[Family, Opened]:
    """Open the models that are there; a family whose folder is missing is left out."""
    opened: dict[Family, Opened] = {}
    for family, folder in folders.items():
        if not (Path(folder) / "manifest.json").is_file() and folder not in shipped_models():
            continue
        model = open_model(folder)
        pipeline = load_pipeline(model, CPU)
        opened[family] = Opened(
            pipeline=pipeline,
            base=pipeline.config,
            digest=model.digest,
            folder=folder,
            figures=model.manifest.figures or {},
        )
    return opened


def ask(data: Path, split: str, count: int) -> Asked:
    """Return what is asked for on a split.

    Args:
        data: The data set.
        split: Name of the split.
        count: Number of pictures; at most as many as the split has.
    """
    samples = one_style_each([sample for sample in read_samples(data) if sample.split == split])
    chosen = one_concept_each(samples)[:count]
    taken, captions = {prompt_id_of(sample) for sample in chosen}, {sample.caption for sample in chosen}
    others = [s for s in samples if s.caption in captions and prompt_id_of(s) not in taken]
    return Asked(split=split, samples=chosen, reference=[*chosen, *others])


def one_concept_each(samples: Sequence[Sample]) -> list[Sample]:
    """Order samples so that every concept comes once before any comes again, and else as they were."""
    rounds: Counter[str] = Counter()
    keyed = []
    for place, sample in enumerate(samples):
        keyed.append((rounds[sample.cluster], place, sample))
        rounds[sample.cluster] += 1
    return [sample for _, _, sample in sorted(keyed, key=lambda key: key[:2])]


def place_of(work: Path, opened: Opened, name: str, sampling: Config, asked: Asked, number: int = 0) -> Path:
    """Return where the pictures of a point lie: the name holds everything that decides them."""
    asked_for = [[r.caption, r.style, r.seed] for r in asked.requests(number)]
    key = digest_of({"model": opened.digest, "sampling": sampling.model_dump(mode="json"), "asked": asked_for})
    return work / "pictures" / f"{re.sub('[^a-z0-9]+', '-', name.lower())}-{asked.split}-{key[:16]}.npy"


def draw(opened: Opened, sampling: Config, requests: Sequence[DrawRequest], batch: int = BATCH) -> np.ndarray:
    """Draw requests in batches on one thread: ``[N, H, H, 4]`` uint8, straight alpha."""
    pipeline = opened.set(sampling)
    with torch.inference_mode(), threads(1):
        parts = [
            pipeline.draw_alike(requests[start : start + batch], unwatched) for start in range(0, len(requests), batch)
        ]
    return np.concatenate(parts)


def drawn_once(place: Path, opened: Opened, sampling: Config, requests: Sequence[DrawRequest]) -> np.ndarray:
    """Return the pictures at a place ``[N, H, H, 4]``, drawn now if they are not there."""
    if place.is_file():
        return np.load(place)
    pictures = draw(opened, sampling, requests)
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f".{os.getpid()}-{place.name}")
    np.save(partial, pictures)
    partial.rename(place)
    return pictures


def pictures_of(
    work: Path, opened: Opened, point: Point, sampling: Config, asked: Asked, *, missing: bool = True
) -> np.ndarray | None:
    """Return the pictures of a point ``[N, H, H, 4]``.

    Args:
        work: Folder of what was drawn before.
        opened: The point's model.
        point: The point.
        sampling: Its complete settings.
        asked: The prompts.
        missing: Whether to draw what is not there; otherwise None is returned.
    """
    place = place_of(work, opened, point.name, sampling, asked, point.number)
    if not missing and not place.is_file():
        return None
    return drawn_once(place, opened, sampling, asked.requests(point.number))


def unwatched(_stage: Stage) -> None:
    """Take no notice of a stage."""
