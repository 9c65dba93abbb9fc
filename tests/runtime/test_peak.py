from __future__ import annotations

import pytest
import torch

from underpaint.core.errors import InputError
from underpaint.runtime.peak import Peak, gemm_speed, measure_peak, place, sustained, triad_speed


class Ticking:
    """A clock on which every look takes a tenth of a second."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        self.time += 0.1
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_work_lasts_as_long_as_asked_and_the_first_call_is_not_timed():
    calls: list[int] = []
    rate = sustained(lambda: calls.append(1), 1.95, torch.device("cpu"), Ticking())
    assert len(calls) == 21
    assert rate == pytest.approx(10.0)


def test_a_matrix_product_counts_two_a_multiply_add():
    assert gemm_speed(8, 0.95, torch.float32, clock=Ticking()) == pytest.approx(2 * 8**3 * 10)


def test_the_triad_moves_three_arrays():
    assert triad_speed(0.95, num_bytes=4000, clock=Ticking()) == pytest.approx(3 * 4000 * 10)


def test_the_best_side_is_the_peak():
    peak = measure_peak(seconds=0.01, sides=(16, 64), triad_bytes=2**16)
    assert peak.flops_per_s == max(peak.by_side.values()) and set(peak.by_side) == {16, 64}
    assert peak.dtype == "float32" and peak.bytes_per_s > 0.0
    with pytest.raises(InputError, match="at least one side"):
        measure_peak(sides=())


@pytest.mark.parametrize(("traffic", "nearer"), [(10.0, "compute"), (1e6, "memory")])
def test_the_nearer_roof_is_the_one_more_of_which_is_used(traffic, nearer):
    peak = Peak(flops_per_s=1000.0, bytes_per_s=100.0, by_side={}, dtype="float32", num_threads=1)
    roof = place(500.0, traffic, 2.0, peak)
    assert roof.fraction_of_peak == 0.25 and roof.nearer == nearer
    assert roof.fraction_of_bandwidth == pytest.approx(traffic / 200.0)
