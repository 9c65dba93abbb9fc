from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from underpaint.core.errors import InputError
from underpaint.stages.serve.batching.profile import BatchProfile, ProfilePoint, corrected

SIZES = (1, 2, 3, 4, 8, 16)


def profile(speedups: list[float]) -> BatchProfile:
    """A profile in which a batch of ``SIZES[i]`` has ``speedups[i]`` times the throughput of one unit."""
    pairs = zip(SIZES, speedups, strict=False)
    points = [ProfilePoint(units=size, seconds=size / speedup, peak_bytes=size * 1000) for size, speedup in pairs]
    return BatchProfile(points=tuple(points))


def test_caps_are_those_of_devices_that_were_measured_elsewhere() -> None:
    """Source: figures of a server for pictures on a large GPU, 512 and 1024 pixels."""
    assert profile([1.00, 1.82, 2.69, 2.77, 3.14, 3.21]).cap() == 8
    assert profile([1.00, 1.02]).cap() == 1


def test_the_cap_is_the_smallest_that_is_worth_it() -> None:
    assert profile([1.0, 1.5, 1.9, 2.0, 2.0, 2.0]).cap() == 3
    assert profile([1.0, 1.0, 1.0, 1.0, 1.0, 1.0]).cap() == 1
    assert profile([1.0, 0.9, 0.8, 0.7, 0.6, 0.5]).cap() == 1


def test_memory_and_time_bound_the_cap_but_one_unit_may_take_its_time() -> None:
    rising = profile([1.0, 2.0, 3.0, 4.0, 4.0, 16.0])
    assert rising.cap() == 16
    assert rising.cap(memory_bytes=8000) == 4
    assert rising.cap(max_batch_s=0.9) == 1
    assert profile([1.0, 1.9]).cap(max_batch_s=1.0) == 1
    with pytest.raises(InputError, match="1,000 bytes"):
        rising.cap(memory_bytes=999)


def test_times_pass_through_what_was_measured_and_never_fall() -> None:
    measured = profile([1.00, 1.82, 2.69, 2.77, 3.14, 3.21])
    for point in measured.points:
        assert math.isclose(measured.seconds(point.units), point.seconds)
    times = [measured.seconds(units) for units in range(1, 40)]
    assert times == sorted(times)
    assert math.isclose(measured.seconds(32), 2 * measured.seconds(16))


def test_a_correction_tends_to_what_is_observed() -> None:
    correction = 1.0
    for _ in range(100):
        correction = corrected(correction, observed_s=3.0, profile_s=2.0)
    assert math.isclose(correction, 1.5, rel_tol=1e-4)
    assert corrected(1.0, observed_s=2.0, profile_s=2.0) == 1.0
    assert math.isclose(profile([1.0]).plan(correction=1.5).seconds(1), 1.5)


@pytest.mark.parametrize("sizes", [[], [2], [1, 1], [1, 4, 2]])
def test_a_profile_starts_at_one_and_grows(sizes: list[int]) -> None:
    with pytest.raises(ValidationError):
        BatchProfile(points=tuple(ProfilePoint(units=size, seconds=1.0) for size in sizes))
