"""``randconv-v1``: three convolutions with fixed random weights, the extractor that needs no file.

Random features see damage (blur and lost detail well, blocks and noise less), not meaning. The weights come from raw
words of a counter-based generator in exact arithmetic, so they are the same bits on every machine; the card in
``weights/randconv-v1`` holds their hash and the fixed standardization of the features.

Source: random features as a distance's basis, arXiv 1801.01401 (a distance holds for any features); uniform weights
within ``1 / sqrt(fan_in)``, LeCun et al., "Efficient BackProp", 1998.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from underpaint.core.errors import ArtifactError
from underpaint.core.extractor_card import ExtractorCard, FeatureAffine, InputSpec, Resize, read_card
from underpaint.models.extractor import Extractor
from underpaint.runtime.rng import uniform

Tensors = Mapping[str, NDArray[np.float32]]
NAME = "randconv-v1"
FOLDER = Path(__file__).parents[1] / "weights" / NAME
LAYERS = ((3, 64, 7), (64, 128, 5), (128, 256, 3))
"""Channels in, channels out and kernel of each convolution; all have stride 2."""
DEAD = 1e-3
"""A feature whose deviation is below this share of the median is dropped."""

INPUT = InputSpec(size=64, range=(-1.0, 1.0), resize=Resize(library="pillow", filter="bicubic"))


def random_weights(seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Return name to weights and biases, uniform in plus and minus ``1 / sqrt(fan_in)``.

    Args:
        seed: 0 is ``randconv-v1``; others show how much the choice matters.
    """
    tensors: dict[str, NDArray[np.float32]] = {}
    for number, (inputs, outputs, kernel) in enumerate(LAYERS, 1):
        bound = 1.0 / math.sqrt(inputs * kernel * kernel)
        shapes = {"weight": (outputs, inputs, kernel, kernel), "bias": (outputs,)}
        for part, shape in shapes.items():
            unit = 2.0 * uniform(seed, f"{NAME}/conv{number}.{part}", shape).astype(np.float64) - 1.0  # exact
            tensors[f"conv{number}.{part}"] = (unit * bound).astype(np.float32)
    return tensors


def weights_sha256(tensors: Tensors) -> str:
    """Return the SHA-256 of the tensors' little-endian bytes, in the order of their layers."""
    digest = hashlib.sha256()
    for values in tensors.values():
        digest.update(values.astype("<f4").tobytes())
    return digest.hexdigest()


class RandomConvolutions:
    """The network: three convolutions with stride 2 and ReLU, then the mean of each channel.

    Args:
        tensors: As ``random_weights`` returns them.
        device: Where to compute.
    """

    def __init__(self, tensors: Tensors, device: torch.device) -> None:
        self.tensors = {name: torch.from_numpy(values).to(device) for name, values in tensors.items()}

    def maps(self, x: Tensor) -> list[Tensor]:
        """Return what each layer sees in ``[B, 3, 64, 64]``: ``[B, 64, 32, 32]``, ``[B, 128, 16, 16]``, ..."""
        seen = []
        for number, (_, _, kernel) in enumerate(LAYERS, 1):
            weight, bias = self.tensors[f"conv{number}.weight"], self.tensors[f"conv{number}.bias"]
            x = F.relu(F.conv2d(x, weight, bias, stride=2, padding=kernel // 2))
            seen.append(x)
        return seen

    def __call__(self, x: Tensor) -> Tensor:
        """Return the raw features ``[B, 256]`` of ``[B, 3, 64, 64]``."""
        return self.maps(x)[-1].mean(dim=(2, 3))


def standardization(raw: NDArray[np.float32], reference_digest: str) -> FeatureAffine:
    """Return mean and deviation of raw features ``[N, 256]`` over a reference, without the dead dimensions.

    Args:
        raw: Raw features of the reference.
        reference_digest: What identifies the reference.
    """
    values = raw.astype(np.float64)
    std = values.std(axis=0)
    kept = np.flatnonzero(std >= DEAD * np.median(std))
    return FeatureAffine(
        mean=tuple(float(f"{number:.9g}") for number in values.mean(axis=0)[kept]),
        std=tuple(float(f"{number:.9g}") for number in std[kept]),
        kept=tuple(int(index) for index in kept),
        reference_digest=reference_digest,
    )


def make_card(
    tensors: Mapping[str, NDArray[np.float32]], affine: FeatureAffine | None, **changes: Any
) -> ExtractorCard:
    """Return the card of random convolutions; ``changes`` replaces fields."""
    values: dict[str, Any] = {
        "schema": "underpaint.extractor/1",
        "name": NAME,
        "weights_sha256": weights_sha256(tensors),
        "license": "Apache-2.0",
        "source": "made from random numbers, underpaint/models/randconv.py",
        "task": "features",
        "dim": LAYERS[-1][1] if affine is None else len(affine.mean),
        "layers": ["mean of relu(conv3)"],
        "input": INPUT.model_dump(),
        "feature_affine": None if affine is None else affine.model_dump(),
        "known_blind_spots": [
            "meaning: it sees damage, not what a picture shows",
            "noise and compression, where the pictures have many styles: benchmarks/results/extractors.json",
            "detail below a 64th of the side",
            "white parts on a transparent ground",
        ],
    }
    return ExtractorCard.parse(values | changes, source=NAME)


def extractor_of(card: ExtractorCard, seed: int = 0, device: str | torch.device = "cpu") -> Extractor:
    """Return random convolutions as an extractor.

    Args:
        card: What they are; its hash is that of the weights.
        seed: Of the weights.
        device: Where to compute.

    Raises:
        ArtifactError: This machine drew other weights than the card names.
    """
    tensors, place = random_weights(seed), torch.device(device)
    if (found := weights_sha256(tensors)) != card.weights_sha256:
        raise ArtifactError(
            f"the weights of {card.name} have the SHA-256 {found[:12]}… here, its card says "
            f"{card.weights_sha256[:12]}…: the card belongs to another version; install underpaint again"
        )
    network = RandomConvolutions(tensors, place)
    return Extractor(card=card, network=network, device=place, layers=network.maps)


def load_randconv(device: str | torch.device = "cpu") -> Extractor:
    """Return ``randconv-v1`` with the card that came with the package."""
    return extractor_of(read_card(FOLDER), device=device)
