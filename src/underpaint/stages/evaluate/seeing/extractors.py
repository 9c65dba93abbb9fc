"""The table of extractors: a name, or a kind and a place, to what turns pictures into features.

``evaluator-64`` and ``randconv-v1`` came with the package, and so did ``pixels``, a floor that all others must beat.
``evaluator:FOLDER``, ``inception:FOLDER``, ``clip:FOLDER_OR_ID`` and ``dinov2:FOLDER_OR_ID`` open others; the Inception
network is the one of FID, and with CLIP ViT-L/14@336 the kernel distance is called CMMD.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

import torch

from underpaint.core.artifact import MANIFEST, read_manifest
from underpaint.core.errors import InputError
from underpaint.core.extractor_card import (
    NO_WEIGHTS,
    ExtractorCard,
    InputSpec,
    Resize,
    check_weights,
    read_card,
)
from underpaint.models.component import WEIGHTS
from underpaint.models.evaluator import load_evaluator
from underpaint.models.extractor import Extractor
from underpaint.models.foundation import clip_extractor, dinov2_extractor
from underpaint.models.inception_file import load_inception
from underpaint.models.randconv import load_randconv

EVALUATOR = Path(__file__).parents[3] / "weights" / "evaluator-64"
PIXELS_SIDE = 16


def load_pixels(device: str | torch.device = "cpu") -> Extractor:
    """Return 16 x 16 premultiplied pixels as features: a sanity floor, no metric (blur brings its distance down)."""
    card = ExtractorCard(
        schema="underpaint.extractor/1",
        name="pixels",
        weights_sha256=NO_WEIGHTS,
        license="Apache-2.0",
        source="underpaint/stages/evaluate/seeing/extractors.py",
        task="features",
        dim=PIXELS_SIDE * PIXELS_SIDE * 4,
        layers=("pixels",),
        input=InputSpec(
            size=PIXELS_SIDE,
            color_order="rgba",
            alpha_background=None,
            resize=Resize(library="pillow_float", filter="box"),
        ),
        known_blind_spots=("blur, noise and compression", "meaning", "anything finer than a 16th of the side"),
    )
    return Extractor(card=card, network=lambda x: x.flatten(1), device=torch.device(device))


def open_evaluator(folder: str | Path, device: str | torch.device = "cpu") -> Extractor:
    """Return a trained evaluator as an extractor with heads and text.

    Args:
        folder: Where it lies.
        device: Where to compute.

    Raises:
        ArtifactError: A file is missing, damaged, or differs from the card.
    """
    folder, place = Path(folder), torch.device(device)
    card = read_card(folder)
    check_weights(card, folder / WEIGHTS)
    evaluator = load_evaluator(folder, place)
    return Extractor(
        card=card,
        network=evaluator.encode_images,
        device=place,
        heads=lambda raw: {head: logits.softmax(dim=1) for head, logits in evaluator.heads(raw).items()},
        text=evaluator.encode_captions,
        share=evaluator.embed_features,
    )


NAMED: dict[str, Callable[[str | torch.device], Extractor]] = {
    "evaluator-64": lambda device: open_evaluator(EVALUATOR, device),
    "randconv-v1": load_randconv,
    "pixels": load_pixels,
}
"""Name to loader: what came with the package."""


def artifact_digest(spec: str) -> str:
    """Return the digest of the artifact that an extractor was made as, to find it in lineages; empty if it is none."""
    kind, _, place = spec.partition(":")
    folder = EVALUATOR if spec == "evaluator-64" else Path(place) if kind == "evaluator" and place else None
    return read_manifest(folder).digest if folder is not None and (folder / MANIFEST).is_file() else ""


KINDS: dict[str, Callable[[str, str | torch.device], Extractor]] = {
    "evaluator": open_evaluator,
    "inception": load_inception,
    "clip": clip_extractor,
    "dinov2": dinov2_extractor,
}
"""Kind to loader of ``kind:place``."""


def load_extractor(spec: str, device: str | torch.device = "cpu") -> Extractor:
    """Return an extractor.

    Args:
        spec: A name, or ``kind:place``; see the module's docstring.
        device: Where to compute.

    Raises:
        InputError: There is no such extractor.
        MissingDependency: It needs an optional package.
        ArtifactError: Its files are missing, damaged, or differ from its card.
    """
    if spec in NAMED:
        return NAMED[spec](device)
    kind, colon, place = spec.partition(":")
    if colon and place and kind in KINDS:
        return KINDS[kind](place, device)
    allowed = [*NAMED, *(f"{name}:PLACE" for name in KINDS)]
    close = difflib.get_close_matches(spec, [*NAMED, *KINDS], n=1)
    hint = f"did you mean {close[0] + ':PLACE' if close[0] in KINDS else close[0]!r}? " if close else ""
    raise InputError(f"there is no extractor {spec!r:.200}; {hint}allowed are {', '.join(allowed)}")
