"""Large pretrained networks as extractors: CLIP and DINOv2, each with a card made from what its folder holds.

The card says nothing of where the folder lies, so the same weights have the same identity on every machine.
"""

from __future__ import annotations

from typing import Any

import torch

from underpaint.adapters.clip import load_clip
from underpaint.adapters.dinov2 import load_dinov2
from underpaint.core.extractor_card import ExtractorCard
from underpaint.models.extractor import Extractor

CMMD_NAME = "clip-vit-l-14-336"
"""The network that the name ``cmmd`` needs; on any other the distance is called ``mmd_rbf``."""


def is_cmmd(card: ExtractorCard) -> bool:
    """Tell whether a kernel distance on this extractor may be called CMMD."""
    return card.name == CMMD_NAME and card.unit_norm


def clip_extractor(name: str, device: str | torch.device = "cpu") -> Extractor:
    """Return CLIP as an extractor with text; see ``adapters.clip.load_clip`` for the name and what is raised."""
    place = torch.device(device)
    clip = load_clip(name, place)
    card = _card(clip, task="dual_encoder", layers=["projection of the class token"], unit_norm=True)
    return Extractor(card=card, network=clip.images, device=place, text=clip.captions)


def dinov2_extractor(name: str, device: str | torch.device = "cpu") -> Extractor:
    """Return DINOv2 as an extractor; see ``adapters.dinov2.load_dinov2`` for the name and what is raised."""
    place = torch.device(device)
    network = load_dinov2(name, place)
    card = _card(network, task="features", layers=["class token after the last norm"])
    return Extractor(card=card, network=network.images, device=place)


def _card(network: Any, **changes: Any) -> ExtractorCard:
    values: dict[str, Any] = {
        "schema": "underpaint.extractor/1",
        "name": network.name,
        "weights_sha256": network.weights_sha256,
        "license": "NOASSERTION",
        "source": "a pretrained network in the layout of transformers",
        "dim": network.dim,
        "input": network.input.model_dump(),
        "runtime": "transformers",
        "known_blind_spots": ["drawings: it was made for pictures from the web"],
    }
    return ExtractorCard.parse(values | changes, source=network.name)
