"""Numbers with as many digits as their standard error supports."""

from __future__ import annotations

import math
from typing import TypeGuard

MINUS = "\N{MINUS SIGN}"
SIGNIFICANT = 3
MOST_DECIMALS = 9
"""Errors below this are rounding, not information."""
PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def decimals_of(se: float) -> int:
    """Return the decimals that a standard error supports; negative for tens, hundreds, ...

    Two digits of an error that begins with 100 to 354, one of an error that begins with 355 to 949; what is above
    rounds up to the next power of ten, with two.

    Source: Particle Data Group, Review of Particle Physics, introduction, section 5.3.

    Raises:
        ValueError: The error is not positive and finite.
    """
    if not (math.isfinite(se) and se > 0):
        raise ValueError(f"a standard error must be positive and finite to give digits, got {se}")
    exponent = math.floor(math.log10(se))
    leading = se / 10.0**exponent
    return min(-exponent + (1 if leading < 3.55 else 0), MOST_DECIMALS)


def significant_decimals(value: float, digits: int = SIGNIFICANT) -> int:
    """Return the decimals that show so many significant digits; whole numbers keep all of theirs."""
    if value == 0 or not math.isfinite(value):
        return 0
    return max(0, digits - 1 - math.floor(math.log10(abs(value))))


def fixed(value: float, decimals: int, *, sign: bool = False) -> str:
    """Write a number with so many decimals, thousands set apart, a true minus, and never a negative zero.

    Args:
        value: A finite number.
        decimals: Negative rounds to tens, hundreds, ...
        sign: Whether positive numbers get a plus.
    """
    rounded = round(value, decimals)
    text = f"{abs(rounded):,.{max(0, decimals)}f}"
    if rounded == 0:
        return text
    return (MINUS if rounded < 0 else "+" if sign else "") + text


def plain(value: float, *, sign: bool = False) -> str:
    """Write a number whose error is unknown: three significant digits, whole numbers in full."""
    if value == int(value) and abs(value) < 1e15:
        return fixed(value, 0, sign=sign)
    return fixed(value, significant_decimals(value), sign=sign)


def is_error(se: float | None) -> TypeGuard[float]:
    """Tell whether a standard error is one that digits can follow from."""
    return se is not None and math.isfinite(se) and se > 0


def error_of(se: float | None, low: float | None, high: float | None) -> float | None:
    """Return what the digits of a number follow from: its standard error, else half the width of its interval.

    None if neither is known.
    """
    if is_error(se):
        return se
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return None
    return (high - low) / 2


def with_error(value: float, se: float | None, *, sign: bool = False) -> str:
    """Write a number with its standard error, as in ``0.252 ± 0.014``; without one, as ``plain`` does."""
    if not is_error(se):
        return plain(value, sign=sign)
    decimals = decimals_of(se)
    return f"{fixed(value, decimals, sign=sign)} ± {fixed(se, decimals)}"


def value_alone(value: float, se: float | None, *, sign: bool = False) -> str:
    """Write a number with the digits that its error supports, without the error."""
    if not is_error(se):
        return plain(value, sign=sign)
    return fixed(value, decimals_of(se), sign=sign)


def span(low: float | None, high: float | None, se: float | None = None, *, sign: bool = False) -> str:
    """Write an interval, as in ``0.225 to 0.279``; an open end is named."""
    error = error_of(se, low, high)

    def one(end: float) -> str:
        return plain(end, sign=sign) if error is None else fixed(end, decimals_of(error), sign=sign)

    if low is None and high is None:
        return ""
    if low is None:
        return f"at most {one(float(high or 0))}"
    return f"at least {one(low)}" if high is None else f"{one(low)} to {one(high)}"


def prefixed(value: float) -> tuple[float, str]:
    """Return a factor and a prefix that make a large number readable, as in ``1.2 GFLOP``."""
    for factor, prefix in PREFIXES:
        if abs(value) >= factor:
            return factor, prefix
    return 1.0, ""
