"""A learned and a held-out part of encoded pictures as one artifact, whatever their styles are called."""

from __future__ import annotations

from pathlib import Path

from underpaint.core.artifact import Manifest, seal, staging, verify
from underpaint.core.config import Config
from underpaint.core.samples import read_samples, write_samples
from underpaint.runtime.weights import read_weights, write_weights
from underpaint.stages.train.latents import FILE, Latents
from underpaint.stages.train.pictures import variant_weights

KIND = "latents"
LEARNED, HELD_OUT = "train", "held_out"

Parts = tuple[Latents, Latents]
"""What is learned from, and what is held out."""


def write_parts(parts: Parts, out: Path, *, config: Config, parents: dict[str, str]) -> Manifest:
    """Write both parts as an artifact.

    Args:
        parts: The encoded pictures.
        out: The new artifact.
        config: How they were made.
        parents: Role to digest of what they were made from.
    """
    learned, held_out = parts
    with staging(out) as folder:
        write_weights(folder / FILE, {LEARNED: learned.values, HELD_OUT: held_out.values})
        write_samples(folder, [*learned.samples, *held_out.samples])
        return seal(folder, kind=KIND, stage="train", config=config, parents=parents, packages=("torch",))


def load_parts(folder: Path) -> Parts:
    """Read what ``write_parts`` wrote.

    Raises:
        ArtifactError: The folder is none, or damaged.
    """
    verify(folder, kind=KIND)
    tensors, samples = read_weights(folder / FILE), read_samples(folder)
    count = len(tensors[LEARNED])
    learned, held_out = samples[:count], samples[count:]
    return (
        Latents(learned, tensors[LEARNED], variant_weights(learned)),
        Latents(held_out, tensors[HELD_OUT], variant_weights(held_out)),
    )
