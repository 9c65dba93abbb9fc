"""The published weights of the Inception network as a file with a card: how it is made, and how it is opened.

They are published as a pickle, which can run code and is never opened here. ``save_converted`` writes them once as
safetensors with a card; the hash of the pickle decides whether the card may bear the name that makes a Fréchet
distance an FID.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from underpaint.core.artifact import hash_file, storage_errors
from underpaint.core.errors import ArtifactError
from underpaint.core.extractor_card import (
    CARD,
    ExtractorCard,
    InputSpec,
    Resize,
    check_weights,
    read_card,
    write_card,
)
from underpaint.models.component import WEIGHTS
from underpaint.models.extractor import Extractor
from underpaint.models.inception import NUM_CLASSES, NUM_FEATURES, InceptionV3
from underpaint.runtime.weights import expected_of, fit, read_weights, skip_initialization, write_weights

OFFICIAL = "inception-2015-12-05"
"""Name of the card with the published weights: with it, and only with it, a Fréchet distance is called FID."""
PUBLISHED = "pt_inception-2015-12-05-6726825d.pth"
PUBLISHED_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
PUBLISHED_BYTES = 95_628_359
COUNTER = ".num_batches_tracked"
"""A counter of training that some copies of the weights hold; it plays no part."""

CONVERT = (
    'python -c "import sys, torch; from underpaint.models.inception_file import save_converted; '
    "save_converted(torch.load(sys.argv[1], map_location='cpu', weights_only=True), sys.argv[1], sys.argv[2])\" "
    "{source} {folder}"
)

INPUT = InputSpec(
    size=299,
    range=(-1.0, 127.0 / 128.0),
    resize=Resize(library="tensorflow1", filter="bilinear", antialias=False),
)


def is_official(card: ExtractorCard) -> bool:
    """Tell whether a Fréchet distance on this extractor is the one that papers call FID."""
    return card.name == OFFICIAL and PUBLISHED_SHA256 in card.source and card.input == INPUT


def make_card(sha256: str, *, official: bool, source: str) -> ExtractorCard:
    """Return the card of an Inception network.

    Args:
        sha256: Hash of its safetensors file.
        official: Whether it holds the published weights.
        source: Where they come from.
    """
    values: dict[str, Any] = {
        "schema": "underpaint.extractor/1",
        "name": OFFICIAL if official else "inception-v3",
        "weights_sha256": sha256,
        "license": "Apache-2.0" if official else "NOASSERTION",
        "source": source,
        "task": "classifier",
        "dim": NUM_FEATURES,
        "layers": ["pool3"],
        "input": INPUT.model_dump(),
        "classes": {"imagenet": [str(number) for number in range(NUM_CLASSES)]},
        "trained_on": ["ImageNet, ILSVRC 2012"] if official else [],
        "known_blind_spots": [
            "drawings: it was made for photographs",
            "anything beyond the first 299 pixels of detail",
        ],
    }
    return ExtractorCard.parse(values, source="the Inception network")


def save_converted(state: Mapping[str, Tensor], source: str | Path, folder: str | Path) -> Path:
    """Write published weights as ``model.safetensors`` with a card.

    Args:
        state: The state as the published file holds it.
        source: That file; its hash decides whether the card may be called official.
        folder: A new or empty folder.

    Returns:
        The folder.

    Raises:
        ArtifactError: The state does not fit the network.
        StorageError: The folder cannot be written.
    """
    folder, sha256 = Path(folder), hash_file(Path(source))
    kept = {name: value for name, value in state.items() if not name.endswith(COUNTER)}
    tensors = fit(kept, _expected(), source=str(source))
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder / WEIGHTS, tensors)
    said = f"{PUBLISHED if sha256 == PUBLISHED_SHA256 else Path(source).name}, SHA-256 {sha256}"
    card = make_card(hash_file(folder / WEIGHTS), official=sha256 == PUBLISHED_SHA256, source=said)
    write_card(card, folder)
    return folder


def load_inception(file: str | Path, device: str | torch.device = "cpu") -> Extractor:
    """Open an Inception network.

    Args:
        file: The folder that ``save_converted`` wrote, or the safetensors file in it.
        device: Where to compute.

    Raises:
        ArtifactError: It is a pickle, has no card, differs from its card, or does not fit the network.
    """
    weights = _weights_file(Path(file))
    card, place = read_card(weights.parent), torch.device(device)
    check_weights(card, weights)
    with skip_initialization():
        network = InceptionV3()
    _fill(network, read_weights(weights, _expected()))
    network = network.to(place).eval().requires_grad_(False)
    return Extractor(
        card=card,
        network=network,
        device=place,
        heads=lambda features: {"imagenet": network.probabilities(features)},
        layers=network.maps,
    )


def _weights_file(path: Path) -> Path:
    """Return the safetensors file that a path means.

    Raises:
        ArtifactError: It is a pickle, or not there.
    """
    if path.suffix in (".pth", ".pt", ".bin", ".ckpt", ".pkl"):
        command = CONVERT.format(source=path, folder=path.with_suffix("").name)
        raise ArtifactError(
            f"{path} is a pickle, which can run code and is never opened; convert it once with:\n{command}\n"
            f"then use inception:{path.with_suffix('').name}"
        )
    file = path / WEIGHTS if path.is_dir() else path
    if not file.is_file():
        raise ArtifactError(
            f"there is no {file}; get {PUBLISHED} ({PUBLISHED_BYTES:,} bytes, SHA-256 {PUBLISHED_SHA256[:12]}…) and "
            f"convert it with:\n{CONVERT.format(source=PUBLISHED, folder=OFFICIAL)}"
        )
    if not (file.parent / CARD).is_file():
        raise ArtifactError(f"{file} has no {CARD} beside it; convert the published file again, which writes both")
    return file


def _expected() -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    with torch.device("meta"):
        return {name: entry for name, entry in expected_of(InceptionV3()).items() if not name.endswith(COUNTER)}


def _fill(network: InceptionV3, tensors: Mapping[str, Tensor]) -> None:
    counters = {name: value for name, value in network.state_dict().items() if name.endswith(COUNTER)}
    network.load_state_dict({**tensors, **counters}, strict=True, assign=True)
