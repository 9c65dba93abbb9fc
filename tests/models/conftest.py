"""Small networks with no weight left at zero, since a zero would hide a mistake."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from underpaint.learning.seeding import initialized_by
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.models.vector_codes import VectorCodes


def add_noise(module: nn.Module, std: float = 0.3, seed: int = 0) -> None:
    """Add noise to every parameter and go into evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * std)
    module.eval()


def build_quantizer(kind: str, schedule: tuple[int, ...] = (1, 2, 3, 4), size: int = 32) -> MultiScaleQuantizer:
    """Build a quantizer of 4 channels with random convolutions and a codebook learned from random vectors."""
    values = {"kind": kind, "schedule": schedule, "latent_channels": 4, "codebook_size": size, "num_phi": 2}
    with initialized_by(0):
        quantizer = MultiScaleQuantizer(QuantizerConfig.model_validate(values))
    generator = torch.Generator().manual_seed(1)
    if isinstance(quantizer.codes, VectorCodes):
        quantizer.codes.start(torch.randn(2000, 4, generator=generator), generator)
    else:
        quantizer.codes.gains.copy_(torch.linspace(0.7, 0.4, len(schedule)))
    return quantizer.eval().requires_grad_(False)


@pytest.fixture
def stir() -> Callable[..., None]:
    """Return ``add_noise``."""
    return add_noise


@pytest.fixture
def make_quantizer() -> Callable[..., MultiScaleQuantizer]:
    """Return ``build_quantizer``."""
    return build_quantizer


@pytest.fixture(params=["vq", "bsq"])
def quantizer(request: pytest.FixtureRequest) -> MultiScaleQuantizer:
    """A quantizer of either kind."""
    return build_quantizer(request.param)
