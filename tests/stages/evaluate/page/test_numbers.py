from __future__ import annotations

import numpy as np
import pytest

from underpaint.stages.evaluate.page import numbers


@pytest.mark.parametrize(
    ("value", "se", "text"),
    [
        (0.2523, 0.0141, "0.252 ± 0.014"),
        (12.345, 0.5, "12.3 ± 0.5"),
        (1234.5, 123.0, "1,230 ± 120"),
        (0.827, 0.119, "0.83 ± 0.12"),
        (0.827, 0.367, "0.8 ± 0.4"),
        (0.8, 0.0964, "0.80 ± 0.10"),
        (-0.0004, 0.01, "0.000 ± 0.010"),
        (-3.0, 0.2, "−3.00 ± 0.20"),
        (5.0, None, "5"),
        (0.123456, None, "0.123"),
    ],
)
def test_digits_follow_the_error(value: float, se: float | None, text: str) -> None:
    assert numbers.with_error(value, se) == text


def test_rounding_is_small_against_the_error() -> None:
    rng = np.random.default_rng(0)
    for value, exponent in zip(rng.normal(size=500), rng.uniform(-6, 4, 500), strict=True):
        se = float(10**exponent)
        number = float(value * se * 100)
        shown = numbers.value_alone(number, se).replace(",", "").replace(numbers.MINUS, "-")
        assert abs(float(shown) - number) <= 0.15 * se


@pytest.mark.parametrize("shift", [-3, -1, 2, 5])
def test_the_unit_does_not_change_how_many_digits_are_shown(shift: int) -> None:
    for se in (0.0101, 0.0354, 0.036, 0.0949, 0.0951):
        assert numbers.decimals_of(se) - numbers.decimals_of(se * 10.0**shift) == shift


@pytest.mark.parametrize("se", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_error_is_refused(se: float) -> None:
    with pytest.raises(ValueError, match="positive and finite"):
        numbers.decimals_of(se)


def test_intervals_name_their_open_ends() -> None:
    assert numbers.span(0.2247, 0.2799, 0.0141) == "0.225 to 0.280"
    assert numbers.span(None, 0.0123) == "at most 0.0123"
    assert numbers.span(3.0, None) == "at least 3"
    assert numbers.span(None, None) == ""


def test_signs_are_shown_where_asked() -> None:
    assert numbers.with_error(0.012, 0.007, sign=True) == "+0.012 ± 0.007"
    assert numbers.plain(-1.5) == "−1.50"
    assert numbers.fixed(-0.0001, 2) == "0.00"
