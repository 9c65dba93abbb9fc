"""A wall clock is trusted where the model before did not wait for a core, and was as fast at the end as at first."""

from __future__ import annotations

import numpy as np
import pytest

from underpaint.stages.optimize.search.timing import Times


def times(first_ms: float, second_ms: float, *, busy: bool = False) -> Times:
    base = np.array([[first_ms] * 5 + [second_ms] * 5, [50.0] * 10])
    return Times(candidate=base / 2, base=base, busy=busy)


@pytest.mark.parametrize(
    ("first_ms", "second_ms", "noisy"), [(50, 50, False), (50, 54, False), (50, 56, True), (56, 50, True)]
)
def test_a_base_that_drifts_is_noise(first_ms: float, second_ms: float, noisy: bool) -> None:
    assert times(first_ms, second_ms).noisy is noisy


def test_a_busy_machine_is_noise() -> None:
    assert times(50, 50, busy=True).noisy
