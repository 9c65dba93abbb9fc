"""Laws of streaming moments: numpy's mean and covariance, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest

from underpaint.core.errors import DegenerateSamples, TooFewSamples
from underpaint.metrics.moments import Moments

ROWS = (np.random.default_rng(0).normal(size=(331, 7)) + 1e4).astype(np.float32)


@pytest.mark.parametrize("size", [1, 10, 64, 331])
def test_blocks_of_any_size_give_numpys_mean_and_covariance(size: int) -> None:
    moments = Moments.of(ROWS[i : i + size] for i in range(0, len(ROWS), size))
    assert moments.n == len(ROWS)
    assert np.allclose(moments.mean, ROWS.astype(np.float64).mean(axis=0), rtol=1e-12)
    assert np.allclose(moments.covariance, np.cov(ROWS.astype(np.float64), rowvar=False), rtol=1e-9, atol=1e-10)


def test_deleting_a_group_undoes_merging_it() -> None:
    kept, group = Moments.of(ROWS[:200]), Moments.of(ROWS[200:])
    again = kept.merge(group).without(group)
    assert again.n == kept.n
    assert np.allclose(again.mean, kept.mean, rtol=1e-12)
    assert np.allclose(again.scatter, kept.scatter, rtol=1e-8, atol=1e-7)


def test_what_cannot_be_measured_is_refused() -> None:
    broken = ROWS.copy()
    broken[217, 3] = np.nan
    with pytest.raises(DegenerateSamples, match="row 217 of the generated features holds nan in dimension 3"):
        Moments.of(broken[i : i + 50] for i in range(0, len(broken), 50))
    with pytest.raises(DegenerateSamples, match="no generated features"):
        Moments.of([])
    with pytest.raises(DegenerateSamples, match="one d for all"):
        Moments.of([ROWS[:3], ROWS[:3, :2]])
    with pytest.raises(TooFewSamples):
        _ = Moments.of(ROWS[:1]).covariance
    with pytest.raises(TooFewSamples):
        Moments.of(ROWS[:4]).without(Moments.of(ROWS[:4]))
