from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from underpaint.models.binary_codes import BinaryCodes
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig, resize_matrix
from underpaint.models.vector_codes import VectorCodes

Array = NDArray[np.float64]


def latents(count: int = 64, seed: int = 0) -> Tensor:
    """Smooth random latents ``[B, 4, 4, 4]``, so that coarse scales have something to say."""
    z = torch.randn(count, 4, 4, 4, generator=torch.Generator().manual_seed(seed))
    z = z + 2.0 * F.interpolate(z[:, :, :2, :2], size=(4, 4))
    return z / z.std()


def test_the_sum_of_the_tokens_and_the_residual_is_the_latent(quantizer):
    z = latents()
    parts = quantizer(z)
    residual = z - parts.partial[-1]
    torch.testing.assert_close(parts.partial[-1] + residual, z)
    torch.testing.assert_close(quantizer.combine(parts.labels), parts.partial[-1], atol=1e-5, rtol=1e-5)
    assert 0.0 < residual.square().mean() < z.square().mean()


def test_the_sum_of_the_first_scales_is_the_partial_sum(quantizer):
    parts = quantizer(latents())
    for count in range(1, 5):
        torch.testing.assert_close(quantizer.combine(parts.labels[:count]), parts.partial[count - 1])


def test_labels_have_one_entry_a_cell(quantizer):
    labels = quantizer(latents(3)).labels
    assert [tuple(label.shape[:2]) for label in labels] == [(3, side * side) for side in (1, 2, 3, 4)]
    assert all(tuple(label.shape[2:]) == quantizer.codes.label_shape() for label in labels)
    assert quantizer.config.num_tokens == 30


def test_rate_zero_gives_the_plain_labels(quantizer):
    z, generator = latents(), torch.Generator().manual_seed(0)
    plain = quantizer(z)
    parts, used = quantizer.split(z, rates=torch.zeros(len(z), 4), generator=generator)
    for one, two, three in zip(plain.labels, parts.labels, used, strict=True):
        assert torch.equal(one, two) and torch.equal(one, three)
    torch.testing.assert_close(plain.partial[-1], parts.partial[-1])


def test_rate_one_replaces_every_label_and_a_rate_between_its_share(quantizer):
    z, generator = latents(200), torch.Generator().manual_seed(0)
    rates = torch.tensor([0.0, 1.0, 0.3, 0.0]).expand(200, 4)
    parts, used = quantizer.split(z, rates=rates, generator=generator)
    shares = [float((a != b).to(torch.float64).mean()) for a, b in zip(parts.labels, used, strict=True)]
    assert shares == pytest.approx([0.0, 1.0, 0.3, 0.0], abs=0.04)
    assert shares[0] == 0.0 and shares[1] == 1.0 and shares[3] == 0.0


def test_later_labels_quantized_anew_after_a_perturbation_rebuild_better_than_the_old_ones(quantizer):
    z, generator = latents(), torch.Generator().manual_seed(0)
    plain = quantizer(z).labels
    rates = torch.tensor([0.0, 0.5, 0.0, 0.0]).expand(len(z), 4)
    parts, used = quantizer.split(z, rates=rates, generator=generator)
    anew, old = parts.partial[-1], quantizer.combine([*used[:2], *plain[2:]])
    assert not torch.equal(used[1], plain[1])
    error_anew, error_old = (float((z - f).square().mean()) for f in (anew, old))
    assert error_anew < 0.95 * error_old


def test_known_labels_replace_the_first_scales_and_the_rest_follows_from_them(quantizer):
    z = latents()
    other = quantizer(latents(seed=9)).labels
    parts, used = quantizer.split(z, known=other[:2])
    assert torch.equal(used[0], other[0]) and torch.equal(used[1], other[1])
    torch.testing.assert_close(parts.partial[1], quantizer.combine(other[:2]))
    expected = quantizer.codes.quantize(quantizer.down(z - parts.partial[1], 2), 2)[1]
    assert torch.equal(used[2], expected)


def test_perturbing_without_a_generator_is_refused(quantizer):
    with pytest.raises(AssertionError, match="needs a generator"):
        quantizer.split(latents(2), rates=torch.ones(2, 4))


def test_pictures_of_a_batch_do_not_meet(quantizer):
    z = latents(5)
    whole = quantizer(z).labels
    for index in range(5):
        for one, two in zip(whole, quantizer(z[index : index + 1]).labels, strict=True):
            assert torch.equal(one[index : index + 1], two)


def test_the_gradient_of_the_discrete_half_is_the_identity(quantizer):
    """The decoder sees z + sg(f - z): f in value, z in gradient."""
    z = latents(3).requires_grad_()
    f = quantizer(z).partial[-1]
    seen = z + (f - z).detach()
    upstream = torch.randn(seen.shape, generator=torch.Generator().manual_seed(2))
    (seen * upstream).sum().backward()
    torch.testing.assert_close(seen, f)
    assert torch.equal(z.grad, upstream)  # pyright: ignore[reportArgumentType]
    assert not f.requires_grad


@pytest.mark.parametrize(("source", "target"), [(8, 3), (8, 6), (6, 6), (4, 1)])
def test_resizing_down_by_a_matrix_is_area_interpolation(source, target):
    x = torch.randn(2, 3, source, source, generator=torch.Generator().manual_seed(0))
    by_matrix = (x.flatten(2) @ resize_matrix(source, target, "area")).view(2, 3, target, target)
    torch.testing.assert_close(by_matrix, F.interpolate(x, size=(target, target), mode="area"))


@pytest.mark.parametrize(("source", "target"), [(1, 8), (3, 8), (6, 8), (8, 8)])
def test_resizing_up_by_a_matrix_is_bicubic_interpolation_and_keeps_constants(source, target):
    x = torch.randn(2, 3, source, source, generator=torch.Generator().manual_seed(0))
    matrix = resize_matrix(source, target, "bicubic")
    by_matrix = (x.flatten(2) @ matrix).view(2, 3, target, target)
    expected = F.interpolate(x, size=(target, target), mode="bicubic", align_corners=False)
    torch.testing.assert_close(by_matrix, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(matrix.sum(dim=0), torch.ones(target * target))


def slow_area(x: Array, side: int) -> Array:
    """Average over the cells of a coarser grid, [C, h, h] to [C, side, side], cell by cell."""
    channels, h, _ = x.shape
    out = np.zeros((channels, side, side))
    for i in range(side):
        for j in range(side):
            rows = slice(i * h // side, -(-(i + 1) * h // side))
            columns = slice(j * h // side, -(-(j + 1) * h // side))
            out[:, i, j] = x[:, rows, columns].mean(axis=(1, 2))
    return out


def cubic(distance: float, a: float = -0.75) -> float:
    """Keys' convolution kernel."""
    d = abs(distance)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


def slow_bicubic(x: Array, h: int) -> Array:
    """Resize [C, side, side] to [C, h, h] pixel by pixel, borders repeated."""
    channels, side, _ = x.shape
    out = np.zeros((channels, h, h))
    for i in range(h):
        for j in range(h):
            y, z = (i + 0.5) * side / h - 0.5, (j + 0.5) * side / h - 0.5
            for m in range(int(np.floor(y)) - 1, int(np.floor(y)) + 3):
                for n in range(int(np.floor(z)) - 1, int(np.floor(z)) + 3):
                    weight = cubic(y - m) * cubic(z - n)
                    out[:, i, j] += weight * x[:, min(max(m, 0), side - 1), min(max(n, 0), side - 1)]
    return out


def slow_convolution(x: Array, weight: Array, bias: Array) -> Array:
    h = x.shape[1]
    out = np.zeros((len(weight), h, h))
    for o in range(len(weight)):
        for i in range(h):
            for j in range(h):
                total = bias[o]
                for di in (-1, 0, 1):
                    for dj in (-1, 0, 1):
                        if 0 <= i + di < h and 0 <= j + dj < h:
                            total += weight[o, :, di + 1, dj + 1] @ x[:, i + di, j + dj]
                out[o, i, j] = total
    return out


def slow_token(vector: Array, quantizer: MultiScaleQuantizer, scale: int) -> tuple[Array, NDArray[np.int64]]:
    codes = quantizer.codes
    if isinstance(codes, BinaryCodes):
        bits = np.array([1 if value > 0 else 0 for value in vector])
        return (2.0 * bits - 1.0) * float(codes.gains[scale]), bits
    assert isinstance(codes, VectorCodes)
    book = codes.codebook.numpy().astype(np.float64)
    distances = [float(((vector - code) ** 2).sum()) for code in book]
    best = int(np.argmin(distances))
    return book[best], np.array(best)


def slow_split(z: Array, quantizer: MultiScaleQuantizer) -> tuple[list[NDArray[np.int64]], Array]:
    """Split one latent [C, h, h] by the definition, in float64 and loops."""
    r, f, labels = z.copy(), np.zeros_like(z), []
    schedule = quantizer.config.schedule
    for scale, side in enumerate(schedule):
        v = slow_area(r, side)
        e, tokens = np.zeros_like(v), []
        for i in range(side):
            for j in range(side):
                e[:, i, j], label = slow_token(v[:, i, j], quantizer, scale)
                tokens.append(label)
        nearest = round(scale * (len(quantizer.phi) - 1) / (len(schedule) - 1))
        phi = quantizer.phi[nearest]
        up = slow_bicubic(e, z.shape[1])
        weight, bias = phi.weight.numpy().astype(np.float64), phi.bias.numpy().astype(np.float64)  # pyright: ignore
        u = 0.5 * up + 0.5 * slow_convolution(up, weight, bias)
        f, r = f + u, r - u
        labels.append(np.array(tokens))
    return labels, f


def test_the_quantizer_agrees_with_a_slow_one_written_from_the_definition(quantizer):
    z = latents(6, seed=5)
    parts = quantizer(z)
    for index in range(len(z)):
        labels, f = slow_split(z[index].numpy().astype(np.float64), quantizer)
        for scale, expected in enumerate(labels):
            assert np.array_equal(parts.labels[scale][index].numpy(), expected), (index, scale)
        np.testing.assert_allclose(parts.partial[-1][index].numpy(), f, atol=1e-4)


def test_neighboring_scales_share_a_convolution():
    quantizer = MultiScaleQuantizer(QuantizerConfig(schedule=(1, 2, 3, 4, 6, 8), num_phi=3))
    chosen = []
    for scale, side in enumerate(quantizer.config.schedule):
        used: list[int] = []
        hooks = [
            phi.register_forward_hook(lambda *_, used=used, n=number: used.append(n))
            for number, phi in enumerate(quantizer.phi)
        ]
        quantizer.lift(torch.zeros(1, side * side, 16), scale)
        for hook in hooks:
            hook.remove()
        chosen += used
    assert len(chosen) == 6 and chosen == sorted(chosen) and set(chosen) == {0, 1, 2}


@pytest.mark.parametrize("schedule", [(), (2, 1), (1, 1, 2), (0, 2)])
def test_a_schedule_that_does_not_rise_is_refused(schedule):
    with pytest.raises(ValueError, match="strictly increasing"):
        QuantizerConfig(schedule=schedule)
