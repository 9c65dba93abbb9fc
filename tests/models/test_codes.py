from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from underpaint.models.binary_codes import BinaryCodes
from underpaint.models.nucleus import top_p_filter
from underpaint.models.vector_codes import VectorCodes


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gumbel(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    noise = np.random.default_rng(seed).gumbel(size=shape)
    return torch.from_numpy(noise.astype(np.float32))


@pytest.fixture
def vq() -> VectorCodes:
    codes = VectorCodes(size=16, dim=3, num_scales=2, num_neighbors=4)
    codes.start(torch.randn(500, 3, generator=rng(1)), rng(2))
    return codes


@pytest.fixture
def bsq() -> BinaryCodes:
    codes = BinaryCodes(dim=5, num_scales=2)
    codes.gains.copy_(torch.tensor([0.8, 0.3]))
    return codes


def test_quantizing_a_code_gives_the_code(vq, bsq):
    labels = torch.arange(16)[None]
    for scale in range(2):
        embedding, again = vq.quantize(vq.embed(labels, scale), scale)
        assert torch.equal(again, labels) and torch.equal(embedding, vq.embed(labels, scale))
        bits = torch.randint(2, (4, 7, 5), generator=rng())
        embedding, again = bsq.quantize(bsq.embed(bits, scale), scale)
        assert torch.equal(again, bits) and torch.equal(embedding, bsq.embed(bits, scale))


def test_the_nearest_code_is_chosen(vq):
    vectors = torch.randn(2, 50, 3, generator=rng())
    embedding, labels = vq.quantize(vectors, 0)
    distances = (vectors[:, :, None] - vq.codebook).square().sum(-1)
    assert torch.equal(labels, distances.argmin(-1))
    assert torch.equal(embedding, vq.codebook[labels])


def test_a_binary_code_is_the_sign_times_the_gain_of_its_scale(bsq):
    vectors = torch.tensor([[[0.1, -0.1, 5.0, -5.0, 0.2]]])
    for scale, gain in enumerate((0.8, 0.3)):
        embedding, labels = bsq.quantize(vectors, scale)
        assert labels.tolist() == [[[1, 0, 1, 0, 1]]]
        torch.testing.assert_close(embedding, torch.tensor([[[1, -1, 1, -1, 1]]]) * gain)


def test_the_interface_tells_shapes(vq, bsq):
    assert (vq.n_logits, vq.label_shape(), vq.noise_shape()) == (16, (), (16,))
    assert (bsq.n_logits, bsq.label_shape(), bsq.noise_shape()) == (5, (5,), (5, 2))


def chi_square(counts: Tensor, probability: Tensor) -> float:
    expected = probability * counts.sum()
    return float(((counts - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
def test_vector_codes_are_sampled_with_the_softmax_frequencies(vq, temperature):
    logits = torch.randn(16, generator=rng(3))
    labels = vq.sample(logits.expand(1, 40_000, 16), temperature, 1.0, gumbel((1, 40_000, 16)))
    counts = torch.bincount(labels.flatten(), minlength=16).double()
    probability = (logits.double() / temperature).softmax(0)
    assert chi_square(counts, probability) < 37.7  # 15 degrees of freedom, exceeded once in 1,000
    assert chi_square(counts, (logits.double() / temperature * 1.1).softmax(0)) > 37.7


@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
def test_bits_are_sampled_with_the_sigmoid_frequencies_and_apart(bsq, temperature):
    logits = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0])
    bits = bsq.sample(logits.expand(1, 40_000, 5), temperature, 1.0, gumbel((1, 40_000, 5, 2)))[0].double()
    expected = (logits.double() / temperature).sigmoid()
    deviation = (bits.mean(0) - expected) / (expected * (1 - expected) / 40_000).sqrt()
    assert float(deviation.abs().max()) < 4.0
    correlation = np.corrcoef(bits.numpy().T) - np.eye(5)
    assert np.abs(correlation).max() < 4.0 / math.sqrt(40_000)


def test_temperature_zero_takes_the_likeliest(vq, bsq):
    logits = torch.randn(2, 9, 16, generator=rng())
    assert torch.equal(vq.sample(logits, 0.0, 0.1, gumbel((2, 9, 16))), logits.argmax(-1))
    bits = torch.randn(2, 9, 5, generator=rng())
    assert torch.equal(bsq.sample(bits, 0.0, 1.0, gumbel((2, 9, 5, 2))), (bits > 0).long())


def test_sampling_stays_inside_the_nucleus(vq):
    logits = torch.randn(16, generator=rng(3)) * 2
    labels = vq.sample(logits.expand(1, 20_000, 16), 1.0, 0.8, gumbel((1, 20_000, 16)))
    inside = torch.isfinite(top_p_filter(logits, 0.8))
    assert set(labels.flatten().tolist()) == set(inside.nonzero().flatten().tolist()) != set(range(16))


def test_the_loss_is_cross_entropy(vq, bsq):
    logits, labels = torch.randn(2, 7, 16, generator=rng()), torch.randint(16, (2, 7), generator=rng(1))
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    torch.testing.assert_close(vq.loss(logits, labels).flatten(), expected)
    bit_logits, bits = torch.randn(2, 7, 5, generator=rng()), torch.randint(2, (2, 7, 5), generator=rng(1))
    p = bit_logits.sigmoid()
    expected = -torch.where(bits == 1, p.log(), (1 - p).log()).sum(-1)
    torch.testing.assert_close(bsq.loss(bit_logits, bits), expected)


def test_smoothing_gives_its_share_to_the_nearest_codes(vq, bsq):
    logits, labels = torch.randn(2, 7, 16, generator=rng()), torch.randint(16, (2, 7), generator=rng(1))
    target = torch.zeros(2, 7, 16)
    for b in range(2):
        for t in range(7):
            target[b, t, labels[b, t]] = 0.8
            target[b, t, vq.neighbors[labels[b, t]]] = 0.2 / 4
    expected = -(target * logits.log_softmax(-1)).sum(-1)
    torch.testing.assert_close(vq.loss(logits, labels, 0.2), expected)
    bits = torch.tensor([[[1, 0, 1, 0, 1]]])
    best = torch.logit(torch.tensor([[[0.95, 0.05, 0.95, 0.05, 0.95]]])).requires_grad_()
    bsq.loss(best, bits, 0.1).sum().backward()
    torch.testing.assert_close(best.grad, torch.zeros_like(best), atol=1e-6, rtol=0)


def test_neighbors_are_the_nearest_other_codes(vq):
    for code in range(16):
        distance = (vq.codebook - vq.codebook[code]).norm(dim=1)
        distance[code] = math.inf
        assert set(vq.neighbors[code].tolist()) == set(distance.argsort()[:4].tolist())


def test_neighbors_are_known_again_after_loading(vq):
    fresh = VectorCodes(size=16, dim=3, num_scales=2, num_neighbors=4)
    fresh.load_state_dict(vq.state_dict())
    assert torch.equal(fresh.neighbors, vq.neighbors) and "neighbors" not in vq.state_dict()


def test_a_tiny_codebook_has_as_many_neighbors_as_there_are():
    codes = VectorCodes(size=3, dim=2, num_scales=1)
    codes.start(torch.randn(9, 2, generator=rng()), rng())
    assert [set(row) for row in codes.neighbors.tolist()] == [{1, 2}, {0, 2}, {0, 1}]


@pytest.mark.parametrize("name", ["vq", "bsq"])
def test_each_picture_is_perturbed_at_its_own_rate(name, request):
    codes = request.getfixturevalue(name)
    labels = torch.zeros(3, 4000, *codes.label_shape(), dtype=torch.int64)
    rate = torch.tensor([0.0, 0.25, 1.0])
    changed = codes.perturb(labels, rate, rng()) != labels
    shares = changed.double().flatten(1).mean(1).tolist()
    assert shares[0] == 0.0 and shares[2] == 1.0 and shares[1] == pytest.approx(0.25, abs=0.03)


def test_a_perturbed_vector_code_is_one_of_its_neighbors(vq):
    labels = torch.arange(16).repeat(1, 50)
    moved = vq.perturb(labels, torch.ones(1), rng())
    for before, after in zip(labels[0].tolist(), moved[0].tolist(), strict=True):
        assert after in vq.neighbors[before].tolist()


def test_codes_move_to_the_mean_of_what_they_stand_for():
    codes = VectorCodes(size=2, dim=2, num_scales=1, decay=0.9)
    centers = torch.tensor([[3.0, 0.0], [-3.0, 1.0]])
    vectors = torch.cat([c + 0.1 * torch.randn(200, 2, generator=rng(i)) for i, c in enumerate(centers)])[None]
    codes.codebook.copy_(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    codes.sums.copy_(codes.codebook)
    for _ in range(200):
        labels = codes.quantize(vectors, 0)[1]
        codes.observe(vectors, labels, 0)
        assert codes.learn(rng()) == 0
    torch.testing.assert_close(codes.codebook, torch.stack([vectors[0, :200].mean(0), vectors[0, 200:].mean(0)]))


def test_an_average_of_two_scales_is_that_of_all_their_vectors():
    codes = VectorCodes(size=2, dim=1, num_scales=2, decay=0.0)
    codes.observe(torch.tensor([[[1.0], [3.0]]]), torch.tensor([[0, 0]]), 0)
    codes.observe(torch.tensor([[[8.0], [-1.0]]]), torch.tensor([[0, 1]]), 1)
    codes.learn(rng(), restart=False)
    torch.testing.assert_close(codes.codebook, torch.tensor([[4.0], [-1.0]]))


def test_unused_codes_restart_at_vectors_that_were_seen(vq):
    vectors = torch.randn(1, 300, 3, generator=rng(7))
    vq.codebook[5] = 1000.0
    vq.sums[5], vq.counts[5] = 0.0, 1e-9
    labels = vq.quantize(vectors, 0)[1]
    vq.observe(vectors, labels, 0)
    assert vq.learn(rng(), restart=True) == 1
    assert (vectors[0] == vq.codebook[5]).all(-1).any()
    torch.testing.assert_close(vq.sums[5] / vq.counts[5], vq.codebook[5])


def test_restarts_can_be_put_off(vq):
    vectors = torch.randn(1, 300, 3, generator=rng(7))
    vq.counts[5] = 1e-9
    vq.observe(vectors, torch.zeros(1, 300, dtype=torch.int64), 0)
    assert vq.learn(rng(), restart=False) == 0


def test_k_means_puts_each_code_into_the_middle_of_its_vectors():
    vectors = torch.randn(400, 2, generator=rng())
    errors = []
    for rounds in (0, 2, 100):
        codes = VectorCodes(size=12, dim=2, num_scales=1)
        codes.start(vectors, rng(3), rounds)
        embedding, labels = codes.quantize(vectors, 0)
        errors.append(float((vectors - embedding).square().mean()))
    assert errors[0] > errors[1] > errors[2]
    middles = torch.stack([vectors[labels == code].mean(0) for code in range(12)])
    torch.testing.assert_close(codes.codebook, middles)
    torch.testing.assert_close(codes.sums / codes.counts[:, None], codes.codebook)


def test_gains_follow_the_magnitude_of_each_scale():
    codes = BinaryCodes(dim=4, num_scales=2, decay=0.9)
    for _ in range(200):
        codes.observe(torch.full((2, 3, 4), -0.5), torch.zeros(2, 3, 4), 0)
        codes.observe(torch.full((2, 3, 4), 0.2), torch.zeros(2, 3, 4), 1)
        codes.learn(rng())
    torch.testing.assert_close(codes.gains, torch.tensor([0.5, 0.2]))


def test_usage_counts_codes_and_entropy(vq, bsq):
    assert vq.usage(torch.arange(16)[None]) == pytest.approx({"used": 1.0, "entropy_bits": 4.0})
    assert vq.usage(torch.tensor([[3, 3, 7, 7]])) == pytest.approx({"used": 2 / 16, "entropy_bits": 1.0})
    assert vq.usage(torch.zeros(1, 9, dtype=torch.int64)) == pytest.approx({"used": 1 / 16, "entropy_bits": 0.0})
    every = torch.tensor([[[(code >> bit) & 1 for bit in range(5)] for code in range(32)]])
    assert bsq.usage(every) == pytest.approx({"used": 1.0, "entropy_bits": 5.0})
    stuck = every.clone()
    stuck[..., :3] = 1
    assert bsq.usage(stuck) == pytest.approx({"used": 2 / 5, "entropy_bits": 2.0})
