"""PSNR, SSIM, MS-SSIM and the distance of feature maps against torchmetrics and a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from underpaint.core.errors import DegenerateSamples, MetricError
from underpaint.metrics.perceptual import BETAS, feature_distance, ms_ssim, psnr, ssim

reference = pytest.importorskip("torchmetrics.functional.image")


def pictures(seed: int, side: int = 64, count: int = 3, channels: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = (
        rng.integers(0, 256, size=(count, 8, 8, channels)).repeat(-(-side // 8), axis=1).repeat(-(-side // 8), axis=2)
    )
    return np.clip(coarse[:, :side, :side] + rng.normal(0, 12, size=(count, side, side, channels)), 0, 255).astype(
        np.uint8
    )


def noisy(values: np.ndarray, seed: int = 9, sigma: float = 20.0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sigma, size=values.shape)
    return np.clip(values + noise, 0, 255).astype(np.uint8)


def tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float64) / 255).permute(0, 3, 1, 2)


def test_psnr_equals_torchmetrics() -> None:
    a, b = pictures(0), noisy(pictures(0))
    expected = reference.peak_signal_noise_ratio(tensor(b), tensor(a), data_range=1.0, reduction="none", dim=(1, 2, 3))
    assert psnr(a, b) == pytest.approx(expected.numpy(), rel=1e-6)


@pytest.mark.parametrize(("side", "channels"), [(64, 3), (16, 1), (37, 3)])
def test_ssim_equals_torchmetrics(side: int, channels: int) -> None:
    a = pictures(1, side, channels=channels)
    expected = reference.structural_similarity_index_measure(
        tensor(noisy(a)), tensor(a), data_range=1.0, reduction="none"
    )
    assert ssim(noisy(a), a) == pytest.approx(expected.numpy(), rel=1e-6)


@pytest.mark.parametrize(("side", "scales"), [(64, 3), (44, 3), pytest.param(176, 5, marks=pytest.mark.slow)])
def test_ms_ssim_equals_torchmetrics(side: int, scales: int) -> None:
    a, betas = pictures(2, side, count=2), BETAS[:scales]
    expected = reference.multiscale_structural_similarity_index_measure(
        tensor(noisy(a)), tensor(a), data_range=1.0, reduction="none", betas=betas, normalize="relu"
    )
    assert ms_ssim(noisy(a), a, betas) == pytest.approx(expected.numpy(), rel=1e-6)


def test_a_picture_is_as_like_itself_as_can_be() -> None:
    a = pictures(3)
    assert ssim(a, a) == pytest.approx(1.0, abs=1e-12)
    assert ms_ssim(a, a, BETAS[:3]) == pytest.approx(1.0, abs=1e-12)
    assert np.isinf(psnr(a, a)).all()


def test_more_noise_is_less_alike_and_order_of_the_pair_does_not_matter() -> None:
    a = pictures(4)
    for score in (psnr, ssim, lambda x, y: ms_ssim(x, y, BETAS[:3])):
        falling = [score(a, noisy(a, sigma=sigma)).mean() for sigma in (5, 15, 45)]
        assert falling == sorted(falling, reverse=True)
        assert score(a, noisy(a)) == pytest.approx(score(noisy(a), a), rel=1e-12)


def test_floats_and_bytes_and_batches_agree_and_color_under_transparency_is_not_seen() -> None:
    a = pictures(5, 16, count=70)
    whole = ssim(a, noisy(a))
    assert ssim(a / 255.0, noisy(a) / 255.0) == pytest.approx(whole, rel=1e-12)
    alone = [ssim(a[i : i + 1], noisy(a)[i : i + 1])[0] for i in (0, 63, 64, 69)]
    assert whole[[0, 63, 64, 69]] == pytest.approx(alone, rel=1e-12)
    clear = np.zeros((1, 16, 16, 4), np.uint8)
    dirty = clear.copy()
    dirty[..., 0] = 200
    assert np.isinf(psnr(clear, dirty)).all()


def test_feature_distance_equals_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    maps, others = ([rng.normal(size=(2, c, s, s)).astype(np.float32) for c, s in ((4, 5), (6, 3))] for _ in range(2))
    weights = [rng.random(4), rng.random(6)]
    expected = np.zeros(2)
    for a, b, w in zip(maps, others, weights, strict=True):
        for n in range(2):
            for y, x in np.ndindex(a.shape[2:]):
                u, v = a[n, :, y, x].astype(float), b[n, :, y, x].astype(float)
                gap = u / np.linalg.norm(u) - v / np.linalg.norm(v)
                expected[n] += w @ gap**2 / (a.shape[2] * a.shape[3])
    assert feature_distance(maps, others, weights) == pytest.approx(expected, rel=1e-7)
    assert feature_distance(maps, maps) == pytest.approx(0.0)
    scaled = [values * 3 for values in others]
    assert feature_distance(maps, scaled) == pytest.approx(feature_distance(maps, others), rel=1e-6)
    assert feature_distance([np.zeros((1, 2, 1, 1))], [np.zeros((1, 2, 1, 1))]) == pytest.approx(0.0)


def test_bad_pictures_are_refused() -> None:
    a = pictures(0)
    with pytest.raises(MetricError, match="cannot be paired"):
        ssim(a, a[:, :32])
    with pytest.raises(MetricError, match="smaller than the window"):
        ssim(a[:, :5, :5], a[:, :5, :5])
    with pytest.raises(MetricError, match="need 176"):
        ms_ssim(a, a)
    with pytest.raises(MetricError, match="scale them"):
        psnr(a.astype(np.float32), a.astype(np.float32))
    with pytest.raises(MetricError, match="int64"):
        psnr(a.astype(np.int64), a.astype(np.int64))  # pyright: ignore[reportArgumentType]
    with pytest.raises(MetricError, match="at least one"):
        ssim(a[:0], a[:0])
    with pytest.raises(MetricError, match="channels"):
        psnr(a[..., :2], a[..., :2])
    with pytest.raises(DegenerateSamples, match="NaN"):
        psnr(np.full((1, 8, 8, 3), np.nan), np.zeros((1, 8, 8, 3)))
    with pytest.raises(MetricError, match="layers"):
        feature_distance([], [])
    with pytest.raises(MetricError, match="layer 0"):
        feature_distance([np.ones((1, 2, 3, 3))], [np.ones((1, 2, 4, 4))])
    with pytest.raises(DegenerateSamples, match="picture 0"):
        feature_distance([np.full((1, 2, 3, 3), np.nan)], [np.ones((1, 2, 3, 3))])
