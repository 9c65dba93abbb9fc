"""Small networks with no weight left at zero, since a zero would hide a mistake."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from underpaint.models.codes import VectorCodes
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig


def stir(module: nn.Module, seed: int = 0, std: float = 0.3) -> nn.Module:
    """Add noise to every parameter."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * std)
    return module.eval()


def build_quantizer(kind: str, schedule: tuple[int, ...] = (1, 2, 3, 4), size: int = 32) -> MultiScaleQuantizer:
    """Build a quantizer with random convolutions and a codebook that was learned from random latents."""
    config = QuantizerConfig.model_validate(
        {"kind": kind, "schedule": schedule, "latent_channels": 4, "codebook_size": size, "num_phi": 2}
    )
    quantizer = MultiScaleQuantizer(config)
    stir(quantizer, std=0.02)
    generator = torch.Generator().manual_seed(1)
    if isinstance(quantizer.codes, VectorCodes):
        quantizer.codes.start(torch.randn(2000, 4, generator=generator), generator)
        quantizer.codes.find_neighbors()
    else:
        quantizer.codes.gains.copy_(torch.linspace(0.7, 0.4, len(schedule)))
    return quantizer.requires_grad_(False)


@pytest.fixture(params=["vq", "bsq"])
def quantizer(request: pytest.FixtureRequest) -> MultiScaleQuantizer:
    return build_quantizer(request.param)
