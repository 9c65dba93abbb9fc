from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from underpaint.learning.seeding import initialized_by
from underpaint.models.patch_discriminator import (
    PatchDiscriminator,
    PatchDiscriminatorConfig,
    gradient_penalty,
    judge_only,
    relativistic_loss,
)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def discriminator() -> PatchDiscriminator:
    with initialized_by(0):
        return PatchDiscriminator(PatchDiscriminatorConfig(widths=(8, 8, 8, 8))).double()


def reach(discriminator: PatchDiscriminator, patch: int) -> tuple[int, int]:
    """Return the height and width of the region that one judgment depends on."""
    picture = noise(1, 4, 128, 128).double().requires_grad_()
    discriminator(picture)[0, patch].backward()
    assert picture.grad is not None
    rows, columns = torch.nonzero(picture.grad.abs().sum(dim=(0, 1)), as_tuple=True)
    return int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1


def test_each_patch_has_a_judgment_at_two_sizes(discriminator):
    assert discriminator(noise(2, 4, 64, 64).double()).shape == (2, 16 * 16 + 8 * 8)


def test_judgments_see_as_far_as_the_docstring_says(discriminator):
    fine, coarse = 16 * 32 + 16, 32 * 32 + 8 * 16 + 8
    assert reach(discriminator, fine) == (20, 20)
    assert reach(discriminator, coarse) == (48, 48)


def test_a_picture_is_judged_alike_in_any_batch(discriminator):
    pictures = noise(3, 4, 32, 32).double()
    torch.testing.assert_close(discriminator(pictures)[1:2], discriminator(pictures[1:2]))


def test_the_default_is_as_small_as_planned():
    count = sum(p.numel() for p in PatchDiscriminator.from_config(PatchDiscriminatorConfig()).parameters())
    assert 300_000 < count < 500_000


def test_judging_only_says_the_same_and_moves_no_weight(discriminator):
    pictures = noise(2, 4, 32, 32).double().requires_grad_()
    logits = judge_only(discriminator, pictures)
    torch.testing.assert_close(logits, discriminator(pictures))
    logits.sum().backward()
    assert pictures.grad is not None and pictures.grad.any()
    assert all(p.grad is None for p in discriminator.parameters())


def test_rivals_that_look_alike_are_undecided():
    logits = noise(2, 5)
    assert float(relativistic_loss(logits, logits)) == pytest.approx(math.log(2.0))


def test_only_the_difference_of_two_judgments_counts():
    one, two = noise(2, 5), noise(2, 5, seed=1)
    torch.testing.assert_close(relativistic_loss(one + 3.0, two + 3.0), relativistic_loss(one, two))
    assert relativistic_loss(one + 1.0, two) < relativistic_loss(one, two)


def test_the_loss_is_the_cross_entropy_of_naming_the_winner():
    one, two = noise(2, 5), noise(2, 5, seed=1)
    pairs = torch.stack([one, two], dim=-1).reshape(-1, 2)
    expected = F.cross_entropy(pairs, torch.zeros(len(pairs), dtype=torch.int64))
    torch.testing.assert_close(relativistic_loss(one, two), expected)


def test_the_penalty_is_the_squared_slope_of_the_judgments(discriminator):
    pictures, step = noise(2, 4, 16, 16).double(), 1e-6
    slopes = []
    for channel, row, column in ((0, 3, 4), (3, 8, 8)):
        moved = pictures.clone()
        moved[0, channel, row, column] += step
        with torch.no_grad():
            slopes.append(float((discriminator(moved) - discriminator(pictures)).sum()) / step)
    watched = pictures.clone().requires_grad_()
    logits = discriminator(watched)
    (gradient,) = torch.autograd.grad(logits.sum(), watched)
    assert slopes == pytest.approx([float(gradient[0, 0, 3, 4]), float(gradient[0, 3, 8, 8])], rel=1e-4)
    expected = gradient.square().sum() / logits.numel()
    torch.testing.assert_close(gradient_penalty(discriminator, pictures).detach(), expected)


def test_the_penalty_flattens_the_judgments(discriminator):
    pictures = noise(2, 4, 16, 16).double()
    before = gradient_penalty(discriminator, pictures)
    before.backward()
    with torch.no_grad():
        for parameter in discriminator.parameters():
            if parameter.grad is not None:
                parameter -= 0.01 * parameter.grad / (parameter.grad.norm() + 1e-9)
    assert gradient_penalty(discriminator, pictures) < before
