from __future__ import annotations

import pytest
import torch

from underpaint.core.errors import InputError
from underpaint.learning.loop import step_generator
from underpaint.models.binary_codes import BinaryCodes
from underpaint.models.vector_codes import VectorCodes
from underpaint.stages.train.generator_loss import by_scale, gumbel_noise, noisy, token_losses, weigh


def codebook() -> VectorCodes:
    codes = VectorCodes(16, 4, 3)
    codes.codebook.copy_(torch.randn(16, 4, generator=torch.Generator().manual_seed(0)))
    return codes


def test_one_number_stands_for_all_scales_and_a_vector_for_each():
    assert by_scale(0.3, 3, "smoothing") == (0.3, 0.3, 0.3)
    assert by_scale((0.1, 0.2), 2, "smoothing") == (0.1, 0.2)
    with pytest.raises(InputError, match="smoothing has 2 numbers; give one, or one for each of 3 scales"):
        by_scale((0.1, 0.2), 3, "smoothing")


def test_half_of_the_loss_weighs_tokens_alike_and_half_scales():
    scales = [torch.tensor([[6.0]]), torch.tensor([[1.0, 2.0, 3.0, 2.0]])]
    assert float(weigh(scales)) == pytest.approx(0.5 * 14 / 5 + 0.5 * (6.0 + 2.0) / 2)


def test_each_scale_has_its_own_smoothing():
    codes = codebook()
    logits = [torch.randn(2, n, 16, generator=torch.Generator().manual_seed(n)) for n in (1, 4)]
    labels = [torch.ones(2, n, dtype=torch.int64) for n in (1, 4)]
    got = token_losses(codes, logits, labels, (0.0, 0.5))
    torch.testing.assert_close(got[0], -logits[0].log_softmax(-1)[..., 1])
    own, near = codes.loss(logits[1], labels[1]), -logits[1].log_softmax(-1)[..., codes.neighbors[1]].mean(-1)
    torch.testing.assert_close(got[1], 0.5 * own + 0.5 * near)


@pytest.mark.parametrize("kind", ["vq", "bsq"])
def test_a_share_of_the_targets_goes_to_near_codes_on_the_scales_that_ask_for_it(kind):
    codes = codebook() if kind == "vq" else BinaryCodes(4, 3)
    labels = [torch.ones(500, 4, *codes.label_shape(), dtype=torch.int64)] * 3
    got = noisy(codes, labels, (0.0, 0.25, 1.0), step_generator(0, 0))
    changed = [float((a != b).float().mean()) for a, b in zip(got, labels, strict=True)]
    assert changed == pytest.approx([0.0, 0.25, 1.0], abs=0.03)
    if kind == "vq":
        assert set(got[2].unique().tolist()) == set(codebook().neighbors[1].tolist())


def test_gumbel_noise_has_its_mean_and_variance():
    noise = gumbel_noise((40_000,), step_generator(0, 0), torch.device("cpu"))
    assert float(noise.mean()) == pytest.approx(0.5772, abs=0.03)
    assert float(noise.var()) == pytest.approx(torch.pi**2 / 6, rel=0.05)
