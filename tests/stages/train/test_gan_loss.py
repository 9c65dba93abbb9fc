from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from underpaint.learning.seeding import initialized_by
from underpaint.models.discriminator import Discriminator, DiscriminatorConfig
from underpaint.stages.train.gan_loss import Game, borrowed_loss, mean_square, mismatch_loss, pairing_loss, play, slopes

BATCH = 3


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def discriminator() -> Discriminator:
    """A small one in float64 without a weight at zero."""
    settings = DiscriminatorConfig(widths=(8, 8), blocks=(1, 1), num_styles=2, text_width=6, style_width=4, features=5)
    with initialized_by(0):
        network = Discriminator(settings).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in network.parameters():
            p.add_(torch.randn(p.shape, generator=generator, dtype=p.dtype) * 0.2)
    return network


def inputs() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return real pictures, drawn ones, pooled text and styles."""
    real, drawn = noise(BATCH, 4, 16, 16, seed=2), noise(BATCH, 4, 16, 16, seed=3).requires_grad_()
    return real, drawn, noise(BATCH, 6, seed=4), torch.tensor([0, 1, 2])


def played(discriminator: Discriminator, real: Tensor, drawn: Tensor, *, penalize: bool) -> Game:
    _, _, pooled, style = inputs()
    differs = torch.ones(BATCH, dtype=torch.bool)
    return play(discriminator, real, drawn, discriminator.expect(pooled, style), differs, penalize=penalize)


def test_what_one_side_wins_the_other_loses():
    a, b = noise(50, seed=5) * 3, noise(50, seed=6) * 3
    torch.testing.assert_close(pairing_loss(a, b) - pairing_loss(b, a), b - a)
    torch.testing.assert_close(pairing_loss(a, a), torch.full_like(a, math.log(2.0)))


def test_the_generator_learns_what_a_second_pass_through_a_frozen_discriminator_would_teach(discriminator):
    real, drawn, pooled, style = inputs()
    played(discriminator, real, drawn, penalize=False).generator.backward()
    frozen = {name: p.detach() for name, p in discriminator.named_parameters()}
    again = drawn.detach().requires_grad_()
    scores = [functional_call(discriminator, frozen, (x, pooled, style)) for x in (real, again)]
    expected = F.softplus(scores[0] - scores[1]).mean()
    expected.backward()
    torch.testing.assert_close(drawn.grad, again.grad)
    torch.testing.assert_close(played(discriminator, real, drawn, penalize=False).generator, expected)


@pytest.mark.parametrize("margin", [-60.0, 0.0, 60.0])
def test_the_borrowed_loss_is_finite_however_one_sided_the_game_is(margin):
    drawn = noise(2, 4, 3, 3).requires_grad_()
    loss = borrowed_loss(drawn, noise(2, 4, 3, 3, seed=1), torch.full((2,), margin, dtype=torch.float64))
    loss.backward()
    assert loss.item() == pytest.approx(max(margin, 0.0), abs=0.7)
    assert drawn.grad is not None and bool(drawn.grad.isfinite().all())


@pytest.mark.parametrize("penalize", [False, True])
def test_each_side_learns_from_its_own_losses_alone(discriminator, penalize):
    real, drawn, _, _ = inputs()
    game = played(discriminator, real, drawn, penalize=penalize)
    parameters = list(discriminator.parameters())
    of_generator = torch.autograd.grad(game.generator, [drawn, *parameters], retain_graph=True, allow_unused=True)
    assert of_generator[0].any() and all(g is None for g in of_generator[1:])
    own = game.discriminator + game.mismatch + game.penalty
    of_discriminator = torch.autograd.grad(own, [drawn, *parameters], allow_unused=True)
    assert of_discriminator[0] is None and all(g is not None and g.any() for g in of_discriminator[1:])


def test_the_discriminator_learns_what_the_plain_losses_teach(discriminator):
    real, drawn, pooled, style = inputs()
    game = played(discriminator, real, drawn, penalize=False)
    scores = [discriminator(x, pooled, style) for x in (real, drawn.detach())]
    wrong = discriminator(real, pooled.roll(1, 0), style.roll(1, 0))
    expected = F.softplus(scores[1] - scores[0]).mean(), F.softplus(wrong - scores[0]).mean()
    for got, plain in zip((game.discriminator, game.mismatch), expected, strict=True):
        torch.testing.assert_close(got, plain)
        gradients = [torch.autograd.grad(x, list(discriminator.parameters()), retain_graph=True) for x in (got, plain)]
        for one, two in zip(*gradients, strict=True):
            torch.testing.assert_close(one, two)


def test_the_penalty_is_half_the_squared_slope_at_each_picture_alone(discriminator):
    real, drawn, pooled, style = inputs()
    expected = 0.0
    for pictures in (real, drawn.detach()):
        for row in range(BATCH):
            x = pictures[row : row + 1].clone().requires_grad_()
            score = discriminator(x, pooled[row : row + 1], style[row : row + 1])
            expected += 0.5 * torch.autograd.grad(score.sum(), x)[0].square().sum().item() / BATCH
    assert played(discriminator, real, drawn, penalize=True).penalty.item() == pytest.approx(expected, rel=1e-9)
    assert played(discriminator, real, drawn, penalize=False).penalty.item() == 0.0


@pytest.mark.parametrize(
    "layer", ["read.weight", "coarsen.weight", "stages.1.blocks.0.mix.weight", "basis", "ask.2.weight"]
)
def test_the_penalty_falls_as_its_gradient_says(discriminator, layer):
    """The gradient of the penalty, a second derivative, agrees with central differences."""
    real, drawn, _, _ = inputs()
    weights: nn.Parameter = dict(discriminator.named_parameters())[layer]
    gradient = torch.autograd.grad(played(discriminator, real, drawn, penalize=True).penalty, weights)[0]
    direction = noise(*weights.shape, seed=7)
    values = []
    for reach in (1e-5, -1e-5):
        with torch.no_grad():
            weights.add_(direction, alpha=reach)
        values.append(played(discriminator, real, drawn, penalize=True).penalty.item())
        with torch.no_grad():
            weights.add_(direction, alpha=-reach)
    assert (values[0] - values[1]) / 2e-5 == pytest.approx((gradient * direction).sum().item(), rel=1e-4)


def test_captions_that_are_the_same_teach_nothing_about_wrong_ones():
    right, wrong = noise(4, seed=8), noise(4, seed=9)
    differs = torch.tensor([True, False, True, False])
    expected = F.softplus(wrong - right)[[0, 2]].mean()
    torch.testing.assert_close(mismatch_loss(right, wrong, differs), expected)
    assert mismatch_loss(right, wrong, torch.zeros(4, dtype=torch.bool)).item() == 0.0


def test_slopes_of_a_quadratic_score_are_linear():
    x = noise(2, 4, 3, 3).requires_grad_()
    slope = slopes(0.5 * x.square().sum(dim=(1, 2, 3)), x, differentiable=True)
    torch.testing.assert_close(slope, x)
    torch.testing.assert_close(mean_square(slope), x.square().sum() / 2)
    assert slope.requires_grad
