from __future__ import annotations

import numpy as np
import pytest
import torch

from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.pipelines.editing.cells import free_cells
from underpaint.pipelines.editing.kept import Kept

SCHEDULE = (1, 2, 4)


def left_of(column: int) -> list[torch.Tensor]:
    """Return the cells that a mask of the columns left of one reaches into."""
    inside = np.zeros((32, 32), dtype=bool)
    inside[:, :column] = True
    return [torch.from_numpy(cells) for cells in free_cells(SCHEDULE, 0, inside)]


@pytest.fixture(params=["vq", "bsq"])
def quantizer(request) -> MultiScaleQuantizer:
    generator = torch.Generator().manual_seed(1)
    built = MultiScaleQuantizer(QuantizerConfig(kind=request.param, schedule=SCHEDULE, codebook_size=32))
    for value in (*built.parameters(), *built.codes.buffers()):
        value.data.copy_(torch.randn(value.shape, generator=generator) * 0.3)
    return built.requires_grad_(False)


def settle_all(kept: Kept, drawn: list[torch.Tensor]) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Put the labels that stand together as drawing does."""
    f, labels = torch.zeros_like(kept.z), []
    for scale, one in enumerate(drawn):
        labels.append(kept.labels(scale, f, one))
        f = f + kept.quantizer.lift(kept.quantizer.codes.embed(labels[-1], scale), scale)
    return labels, f


def some(quantizer: MultiScaleQuantizer, seed: int) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Return a latent, and labels that have nothing to do with it."""
    generator = torch.Generator().manual_seed(seed)
    z, other = (torch.randn(1, 16, 4, 4, generator=generator) for _ in range(2))
    return z, quantizer(other).labels


@pytest.mark.parametrize("num_scales", [0, 1, 2, 3])
def test_kept_scales_have_the_labels_of_the_picture_and_the_others_those_drawn(quantizer, num_scales):
    z, drawn = some(quantizer, 2)
    free = [torch.from_numpy(cells) for cells in free_cells(SCHEDULE, num_scales)]
    labels, _ = settle_all(Kept(quantizer=quantizer, z=z, free=free), drawn)
    own = quantizer(z).labels
    assert all(map(torch.equal, labels, own[:num_scales] + drawn[num_scales:]))
    assert not any(map(torch.equal, own, drawn))


def test_outside_the_mask_labels_are_quantized_from_what_the_drawn_ones_leave_over(quantizer):
    z, drawn = some(quantizer, 3)
    kept = Kept(quantizer=quantizer, z=z, free=left_of(8))
    labels, _ = settle_all(kept, drawn)
    assert torch.equal(labels[0], drawn[0])
    f = quantizer.combine(labels[:1])
    own = quantizer.codes.quantize(quantizer.down(z - f, 1), 1)[1]
    assert torch.equal(labels[1][:, [0, 2]], drawn[1][:, [0, 2]]) and torch.equal(labels[1][:, [1, 3]], own[:, [1, 3]])


def test_what_is_kept_is_nearer_to_the_picture_than_its_labels_by_themselves_would_be(quantizer):
    z, drawn = some(quantizer, 4)
    own, free = quantizer(z).labels, left_of(8)
    _, f = settle_all(Kept(quantizer=quantizer, z=z, free=free), drawn)
    plain = [
        torch.where(cells.view(1, -1, *([1] * (one.ndim - 2))), theirs, one)
        for cells, theirs, one in zip(free, drawn, own, strict=True)
    ]
    far = (z - quantizer.combine(plain))[..., 1:].square().mean()
    assert (z - f)[..., 1:].square().mean() < far


def test_a_mask_of_everything_keeps_nothing_and_one_of_nothing_keeps_all(quantizer):
    z, drawn = some(quantizer, 5)
    everywhere = Kept(quantizer=quantizer, z=z, free=left_of(32))
    assert all(map(torch.equal, settle_all(everywhere, drawn)[0], drawn))
    nowhere = Kept(quantizer=quantizer, z=z, free=left_of(0))
    assert all(map(torch.equal, settle_all(nowhere, drawn)[0], quantizer(z).labels))


def test_kept_cells_have_their_own_residual_and_latent(quantizer):
    z, drawn = some(quantizer, 6)
    kept = Kept(quantizer=quantizer, z=z, free=left_of(8))
    _, f = settle_all(kept, drawn)
    residual = kept.refiner(lambda x_t, t, hidden, token, f: torch.full_like(f, 7.0))(z, z, z, z, f)
    assert (residual[..., :1] == 7.0).all()
    scaled = residual * quantizer.residual_std[:, None, None]
    torch.testing.assert_close((f + scaled)[..., 1:], z[..., 1:])
    latent = kept.latent(f)
    assert torch.equal(latent[..., 1:], z[..., 1:]) and torch.equal(latent[..., :1], f[..., :1])
