from __future__ import annotations

import pytest
import torch
from torch import Tensor

from underpaint.learning.seeding import initialized_by
from underpaint.models.component import load_component, save_component
from underpaint.models.upscaler import FACTOR, Upscaler, UpscalerConfig, enlarged, reduced, sharpened, unlearned


def pictures(height: int = 12, width: int = 12, seed: int = 0) -> Tensor:
    return torch.rand(2, 4, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture
def moved() -> Upscaler:
    """A tiny upscaler whose every weight does something."""
    with initialized_by(3):
        network = Upscaler(UpscalerConfig(width=8, blocks=1, fine_width=4)).eval()
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
    return network.requires_grad_(False)


def test_a_fresh_upscaler_adds_nothing_to_what_no_learning_gives() -> None:
    with initialized_by(0):
        fresh = Upscaler(UpscalerConfig(width=8, blocks=2, fine_width=4))
    torch.testing.assert_close(fresh(pictures()), 2 * unlearned((pictures() + 1) / 2) - 1)


@pytest.mark.parametrize(("height", "width"), [(12, 12), (5, 9), (1, 1)])
def test_pictures_of_every_shape_become_four_times_as_large(moved: Upscaler, height: int, width: int) -> None:
    assert moved(pictures(height, width)).shape == (2, 4, FACTOR * height, FACTOR * width)


def test_a_picture_is_enlarged_alike_alone_and_with_others(moved: Upscaler) -> None:
    both = pictures()
    torch.testing.assert_close(moved(both)[1:], moved(both[1:]), atol=1e-4, rtol=1e-4)


def test_moving_a_picture_on_nothing_moves_what_comes_of_it(moved: Upscaler) -> None:
    wide = torch.full((1, 4, 40, 40), -1.0)
    wide[:, :, 16:24, 16:24] = pictures(8, 8)[:1]
    there, here = moved(wide.roll(3, dims=3)), moved(wide).roll(3 * FACTOR, dims=3)
    torch.testing.assert_close(there[..., 40:-40], here[..., 40:-40], atol=1e-5, rtol=1e-5)


def test_what_is_sharpened_keeps_the_mean_of_every_pixel_nearly_and_what_is_flat_to_the_bit() -> None:
    values = torch.rand(1, 4, 16, 16, generator=torch.Generator().manual_seed(1))
    off = (reduced(sharpened(values)) - values).abs()
    assert off.mean() < 0.5 * (reduced(enlarged(values)) - values).abs().mean()
    flat = torch.full((1, 4, 3, 3), 0.25)
    assert torch.equal(sharpened(flat), torch.full((1, 4, 12, 12), 0.25))


def test_what_is_sharpened_is_closer_to_a_drawing_than_interpolation() -> None:
    y, x = torch.meshgrid(torch.arange(512) + 0.5, torch.arange(512) + 0.5, indexing="ij")
    disc = (torch.hypot(y - 250, x - 262) < 150).float().expand(1, 4, 512, 512)
    truth, given = (torch.nn.functional.avg_pool2d(disc, factor) for factor in (4, 16))
    errors = [float((large - truth).square().mean()) for large in (unlearned(given), enlarged(given))]
    assert errors[0] < 0.15 * errors[1]


def test_a_saved_upscaler_is_the_same_again(moved: Upscaler, tmp_path) -> None:
    save_component(moved, moved.config, tmp_path)
    again = load_component(tmp_path, Upscaler, UpscalerConfig)
    assert torch.equal(again(pictures()), moved(pictures()))
