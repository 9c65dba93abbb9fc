from __future__ import annotations

import pytest

from underpaint.core.errors import InputError
from underpaint.stages.optimize.advise.asked import Asked, read_latency, read_volume


@pytest.mark.parametrize(
    ("text", "per_month"),
    [
        ("100000/month", 100_000.0),
        ("100,000/month", 100_000.0),
        ("100_000 per month", 100_000.0),
        ("12/year", 1.0),
        ("1.2k/years", 100.0),
        ("2M/month", 2e6),
        ("1/hour", 730.5),
        ("10/day", 10 * 730.5 / 24),
        ("1/s", None),
        ("1/second", 730.5 * 3600),
    ],
)
def test_a_volume_is_read_in_any_time(text: str, per_month: float | None) -> None:
    if per_month is None:
        with pytest.raises(InputError, match="unknown; choose one of second"):
            read_volume(text)
    else:
        assert read_volume(text) == pytest.approx(per_month)


@pytest.mark.parametrize(
    ("text", "help_"),
    [
        ("100000", "write 100000/month"),
        ("5k", "write 5k/month"),
        ("many", "no number"),
        ("-5/month", "no number"),
        ("0/month", "more than 0"),
        ("9999999999999/month", "at most"),
        ("5/fortnight", "choose one of"),
        ("nan/month", "no number"),
    ],
)
def test_a_volume_that_says_too_little_is_refused_with_what_to_write(text: str, help_: str) -> None:
    with pytest.raises(InputError, match=help_):
        read_volume(text)


@pytest.mark.parametrize(("text", "ms"), [("500ms", 500.0), ("0.5s", 500.0), ("2 S", 2000.0)])
def test_a_latency_is_read_in_its_unit(text: str, ms: float) -> None:
    assert read_latency(text) == ms


@pytest.mark.parametrize(("text", "help_"), [("500", "500ms or 500s"), ("5h", "no time"), ("0ms", "above 0")])
def test_a_latency_without_a_unit_is_refused(text: str, help_: str) -> None:
    with pytest.raises(InputError, match=help_):
        read_latency(text)


def test_the_peak_is_the_mean_times_the_factor() -> None:
    asked = Asked(per_month=730.5 * 3600, latency_ms=1.0, peak_to_mean=3.0)
    assert (asked.mean_per_s, asked.peak_per_s) == (1.0, 3.0)
