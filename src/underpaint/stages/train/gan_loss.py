"""The game of a GAN as one loss, from whose single backward pass both sides learn at once.

With ``d = D(x) - D(G(z))`` for a real picture x and a drawn one of the same caption, the discriminator minimizes
``softplus(-d)`` and the generator ``softplus(d)``. The slope of the discriminator's score at each drawn picture, which
a gradient penalty needs anyway, also carries the generator's gradient: by the chain rule it is ``-sigmoid(d)`` times
the slope at the picture. So the discriminator is never run a second time for the generator, and learns nothing from it.

Shapes: ``B`` batch, ``H`` side of the picture.

Source: relativistic pairing loss, Jolicoeur-Martineau, arXiv 1807.00734; with penalties on both sides, R3GAN, arXiv
2501.05441, section 2; mismatched captions, Reed et al., arXiv 1605.05396.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from underpaint.models.discriminator import Discriminator


@dataclass(frozen=True, kw_only=True)
class Game:
    """What one batch costs.

    Args:
        discriminator: Pairing loss of the discriminator, a scalar.
        generator: Pairing loss of the generator, a scalar; its gradient reaches the drawn pictures alone.
        mismatch: Pairing loss of right against wrong captions, a scalar.
        penalty: Half the mean squared slopes at real and at drawn pictures (R1 + R2), a scalar; 0 where not asked for.
        margin: Mean of ``d``, a scalar without gradient.
        slope: Mean squared slope at drawn pictures, a scalar without gradient.
    """

    discriminator: Tensor
    generator: Tensor
    mismatch: Tensor
    penalty: Tensor
    margin: Tensor
    slope: Tensor


def pairing_loss(better: Tensor, worse: Tensor) -> Tensor:
    """Return ``softplus(worse - better)`` of scores ``[B]``: near 0 where the better one wins by far."""
    return F.softplus(worse - better)


def slopes(scores: Tensor, pictures: Tensor, *, differentiable: bool) -> Tensor:
    """Return the gradient of each score at its own picture.

    Args:
        scores: ``[B]``, each a function of its own picture alone.
        pictures: ``[B, 4, H, H]``, part of the scores' graph.
        differentiable: Whether the result can be differentiated itself.

    Returns:
        ``[B, 4, H, H]``.
    """
    return torch.autograd.grad(scores.sum(), pictures, create_graph=differentiable, retain_graph=True)[0]


def mean_square(slope: Tensor) -> Tensor:
    """Return the mean over pictures of the squared length of ``[B, 4, H, H]``."""
    return slope.square().sum(dim=(1, 2, 3)).mean()


def borrowed_loss(drawn: Tensor, slope: Tensor, margin: Tensor) -> Tensor:
    """Return the generator's loss ``mean softplus(d)``, differentiable in the drawn pictures alone.

    Args:
        drawn: ``[B, 4, H, H]``, part of the generator's graph.
        slope: Gradient of the scores at the drawn pictures, same shape.
        margin: ``d [B]``.
    """
    margin, slope = margin.detach(), slope.detach()
    pull = -(margin.sigmoid()[:, None, None, None] * slope * drawn).sum() / len(drawn)
    return F.softplus(margin).mean() + pull - pull.detach()


def mismatch_loss(right: Tensor, wrong: Tensor, differs: Tensor) -> Tensor:
    """Return the mean pairing loss over those pictures whose wrong caption is wrong indeed.

    Args:
        right: Scores ``[B]`` beside their own captions.
        wrong: Scores ``[B]`` beside others' captions.
        differs: ``[B]`` bool, true where the two captions differ.
    """
    return (pairing_loss(right, wrong) * differs).sum() / differs.sum().clamp_min(1)


def play(
    discriminator: Discriminator, real: Tensor, drawn: Tensor, expected: Tensor, differs: Tensor, *, penalize: bool
) -> Game:
    """Play one round.

    Args:
        discriminator: Judges.
        real: ``[B, 4, H, H]``.
        drawn: ``[B, 4, H, H]`` for the same captions, part of the generator's graph.
        expected: What the captions make one expect ``[B, F]``.
        differs: ``[B]`` bool, true where a caption differs from the one before it (before the first lies the last).
        penalize: Whether to compute the gradient penalties.
    """
    real, shown = real.detach().requires_grad_(penalize), drawn.detach().requires_grad_()
    seen = discriminator.look(real)
    real_scores = discriminator.compare(seen, expected)
    drawn_scores = discriminator.compare(discriminator.look(shown), expected)
    slope = slopes(drawn_scores, shown, differentiable=penalize)
    penalty = real_scores.new_zeros(())
    if penalize:
        penalty = 0.5 * (mean_square(slopes(real_scores, real, differentiable=True)) + mean_square(slope))
    wrong_scores = discriminator.compare(seen, expected.roll(1, dims=0))
    margin = real_scores - drawn_scores
    return Game(
        discriminator=pairing_loss(real_scores, drawn_scores).mean(),
        generator=borrowed_loss(drawn, slope, margin),
        mismatch=mismatch_loss(real_scores, wrong_scores, differs),
        penalty=penalty,
        margin=margin.detach().mean(),
        slope=mean_square(slope.detach()),
    )
