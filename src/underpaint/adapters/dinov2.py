"""DINOv2 through transformers: pictures to the class token, learned without labels or captions.

Source: Oquab et al., arXiv 2304.07193; as features of a Fréchet distance, Stein et al., arXiv 2306.04675.
"""

from __future__ import annotations

from dataclasses import dataclass
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

STANDARD = InputSpec(
    size=224, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), resize=Resize(fit="crop", edge=256)
)
LETTERS = {384: "s", 768: "b", 1024: "l", 1536: "g"}
"""Width to the letter of the size."""


@dataclass(frozen=True, kw_only=True)
class Dinov2:
    """A DINOv2 network and what its card needs.

    Args:
        name: By its size, for example ``dinov2-vit-l-14``.
        model: The network.
        input: How pictures are prepared.
        dim: Length of its features.
        weights_sha256: Hash of its weights.
    """

    name: str
    model: Any
    input: InputSpec
    dim: int
    weights_sha256: str

    def images(self, pictures: Tensor) -> Tensor:
        """Return the class token ``[B, D]`` of prepared pictures ``[B, 3, S, S]``, after the last norm."""
        return self.model(pixel_values=pictures).last_hidden_state[:, 0]


def load_dinov2(name: str, device: torch.device) -> Dinov2:
    """Load a DINOv2 network.

    Args:
        name: A folder, or ``owner/name`` on the hub, if need be with ``@revision``.
        device: Where to compute.

    Raises:
        InputError: The name is neither.
        MissingDependency: transformers is not installed.
        ArtifactError: It cannot be fetched or loaded, or is no DINOv2 network.
    """
    transformers = require("transformers", extra=EXTRA)
    folder = find_pretrained(name)
    settings = read_settings(folder, "config.json")
    require_model_type(settings, folder, ("dinov2", "dinov2_with_registers"))
    registers = settings["model_type"] != "dinov2"
    kind = transformers.Dinov2WithRegistersModel if registers else transformers.Dinov2Model
    model, spec = load_network(kind, folder).to(device), input_of(folder, STANDARD)
    patch, width = model.config.patch_size, model.config.hidden_size
    if spec.size % patch:
        raise ArtifactError(f"{folder} prepares pictures of {spec.size} px, which its patches of {patch} px do not fit")
    size = LETTERS.get(width, f"w{width}d{model.config.num_hidden_layers}")
    return Dinov2(
        name=f"dinov2-vit-{size}-{patch}{'-reg' if registers else ''}",
        model=model,
        input=spec,
        dim=width,
        weights_sha256=weights_digest(folder),
    )
