"""Tokens of bits, one a channel: the sign of the vector, times a gain for each scale (BSQ).

The gain is the running mean of the vectors' absolute values, so no number of scales is assumed.

Shapes: ``B`` batch, ``T`` tokens of one scale, ``C`` channels of a token's vector.

Source: binary spherical quantization, arXiv 2406.07548; bit-wise heads, Infinity, arXiv 2412.04431.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from underpaint.models.nucleus import divisor
from underpaint.runtime.draws import rand


class BinaryCodes(nn.Module):
    """The bits and their gains.

    Args:
        dim: Channels ``C`` of a token's vector, and bits of its label.
        num_scales: Scales, each with a gain of its own.
        decay: Weight of the past in the gains' moving averages, in [0, 1).
    """

    gains: Tensor

    def __init__(self, dim: int, num_scales: int, decay: float = 0.99) -> None:
        super().__init__()
        self.dim, self.num_scales, self.decay = dim, num_scales, decay
        self.register_buffer("gains", torch.ones(num_scales))
        self._pending: dict[int, Tensor] = {}

    @property
    def n_logits(self) -> int:
        """Logits per token: one a bit."""
        return self.dim

    def label_shape(self) -> tuple[int, ...]:
        """Return the trailing shape of one token's label."""
        return (self.dim,)

    def noise_shape(self) -> tuple[int, ...]:
        """Return the shape of the Gumbel noise that samples one token."""
        return (self.dim, 2)

    def quantize(self, vectors: Tensor, scale: int) -> tuple[Tensor, Tensor]:
        """Take the sign of each channel: embeddings ``[B, T, C]`` and bits ``[B, T, C]`` of vectors ``[B, T, C]``."""
        labels = (vectors > 0).to(torch.int64)
        return self.embed(labels, scale), labels

    def embed(self, labels: Tensor, scale: int) -> Tensor:
        """Return plus or minus the scale's gain, ``[B, T, C]``, for bits of that shape."""
        return (labels.to(self.gains.dtype) * 2.0 - 1.0) * self.gains[scale]

    def observe(self, vectors: Tensor, labels: Tensor, scale: int) -> None:  # noqa: ARG002
        """Collect the mean magnitude of one scale's vectors; call ``learn`` once per step afterwards."""
        self._pending = {**self._pending, scale: vectors.detach().abs().mean()}

    def learn(self, generator: torch.Generator, restart_below: float = 0.02, restart: bool = True) -> int:  # noqa: ARG002
        """Move the gains towards the collected magnitudes; nothing can fall out of use, so nothing restarts."""
        for scale, magnitude in self._pending.items():
            self.gains[scale].lerp_(magnitude, 1.0 - self.decay)
        self._pending = {}
        return 0

    def perturb(self, labels: Tensor, rate: Tensor, generator: torch.Generator) -> Tensor:
        """Flip a share ``rate [B]``, in [0, 1], of the bits ``[B, T, C]``."""
        hit = rand(labels.shape, generator, labels.device) < rate[:, None, None]
        return torch.where(hit, 1 - labels, labels)

    def loss(self, logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
        """Return each token's summed binary cross-entropy ``[B, T]`` in nats.

        Args:
            logits: ``[B, T, C]`` float32.
            labels: Bits ``[B, T, C]``.
            smoothing: Share of each bit's mass spread over both values.
        """
        target = labels.to(logits.dtype) * (1.0 - smoothing) + 0.5 * smoothing
        return F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(dim=-1)

    def sample(self, logits: Tensor, temperature: float | Tensor, top_p: float, gumbel: Tensor) -> Tensor:  # noqa: ARG002
        """Draw bits ``[B, T, C]`` with noise from outside; ``top_p`` does not apply.

        Args:
            logits: ``[B, T, C]`` float32, positive for 1.
            temperature: At or above 0; 0 takes the likelier value.
            top_p: Not used.
            gumbel: Standard Gumbel noise ``[B, T, C, 2]``; the difference of its two numbers is logistic noise.
        """
        if not isinstance(temperature, Tensor) and temperature == 0.0:
            return (logits > 0).to(torch.int64)
        return (logits / divisor(temperature) + gumbel[..., 0] - gumbel[..., 1] > 0).to(torch.int64)

    def usage(self, labels: Tensor) -> dict[str, float]:
        """Return the share of bits that change (over 2% either way) and the entropy in bits of the whole codes."""
        weights = 2 ** torch.arange(self.dim, device=labels.device)
        bits = labels.reshape(-1, self.dim)
        counts = (bits * weights).sum(dim=1).unique(return_counts=True)[1].to(torch.float64)
        p = counts / counts.sum()
        share = bits.to(torch.float64).mean(dim=0)
        alive = (torch.minimum(share, 1.0 - share) > 0.02).to(torch.float64)
        return {"used": float(alive.mean()), "entropy_bits": float(-(p * p.log2()).sum())}
