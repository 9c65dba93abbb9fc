from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from underpaint.core.errors import InputError
from underpaint.models.component import load_component, save_component
from underpaint.models.discriminator import Discriminator, DiscriminatorConfig


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def settle(**changes: object) -> DiscriminatorConfig:
    values = {"widths": (8, 16), "blocks": (1, 2), "num_styles": 3, "text_width": 12, "style_width": 4, "features": 9}
    return DiscriminatorConfig.model_validate(values | changes)


def inputs(batch: int = 2, side: int = 16) -> tuple[Tensor, Tensor, Tensor]:
    """Return pictures, pooled text and styles."""
    return noise(batch, 4, side, side, seed=1), noise(batch, 12, seed=2), torch.arange(batch) % 4


@pytest.fixture
def make(stir):
    def build(fresh: bool = False, **changes: object) -> Discriminator:
        discriminator = Discriminator(settle(**changes))
        if not fresh:
            stir(discriminator, std=0.1)
        return discriminator.eval()

    return build


def test_the_nano_size_is_what_it_was():
    assert sum(p.numel() for p in Discriminator(DiscriminatorConfig(num_styles=4)).parameters()) == 750_056


@torch.no_grad()
@pytest.mark.parametrize(("resolutions", "side"), [(1, 8), (2, 16), (3, 32), (5, 128)])
def test_each_resolution_halves_the_side(make, resolutions, side):
    discriminator = make(widths=(8,) * resolutions, blocks=(1,) * resolutions)
    assert discriminator.config.image_size == side
    assert discriminator(*inputs(side=side)).shape == (2,)


@torch.no_grad()
def test_a_picture_that_was_looked_at_once_is_judged_beside_any_caption(make):
    discriminator, (pictures, pooled, style) = make(), inputs(3)
    seen = discriminator.look(pictures)
    for shift in range(3):
        expected = discriminator.expect(pooled.roll(shift, 0), style.roll(shift, 0))
        scores = discriminator(pictures, pooled.roll(shift, 0), style.roll(shift, 0))
        torch.testing.assert_close(discriminator.compare(seen, expected), scores)
        torch.testing.assert_close(scores, torch.einsum("bf,bf->b", seen, expected) / 3.0)


@torch.no_grad()
def test_every_input_matters(make):
    discriminator, given = make(), inputs()
    before = discriminator(*given)
    for index in range(3):
        changed = list(given)
        changed[index] = changed[index].flip(0)
        assert not torch.allclose(discriminator(*changed), before, atol=1e-3), index


def test_every_pixel_of_a_picture_is_looked_at(make):
    discriminator, (pictures, pooled, style) = make(), inputs()
    pictures.requires_grad_()
    discriminator(pictures, pooled, style).sum().backward()
    assert pictures.grad is not None and bool((pictures.grad != 0).all())


@torch.no_grad()
def test_pictures_of_a_batch_do_not_meet(make):
    discriminator, given = make(), inputs(3)
    whole = discriminator(*given)
    for row in range(3):
        alone = discriminator(*(value[row : row + 1] for value in given))
        torch.testing.assert_close(alone, whole[row : row + 1], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_fresh_discriminator_only_averages_what_its_first_convolution_reads(make):
    """Blocks start as the identity, so all that follows the first convolution is linear."""
    discriminator, pictures = make(fresh=True), inputs()[0]
    x = discriminator.read(pictures)
    x = F.avg_pool2d(torch.where(x > 0, x, 0.2 * x), 4)
    x = F.conv2d(F.conv2d(x, discriminator.coarsen.weight), discriminator.stages[1].enter.weight)
    expected = torch.einsum("bchw,chw->bc", x, discriminator.basis) @ discriminator.project.weight.T
    torch.testing.assert_close(discriminator.look(pictures), expected, atol=1e-5, rtol=1e-4)


def test_every_parameter_is_trained(make):
    discriminator = make().train()
    pictures, pooled, _ = inputs(4)
    discriminator(pictures, pooled, torch.arange(4)).square().mean().backward()
    assert [n for n, p in discriminator.named_parameters() if p.grad is None or not p.grad.any()] == []


@torch.no_grad()
def test_a_saved_discriminator_scores_the_same(make, tmp_path):
    discriminator = make()
    save_component(discriminator, discriminator.config, tmp_path)
    loaded = load_component(tmp_path, Discriminator, DiscriminatorConfig)
    assert torch.equal(loaded(*inputs()), discriminator(*inputs()))


def test_settings_that_do_not_fit_each_other_are_refused():
    with pytest.raises(InputError, match="multiple of group_width 16"):
        DiscriminatorConfig.parse(settle().model_dump() | {"widths": (8, 20)}, source="config.json")
