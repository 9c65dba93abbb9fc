from __future__ import annotations

import pytest
import torch
from torch import Tensor

from underpaint.learning.loop import step_generator
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.models.vector_codes import VectorCodes
from underpaint.stages.train.correction import draw_rates, own_samples, split_with

CPU = torch.device("cpu")
SIZES = (1, 4, 16)


@pytest.fixture(params=["vq", "bsq"])
def quantizer(request: pytest.FixtureRequest) -> MultiScaleQuantizer:
    values = {"kind": request.param, "schedule": (1, 2, 4), "latent_channels": 4, "codebook_size": 16}
    quantizer = MultiScaleQuantizer(QuantizerConfig.model_validate(values)).eval().requires_grad_(False)
    if isinstance(quantizer.codes, VectorCodes):
        quantizer.codes.codebook.copy_(torch.randn(16, 4, generator=torch.Generator().manual_seed(2)))
    return quantizer


@pytest.fixture
def z() -> Tensor:
    return torch.randn(6, 4, 4, 4, generator=torch.Generator().manual_seed(0))


def other_labels(quantizer: MultiScaleQuantizer) -> list[Tensor]:
    shape = quantizer.codes.label_shape()
    high = 2 if shape else 16
    generator = torch.Generator().manual_seed(5)
    return [torch.randint(high, (6, size, *shape), generator=generator) for size in SIZES]


def test_rates_stay_below_the_largest_of_their_scale_and_are_zero_for_the_other_pictures():
    rates = draw_rates((0.0, 0.2, 0.8), 0.5, 4000, step_generator(0, 0), CPU)
    assert rates.amax(dim=0).tolist() == pytest.approx([0.0, 0.2, 0.8], abs=0.01)
    corrected = rates[:, 2] > 0
    assert float(corrected.float().mean()) == pytest.approx(0.5, abs=0.03)
    assert torch.equal(corrected, rates[:, 1] > 0)
    assert float(rates[corrected, 2].mean()) == pytest.approx(0.4, abs=0.02)


def test_a_rate_of_zero_is_the_plain_decomposition(quantizer, z):
    plain, got = (
        quantizer(z),
        split_with(quantizer, z, torch.zeros(6, 3), other_labels(quantizer), step_generator(0, 0)),
    )
    assert all(map(torch.equal, plain.labels, got.labels)) and all(map(torch.equal, plain.partial, got.partial))


def test_a_rate_of_one_adds_the_given_labels_and_asks_for_what_is_then_missing(quantizer, z):
    samples = other_labels(quantizer)
    got = split_with(quantizer, z, torch.ones(6, 3), samples, step_generator(0, 0))
    torch.testing.assert_close(got.partial[-1], quantizer.combine(samples))
    known, _ = quantizer.split(z, known=samples)
    assert all(map(torch.equal, known.labels, got.labels))
    assert not torch.equal(quantizer(z).labels[1], got.labels[1])


def test_each_picture_has_its_own_rate(quantizer, z):
    rates = torch.zeros(6, 3)
    rates[2] = 1.0
    plain, got = quantizer(z), split_with(quantizer, z, rates, other_labels(quantizer), step_generator(0, 0))
    same = [torch.equal(a, b) for a, b in zip(plain.partial[-1], got.partial[-1], strict=True)]
    assert same == [True, True, False, True, True, True]


def test_samples_follow_the_logits_and_the_temperatures(quantizer):
    n = quantizer.codes.n_logits
    logits = torch.zeros(2000, 21, n)
    logits[..., 1] = 2.0
    drawn = own_samples(quantizer, logits, (1.0, 0.0, 0.25), step_generator(0, 0))
    assert [label.shape[1] for label in drawn] == list(SIZES)
    vq = not quantizer.codes.label_shape()
    shares = [float(((label == 1) if vq else (label[..., 1] == 1)).float().mean()) for label in drawn]

    def expected(temperature: float) -> float:
        raised = torch.tensor(2.0 / temperature).exp().item()
        return raised / (raised + (n - 1 if vq else 1))

    assert shares == pytest.approx([expected(1.0), 1.0, expected(0.25)], abs=0.04)
