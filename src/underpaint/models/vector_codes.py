"""Tokens from a learned codebook: vectors moved by exponential moving averages, with restarts of unused codes (EMA-VQ).

Shapes: ``B`` batch, ``T`` tokens of one scale, ``C`` channels of a token's vector, ``K`` codebook size.

Source: VQ-VAE, arXiv 1711.00937, appendix A.1 (moving averages); restarts as in Jukebox, arXiv 2005.00341.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from underpaint.models.nucleus import divisor, draw_from_nucleus
from underpaint.runtime.draws import rand, randint


class VectorCodes(nn.Module):
    """The codebook.

    Args:
        size: Number of codes ``K``.
        dim: Channels ``C`` of a token's vector.
        num_scales: Scales that share the codebook.
        decay: Weight of the past in the moving averages, in [0, 1).
        num_neighbors: Nearest other codes that ``perturb`` and soft targets choose among, fewer in a small codebook.
    """

    codebook: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(self, size: int, dim: int, num_scales: int, decay: float = 0.99, num_neighbors: int = 8) -> None:
        super().__init__()
        self.size, self.dim, self.num_scales, self.decay = size, dim, num_scales, decay
        self.register_buffer("codebook", torch.zeros(size, dim))
        self.register_buffer("counts", torch.ones(size))
        self.register_buffer("sums", torch.zeros(size, dim))
        self.num_neighbors = min(num_neighbors, size - 1)
        self._neighbors: Tensor | None = None
        self.register_load_state_dict_post_hook(lambda codes, _: codes.forget_neighbors())
        self._pending: list[tuple[Tensor, Tensor, Tensor]] = []

    @property
    def n_logits(self) -> int:
        """Logits per token."""
        return self.size

    def label_shape(self) -> tuple[int, ...]:
        """Return the trailing shape of one token's label."""
        return ()

    def noise_shape(self) -> tuple[int, ...]:
        """Return the shape of the Gumbel noise that samples one token."""
        return (self.size,)

    def quantize(self, vectors: Tensor, scale: int) -> tuple[Tensor, Tensor]:
        """Find the nearest code of each vector.

        Args:
            vectors: ``[B, T, C]`` float32.
            scale: Index of the scale (unused: one codebook serves all).

        Returns:
            Embeddings ``[B, T, C]`` and labels ``[B, T]``.
        """
        flat = vectors.reshape(-1, self.dim)
        distance = self.codebook.square().sum(1)[None] - 2.0 * flat @ self.codebook.T
        labels = distance.argmin(dim=1).view(vectors.shape[:-1])
        return self.embed(labels, scale), labels

    def embed(self, labels: Tensor, scale: int) -> Tensor:  # noqa: ARG002
        """Look up the vectors ``[B, T, C]`` of labels ``[B, T]``; the scale does not matter."""
        return F.embedding(labels, self.codebook)

    def observe(self, vectors: Tensor, labels: Tensor, scale: int) -> None:  # noqa: ARG002
        """Collect the vectors that each code stands for; call ``learn`` once per step afterwards."""
        flat, index = vectors.detach().reshape(-1, self.dim), labels.reshape(-1)
        counts = torch.zeros_like(self.counts).index_add_(0, index, torch.ones_like(flat[:, 0]))
        sums = torch.zeros_like(self.sums).index_add_(0, index, flat)
        self._pending.append((counts, sums, flat))

    def learn(self, generator: torch.Generator, restart_below: float = 0.02, restart: bool = True) -> int:
        """Move the codes towards the collected vectors and restart the unused ones; without vectors nothing moves.

        Args:
            generator: Draws the vectors that replace unused codes.
            restart_below: A code used less than this share of the uniform rate is unused.
            restart: Whether to restart codes at this step.

        Returns:
            How many codes were restarted.
        """
        pending, self._pending = self._pending, []
        if not pending:
            return 0
        counts = torch.stack([p[0] for p in pending]).sum(0)
        sums = torch.stack([p[1] for p in pending]).sum(0)
        self.counts.lerp_(counts, 1.0 - self.decay)
        self.sums.lerp_(sums, 1.0 - self.decay)
        self.codebook.copy_(self.sums / self.counts.clamp_min(1e-5)[:, None])
        self.forget_neighbors()
        unused = self.counts < restart_below * self.counts.mean()
        if not restart or not bool(unused.any()):
            return 0
        pool = torch.cat([p[2] for p in pending])
        picks = randint(len(pool), (int(unused.sum()),), generator, pool.device)
        fresh = self.counts.mean()
        self.codebook[unused] = pool[picks]
        self.counts[unused] = fresh
        self.sums[unused] = pool[picks] * fresh
        return int(unused.sum())

    def start(self, vectors: Tensor, generator: torch.Generator, rounds: int = 10) -> None:
        """Set the codebook by k-means.

        Args:
            vectors: ``[N, C]`` with N at least the codebook's size.
            generator: Draws the first centers.
            rounds: Lloyd iterations.
        """
        centers = vectors[torch.randperm(len(vectors), generator=generator)[: self.size].to(vectors.device)].clone()
        for _ in range(rounds):
            nearest = torch.cdist(vectors, centers).argmin(dim=1)
            counts = torch.zeros_like(self.counts).index_add_(0, nearest, torch.ones_like(vectors[:, 0]))
            sums = torch.zeros_like(centers).index_add_(0, nearest, vectors)
            used = counts > 0
            centers[used] = sums[used] / counts[used, None]
        self.codebook.copy_(centers)
        self.forget_neighbors()
        self.counts.fill_(1.0)
        self.sums.copy_(centers)

    @property
    def neighbors(self) -> Tensor:
        """Each code's nearest other codes ``[K, num_neighbors]``, found when first asked for after the codes moved.

        Only training asks: ``perturb`` and soft targets.
        """
        if self._neighbors is None:
            with torch.no_grad():
                distance = torch.cdist(self.codebook, self.codebook)
                distance.fill_diagonal_(math.inf)
                self._neighbors = distance.topk(self.num_neighbors, largest=False).indices
        return self._neighbors

    def forget_neighbors(self) -> None:
        """Find the neighbors anew when they are next asked for; whoever moves the codes calls this."""
        self._neighbors = None

    def perturb(self, labels: Tensor, rate: Tensor, generator: torch.Generator) -> Tensor:
        """Replace a share of labels by one of their nearest codes.

        Args:
            labels: ``[B, T]``.
            rate: ``[B]`` share of tokens to replace, in [0, 1].
            generator: Draws which and by what.
        """
        hit = rand(labels.shape, generator, labels.device) < rate[:, None]
        choice = randint(self.num_neighbors, labels.shape, generator, labels.device)
        return torch.where(hit, self.neighbors[labels, choice], labels)

    def loss(self, logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
        """Return each token's cross-entropy ``[B, T]`` in nats.

        Args:
            logits: ``[B, T, K]`` float32.
            labels: ``[B, T]``.
            smoothing: Share of the target's mass given to the nearest codes.
        """
        log_p = logits.log_softmax(dim=-1)
        own = log_p.gather(-1, labels[..., None])[..., 0]
        if smoothing == 0.0:
            return -own
        near = log_p.gather(-1, self.neighbors[labels]).mean(dim=-1)
        return -((1.0 - smoothing) * own + smoothing * near)

    def sample(self, logits: Tensor, temperature: float | Tensor, top_p: float, gumbel: Tensor) -> Tensor:
        """Draw labels ``[B, T]`` by the Gumbel-max trick with noise from outside.

        Args:
            logits: ``[B, T, K]`` float32.
            temperature: At or above 0; 0 takes the likeliest.
            top_p: Share of probability kept.
            gumbel: Standard Gumbel noise ``[B, T, K]``.

        Source: Gumbel-max, arXiv 1611.01144.
        """
        if not isinstance(temperature, Tensor) and temperature == 0.0:
            return logits.argmax(dim=-1)
        return draw_from_nucleus(logits / divisor(temperature), top_p, gumbel)

    def usage(self, labels: Tensor) -> dict[str, float]:
        """Return the share of codes in use and the entropy in bits of one scale's labels, of any shape."""
        counts = torch.bincount(labels.reshape(-1), minlength=self.size).to(torch.float64)
        p = counts[counts > 0] / counts.sum()
        return {"used": float((counts > 0).sum()) / self.size, "entropy_bits": float(-(p * p.log2()).sum())}
