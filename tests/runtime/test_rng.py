from __future__ import annotations

import math

import numpy as np
import pytest

from underpaint.core.errors import InputError
from underpaint.runtime import rng

DRAWS = (rng.uniform, rng.gumbel, rng.normal)
MASK = 2**64 - 1


def philox_block(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x64-10 as in the paper, in Python's integers."""
    k0, k1 = key
    c0, c1, c2, c3 = counter
    for _ in range(10):
        p0, p1 = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = (p1 >> 64) ^ c1 ^ k0, p1 & MASK, (p0 >> 64) ^ c3 ^ k1, p0 & MASK
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
    return [c0, c1, c2, c3]


def test_raw_words_are_those_of_an_independent_philox():
    key = [int(word) for word in rng.stream_key(7, "gumbel/0")]
    expected = [word for block in range(1, 4) for word in philox_block([block, 0, 0, 0], key)]
    assert [int(word) for word in rng.raw(7, "gumbel/0", 12)] == expected


def test_golden_values():
    """Recorded once with ``rng.<draw>(7, "test", (5,))``; a change redraws every picture ever made."""
    assert [int(word) for word in rng.raw(7, "gumbel/0", 2)] == [0x3D6C8CF8021372DB, 0xA049F6C5FED9F961]
    golden = {
        rng.uniform: [0.668606698513031, 0.508796215057373, 0.03273963928222656, 0.637774646282196, 0.7871478199958801],
        rng.gumbel: [
            0.9099130034446716,
            0.3919947147369385,
            -1.229396939277649,
            0.7990184426307678,
            1.4298737049102783,
        ],
        rng.normal: [
            -0.8959138989448547,
            -0.049566127359867096,
            -1.6948857307434082,
            -1.9914056062698364,
            0.07677363604307175,
        ],
    }
    for draw, values in golden.items():
        np.testing.assert_array_equal(draw(7, "test", (5,)), np.array(values, dtype=np.float32))


@pytest.mark.parametrize("draw", DRAWS)
def test_a_shorter_request_is_a_prefix_of_a_longer_one(draw):
    longest = draw(3, "prefix", (1001,))
    for count in (1, 2, 3, 500, 1000):
        np.testing.assert_array_equal(draw(3, "prefix", (count,)), longest[:count])


@pytest.mark.parametrize("draw", DRAWS)
def test_the_shape_only_folds_the_stream(draw):
    np.testing.assert_array_equal(draw(3, "shape", (2, 3, 5)).reshape(-1), draw(3, "shape", (30,)))
    assert draw(3, "shape", (0, 4)).shape == (0, 4)
    assert draw(3, "shape", ()).shape == ()
    assert draw(3, "shape", (2,)).dtype == np.float32


def test_streams_and_neighboring_seeds_are_uncorrelated():
    count = 20_000
    rows = [rng.normal(seed, stream, (count,)) for seed in (0, 1, 2**32) for stream in ("a", "b", "a/0")]
    correlation = np.corrcoef(np.stack(rows).astype(np.float64))
    assert np.abs(correlation - np.eye(len(rows))).max() < 5 / math.sqrt(count)


def test_streams_meet_their_distributions():
    count = 200_000
    uniform, gumbel, normal = (draw(11, "moments", (count,)).astype(np.float64) for draw in DRAWS)
    assert uniform.min() >= 0.0 and uniform.max() < 1.0
    for sample, mean, variance in (
        (uniform, 0.5, 1 / 12),
        (gumbel, np.euler_gamma, math.pi**2 / 6),
        (normal, 0.0, 1.0),
    ):
        assert abs(sample.mean() - mean) < 5 * math.sqrt(variance / count)
        assert abs(sample.var() / variance - 1) < 0.03
    assert abs((normal**3).mean()) < 5 * math.sqrt(15 / count)


def test_gumbel_max_samples_from_the_softmax():
    logits = np.array([0.0, 1.0, 2.0])
    chosen = (logits + rng.gumbel(5, "max", (50_000, 3))).argmax(axis=1)
    shares = np.bincount(chosen, minlength=3) / 50_000
    np.testing.assert_allclose(shares, np.exp(logits) / np.exp(logits).sum(), atol=0.01)


def test_no_word_makes_an_infinite_number():
    extremes = np.array([0, MASK], dtype=np.uint64)
    u = rng._open_unit(extremes)
    assert u[0] > 0.0 and u[1] < 1.0
    assert np.isfinite(-np.log(-np.log(u))).all()


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(InputError, match="between 0 and"):
        rng.normal(seed, "x", (1,))


def test_the_largest_seed_is_allowed():
    assert rng.normal(2**64 - 1, "x", (1,)).shape == (1,)
