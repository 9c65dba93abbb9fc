from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from underpaint.core.errors import InputError
from underpaint.pipelines.upscaling.enlarging import beyond, learned, target_size, upscaled
from underpaint.pipelines.upscaling.network import UpscalingNetwork
from underpaint.pipelines.upscaling.resampling import premultiplied, resampled, straight
from underpaint.pipelines.upscaling.sharpening import enlarged, reduced, unlearned


def disc(side: int = 64) -> np.ndarray:
    """A red disc with a soft edge on nothing; what is transparent has a green that must not be seen."""
    y, x = np.mgrid[:side, :side] + 0.5
    alpha = np.clip(side * 0.3 - np.hypot(y - side / 2, x - side / 2) + 0.5, 0, 1)
    picture = np.zeros((side, side, 4), np.uint8)
    picture[..., 0], picture[..., 3] = 230, np.rint(alpha * 255)
    picture[alpha == 0, :3] = (0, 255, 0)
    return picture


@pytest.mark.parametrize("size", [200, 256, 512])
def test_the_longer_side_is_as_asked_and_the_shape_stays(size: int) -> None:
    wide = disc()[16:48]
    assert upscaled(wide, size).shape == (size // 2, size, 4)
    assert upscaled(wide.transpose(1, 0, 2), size).shape == (size, size // 2, 4)


def test_a_picture_of_the_size_keeps_every_bit_and_is_a_copy() -> None:
    picture = disc()
    same = upscaled(picture, 64)
    np.testing.assert_array_equal(same, picture)
    assert not np.shares_memory(same, picture)


def test_no_color_of_what_is_transparent_bleeds_into_the_edge() -> None:
    large = upscaled(disc(), 256)
    assert large[large[..., 3] > 8][:, 1].max() <= 16


def test_what_is_transparent_far_from_an_edge_is_nothing_and_what_is_opaque_stays_so() -> None:
    large = upscaled(disc(), 256)
    assert not large[:16].any()
    np.testing.assert_array_equal(large[120:136, 120:136, 3], 255)


def test_a_flat_picture_stays_flat() -> None:
    flat = np.full((16, 16, 4), (40, 90, 200, 255), np.uint8)
    assert np.abs(upscaled(flat, 64).astype(int) - flat[0, 0]).max() <= 2


def test_a_picture_without_transparency_gets_none() -> None:
    opaque = disc()
    opaque[..., 3] = 255
    assert (upscaled(opaque, 256)[..., 3] == 255).all()


def test_what_the_network_adds_is_interpolated_beyond_its_own_factor(tiny_network: UpscalingNetwork) -> None:
    values = premultiplied(disc(16))
    large, twice = (learned(values, factor, tiny_network) for factor in (4, 8))
    np.testing.assert_array_equal(large, tiny_network.enlarged(values))
    added = twice - unlearned(values, 8)
    np.testing.assert_allclose(reduced(added, 2), reduced(enlarged(large - unlearned(values, 4), 2), 2), atol=1e-6)


@pytest.mark.parametrize(("side", "factor"), [(40, 4), (80, 4), (81, 8), (170, 12), (230, 12), (241, 16)])
def test_no_more_is_made_than_the_next_multiple_of_the_network_s_factor(
    tiny_network: UpscalingNetwork, side: int, factor: int
) -> None:
    values = premultiplied(disc(20))
    np.testing.assert_array_equal(beyond(values, side, tiny_network), learned(values, factor, tiny_network))


def test_a_large_picture_is_enlarged_without_the_network() -> None:
    wide = np.zeros((10, 300, 4), np.uint8)
    wide[2:8, 20:280] = (200, 30, 40, 255)
    expected = straight(resampled(unlearned(premultiplied(wide), 2), 512, 17, Image.Resampling.HAMMING))
    np.testing.assert_array_equal(upscaled(wide, 512), expected)


def test_a_side_is_never_lost() -> None:
    assert target_size(1000, 1, 64) == (64, 1)


@pytest.mark.parametrize("size", [0, -3, 4096])
def test_an_impossible_size_is_refused_with_what_can_be(size: int) -> None:
    with pytest.raises(InputError, match=f"{size} pixels.*1 to 2048"):
        upscaled(disc(), size)


@pytest.mark.parametrize("wrong", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 4)), np.zeros((0, 4, 4), np.uint8)])
def test_what_is_no_picture_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(InputError, match="H, W, 4"):
        upscaled(wrong, 64)
