from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from underpaint.models.pixels import composite, from_straight, to_straight


def every_level() -> torch.Tensor:
    """Every pair of a color level and an alpha level, as one straight picture."""
    color, alpha = torch.meshgrid(torch.arange(256), torch.arange(256), indexing="ij")
    return torch.stack([color, 255 - color, color // 2, alpha], dim=-1).to(torch.uint8)[None]


def test_there_and_back_keeps_every_visible_pixel_and_clears_the_others():
    pixels = every_level()
    back = to_straight(from_straight(pixels))
    assert np.array_equal(back[0, :, 1:], pixels[0, :, 1:].numpy())
    assert not back[0, :, 0].any()


def test_a_png_file_survives_the_round_trip():
    pixels = every_level()[:, ::5, 1::3]
    file = io.BytesIO()
    Image.fromarray(pixels[0].numpy(), "RGBA").save(file, "PNG")
    with Image.open(file) as image:
        again = torch.from_numpy(np.asarray(image).copy())[None]
    assert np.array_equal(to_straight(from_straight(again)), pixels.numpy())


def test_transparent_is_minus_one_in_all_channels_whatever_color_hides_there():
    pixels = torch.tensor([200, 100, 50, 0], dtype=torch.uint8).expand(1, 2, 2, 4)
    assert torch.equal(from_straight(pixels), torch.full((1, 4, 2, 2), -1.0))


def test_what_no_picture_can_hold_is_cleaned_up():
    impossible = torch.tensor([[3.0, -3.0, 0.5, 0.0], [1.0, 1.0, 1.0, -0.999], [0.0, 0.0, 0.0, 5.0]])
    straight = to_straight(impossible.T[None, :, None, :])[0, 0]
    assert straight.tolist() == [[255, 0, 255, 128], [0, 0, 0, 0], [128, 128, 128, 255]]


def test_flattening_blends_by_alpha():
    pixels = torch.tensor([[255, 0, 0, 255], [255, 0, 0, 0], [0, 255, 0, 51]], dtype=torch.uint8)[None, None]
    flat = composite(from_straight(pixels), torch.tensor([[0.5, 0.5, 1.0]]))
    expected = [[1.0, 0.0, 0.0], [0.5, 0.5, 1.0], [0.4, 0.6, 0.8]]
    torch.testing.assert_close(flat[0, :, 0].T, torch.tensor(expected), atol=1e-6, rtol=0)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_flattening_is_linear_in_the_picture_and_in_the_background(share):
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.rand(2, 4, 3, 3, generator=generator) * 2 - 1 for _ in range(2))
    one, two = (torch.rand(2, 3, generator=generator) for _ in range(2))
    mixed = composite(share * a + (1 - share) * b, one)
    torch.testing.assert_close(mixed, share * composite(a, one) + (1 - share) * composite(b, one))
    ground = composite(a, share * one + (1 - share) * two)
    torch.testing.assert_close(ground, share * composite(a, one) + (1 - share) * composite(a, two))
