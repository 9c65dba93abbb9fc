"""CLIP through transformers: pictures and captions to unit vectors in one space.

Source: Radford et al., arXiv 2103.00020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from underpaint.adapters.pretrained import (
    EXTRA,
    find_pretrained,
    input_of,
    load_network,
    read_settings,
    require_model_type,
    weights_digest,
)
from underpaint.adapters.require import require
from underpaint.core.errors import ArtifactError
from underpaint.core.extractor_card import InputSpec, Resize

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
LETTERS = {(768, 12): "b", (1024, 24): "l", (1280, 32): "h", (1664, 48): "bigg"}
"""Width and depth of the picture tower to the letter of its size."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A CLIP network and what its card needs.

    Args:
        name: By its size, for example ``clip-vit-l-14-336``.
        model: The network.
        tokenizer: Cuts captions.
        input: How pictures are prepared.
        dim: Length of its features.
        weights_sha256: Hash of its weights.
    """

    name: str
    model: Any
    tokenizer: Any
    input: InputSpec
    dim: int
    weights_sha256: str

    def images(self, pictures: Tensor) -> Tensor:
        """Return the features ``[B, D]`` of prepared pictures ``[B, 3, S, S]``, not yet of unit length."""
        seen = self.model.vision_model(pixel_values=pictures).pooler_output
        return self.model.visual_projection(seen)

    def captions(self, captions: Sequence[str]) -> Tensor:
        """Return the features ``[B, D]`` of captions, not yet of unit length; what is too long is cut off."""
        longest = self.model.config.text_config.max_position_embeddings
        ids = self.tokenizer(list(captions), padding=True, truncation=True, max_length=longest, return_tensors="pt")
        ids = {key: ids[key].to(self.model.device) for key in ("input_ids", "attention_mask")}
        return self.model.text_projection(self.model.text_model(**ids).pooler_output)


def load_clip(name: str, device: torch.device) -> Clip:
    """Load a CLIP network.

    Args:
        name: A folder, or ``owner/name`` on the hub, if need be with ``@revision``.
        device: Where to compute.

    Raises:
        InputError: The name is neither.
        MissingDependency: transformers is not installed.
        ArtifactError: It cannot be fetched or loaded, or is no CLIP network.
    """
    transformers = require("transformers", extra=EXTRA)
    folder = find_pretrained(name)
    require_model_type(read_settings(folder, "config.json"), folder, ("clip",))
    sha256 = weights_digest(folder)
    model = load_network(transformers.CLIPModel, folder).to(device)
    vision = model.config.vision_config
    return Clip(
        name=name_of(vision),
        model=model,
        tokenizer=_tokenizer(transformers, folder),
        input=_input(folder, vision.image_size),
        dim=model.config.projection_dim,
        weights_sha256=sha256,
    )


def name_of(vision: Any) -> str:
    """Return a network's name by the settings of its picture tower."""
    width, depth = vision.hidden_size, vision.num_hidden_layers
    size = LETTERS.get((width, depth), f"w{width}d{depth}")
    return f"clip-vit-{size}-{vision.patch_size}-{vision.image_size}"


def _tokenizer(transformers: Any, folder: Path) -> Any:
    if not ((folder / "tokenizer.json").is_file() or (folder / "vocab.json").is_file()):
        raise ArtifactError(f"{folder} has neither tokenizer.json nor vocab.json; fetch the folder again, whole")
    try:
        return transformers.CLIPTokenizerFast.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ArtifactError(f"{folder} has no usable tokenizer ({reason:.200}); fetch the folder again") from None


def _input(folder: Path, size: int) -> InputSpec:
    found = input_of(folder, InputSpec(size=size, mean=MEAN, std=STD, resize=Resize(fit="crop", edge=size)))
    if found.size != size:
        raise ArtifactError(f"{folder} prepares pictures of {found.size} px, its network takes {size} px")
    return found
