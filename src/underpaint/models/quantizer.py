"""Multi-scale residual quantization: a latent as the sum of ever finer token maps, and what they leave over.

With ``r = z`` and ``f = 0``, each scale of side ``k`` takes ``v = area_down(r, k)``, its token ``e = Q(v)``, and adds
``u = phi(bicubic_up(e))`` to ``f`` while subtracting it from ``r``. Afterwards ``z = f + r`` exactly.

Shapes: ``B`` batch, ``C`` latent channels, ``h`` side of the latent, ``k`` side of a scale, ``T = k * k`` its tokens.

Source: VAR, arXiv 2404.02905, algorithms 1 and 2; the hybrid split, HART, arXiv 2410.10812, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import model_validator
from torch import Tensor, nn

from underpaint.core.config import Config
from underpaint.models.binary_codes import BinaryCodes
from underpaint.models.codes import Codes
from underpaint.models.vector_codes import VectorCodes

FULL_8 = (1, 2, 3, 4, 6, 8)


class QuantizerConfig(Config):
    """Settings of the multi-scale quantizer.

    Args:
        kind: ``vq`` (learned codebook) or ``bsq`` (binary codes).
        schedule: Sides of the scales, coarse to fine; the last is the latent's side.
        latent_channels: Channels of the latent.
        codebook_size: Number of codes; only for ``vq``.
        num_phi: Convolutions that smooth the upsampled tokens, shared by neighboring scales.
    """

    kind: Literal["vq", "bsq"] = "vq"
    schedule: tuple[int, ...] = FULL_8
    latent_channels: int = 16
    codebook_size: int = 1024
    num_phi: int = 3

    @model_validator(mode="after")
    def _check_schedule(self) -> QuantizerConfig:
        if not self.schedule or list(self.schedule) != sorted(set(self.schedule)) or self.schedule[0] < 1:
            raise ValueError(
                f"schedule must be strictly increasing positive sides, for example (1, 2, 4, 8), not {self.schedule}"
            )
        return self

    @property
    def num_tokens(self) -> int:
        """Tokens of one picture over all scales."""
        return sum(side * side for side in self.schedule)


@dataclass(frozen=True)
class Decomposition:
    """A latent split into tokens and residual.

    Args:
        labels: One tensor of labels a scale.
        partial: The running sum ``f`` after each scale, each ``[B, C, h, h]``.
        vectors: What was quantized at each scale, each ``[B, T, C]``.
    """

    labels: list[Tensor]
    partial: list[Tensor]
    vectors: list[Tensor]


def resize_matrix(source: int, target: int, mode: Literal["area", "bicubic"]) -> Tensor:
    """Return the linear map ``[source * source, target * target]`` that resizes a square map.

    A resize is linear, so applying this matrix equals ``torch.nn.functional.interpolate`` and works in any engine.

    Args:
        source: Side of the map.
        target: Side that it shall have.
        mode: ``area`` averages, for smaller maps; ``bicubic`` interpolates, for larger ones.
    """
    basis = torch.eye(source * source).view(source * source, 1, source, source)
    options = {} if mode == "area" else {"align_corners": False}
    resized = F.interpolate(basis, size=(target, target), mode=mode, **options)
    return resized.view(source * source, target * target)


class MultiScaleQuantizer(nn.Module):
    """Splits latents into multi-scale tokens and puts them together again."""

    residual_std: Tensor

    def __init__(self, config: QuantizerConfig) -> None:
        super().__init__()
        self.config = config
        dim, scales = config.latent_channels, len(config.schedule)
        self.codes: Codes = (
            VectorCodes(config.codebook_size, dim, scales) if config.kind == "vq" else BinaryCodes(dim, scales)
        )
        self.phi = nn.ModuleList(nn.Conv2d(dim, dim, 3, padding=1) for _ in range(config.num_phi))
        self.register_buffer("residual_std", torch.ones(dim))
        side = config.schedule[-1]
        for index, k in enumerate(config.schedule):
            self.register_buffer(f"_down{index}", resize_matrix(side, k, "area"), persistent=False)
            self.register_buffer(f"_up{index}", resize_matrix(k, side, "bicubic"), persistent=False)

    @classmethod
    def from_config(cls, config: QuantizerConfig) -> MultiScaleQuantizer:
        """Build the module with fresh weights."""
        return cls(config)

    @property
    def side(self) -> int:
        """Side of the latent."""
        return self.config.schedule[-1]

    @property
    def num_scales(self) -> int:
        """Number of scales."""
        return len(self.config.schedule)

    def down(self, latent: Tensor, scale: int) -> Tensor:
        """Average a latent ``[B, C, h, h]`` over the cells of one scale: ``[B, T, C]``."""
        return (latent.flatten(2) @ getattr(self, f"_down{scale}")).transpose(1, 2)

    def lift(self, embedding: Tensor, scale: int) -> Tensor:
        """Return what one scale's token vectors ``[B, T, C]`` add to the latent: ``[B, C, h, h]``."""
        flat = embedding.transpose(1, 2) @ getattr(self, f"_up{scale}")  # [B, C, h * h]
        up = flat.unflatten(2, (self.side, self.side))
        phi = self.phi[round(scale * (len(self.phi) - 1) / max(self.num_scales - 1, 1))]
        return 0.5 * up + 0.5 * phi(up)

    def split(
        self,
        z: Tensor,
        *,
        rates: Tensor | None = None,
        generator: torch.Generator | None = None,
        known: Sequence[Tensor] = (),
    ) -> tuple[Decomposition, list[Tensor]]:
        """Quantize a latent scale by scale.

        With ``rates`` the labels that are *added* to ``f`` are perturbed, and later scales quantize what is then left
        over: the targets of self-correction (Source: Infinity, arXiv 2412.04431, section 3.4).

        Args:
            z: Latents ``[B, C, h, h]``, float32.
            rates: ``[B, S]`` share of labels to perturb per picture and scale, or None.
            generator: Draws the perturbations; needed with ``rates``.
            known: Labels to use for the first scales instead of quantizing.

        Returns:
            The decomposition (its labels are the *targets*; ``partial`` holds the perturbed sums), and the labels
            that were added, one tensor a scale.
        """

        def added(scale: int, label: Tensor) -> Tensor:
            chosen = known[scale] if scale < len(known) else label
            if rates is None:
                return chosen
            assert generator is not None, "perturbing labels needs a generator"
            return self.codes.perturb(chosen, rates[:, scale], generator)

        return self.split_by(z, added)

    def split_by(self, z: Tensor, added: Callable[[int, Tensor], Tensor]) -> tuple[Decomposition, list[Tensor]]:
        """Quantize a latent scale by scale while other labels may be added than those that were found.

        Args:
            z: Latents ``[B, C, h, h]``, float32.
            added: From a scale and its labels to the labels that go into ``f``, of the same shape.

        Returns:
            As ``split`` does.
        """
        f = torch.zeros_like(z)
        labels, used, partial, vectors = [], [], [], []
        for scale in range(self.num_scales):
            v = self.down(z - f, scale)  # [B, T, C]
            embedding, label = self.codes.quantize(v, scale)
            chosen = added(scale, label)
            if chosen is not label:
                embedding = self.codes.embed(chosen, scale)
            f = f + self.lift(embedding, scale)
            labels.append(label)
            used.append(chosen)
            partial.append(f)
            vectors.append(v)
        return Decomposition(labels, partial, vectors), used

    def forward(self, z: Tensor) -> Decomposition:
        """Quantize a latent ``[B, C, h, h]`` without perturbation."""
        return self.split(z)[0]

    def combine(self, labels: Sequence[Tensor]) -> Tensor:
        """Sum up what labels (one tensor a scale, a prefix of the schedule) say: ``f``, ``[B, C, h, h]``."""
        parts = [self.lift(self.codes.embed(label, scale), scale) for scale, label in enumerate(labels)]
        return torch.stack(parts).sum(dim=0)
