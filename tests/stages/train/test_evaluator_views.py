"""What is shown in training: damage grows with its severity, and moves lose nothing."""

from __future__ import annotations

import itertools

import pytest
import torch

from underpaint.stages.train.evaluator_views import (
    STRONGEST,
    add_noise,
    blur,
    damage,
    damage_each,
    jpeg,
    lose_resolution,
    recolor,
    warp,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def rgb() -> torch.Tensor:
    flat = torch.full((4, 3, 32, 32), 1.0)
    flat[:, :, 6:26, 6:26] = torch.rand(4, 3, 1, 1, generator=generator(1)) * 2.0 - 1.0
    flat[:, 0, 10:14, 8:24] = -1.0
    return flat


@pytest.mark.parametrize("kind", range(len(STRONGEST)))
def test_damage_grows_with_severity_and_stays_in_range(rgb: torch.Tensor, kind: int) -> None:
    harmed = [damage(rgb, kind, severity, generator()) for severity in (0.0, 0.25, 0.5, 0.75, 1.0)]
    distances = [float((picture - rgb).square().mean()) for picture in harmed]
    assert all(late > early for early, late in itertools.pairwise(distances)), distances
    assert all(picture.shape == rgb.shape and float(picture.abs().max()) <= 1.0 + 1e-5 for picture in harmed)


def test_flat_pictures_cannot_be_blurred(rgb: torch.Tensor) -> None:
    flat = torch.full_like(rgb, 0.25)
    assert torch.allclose(blur(flat, 2.0), flat, atol=1e-6)
    assert torch.allclose(lose_resolution(flat, 3.0), flat, atol=1e-5)
    assert float((jpeg(flat, 95) - flat).abs().max()) < 0.02


def test_a_blur_is_that_of_a_gaussian() -> None:
    dot = torch.zeros(1, 3, 33, 33)
    dot[:, :, 16, 16] = 1.0
    spread = blur(dot, 2.0)[0, 0]
    axis = torch.arange(33.0) - 16.0
    assert float(spread.sum()) == pytest.approx(1.0, abs=1e-5)
    assert float((spread.sum(dim=0) * axis**2).sum()) == pytest.approx(4.0, rel=0.05)


def test_noise_has_the_deviation_that_is_asked_for() -> None:
    gray = torch.zeros(2, 3, 64, 64)
    assert float(add_noise(gray, 20.0, generator()).std()) * 127.5 == pytest.approx(20.0, rel=0.03)


def test_each_picture_is_damaged_in_one_way_and_says_how_much(rgb: torch.Tensor) -> None:
    pictures, target = damage_each(rgb.repeat(8, 1, 1, 1), generator())
    assert pictures.shape == (32, 3, 32, 32) and target.shape == (32, 4)
    assert ((target > 0).sum(dim=1) == 1).all() and (target.sum(dim=1) >= 0.1).all() and float(target.max()) <= 1.0
    assert len(torch.unique(target.argmax(dim=1))) == 4
    none, nothing = damage_each(rgb[:0], generator())
    assert none.shape == (0, 3, 32, 32) and nothing.shape == (0, 4)


def test_the_same_generator_gives_the_same_view(rgb: torch.Tensor) -> None:
    rgba = torch.cat([rgb, torch.ones_like(rgb[:, :1])], dim=1)
    for view in (lambda g: warp(rgba, g), lambda g: recolor(rgb, g), lambda g: damage_each(rgb, g)[0]):
        assert torch.equal(view(generator(3)), view(generator(3)))
        assert not torch.equal(view(generator(3)), view(generator(4)))


def test_warping_leaves_the_surroundings_transparent() -> None:
    nothing = torch.full((5, 4, 32, 32), -1.0)
    assert torch.allclose(warp(nothing, generator()), nothing, atol=1e-5)


def test_gray_stays_gray_when_colors_change() -> None:
    gray = torch.rand(6, 1, 8, 8, generator=generator()).expand(-1, 3, -1, -1).contiguous()
    assert torch.allclose(recolor(gray, generator()), gray, atol=1e-5)
