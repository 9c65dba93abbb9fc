"""The words of an advice: the answer in a sentence, and what a reader must check."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

from underpaint.stages.optimize.advise.advice import BreakEven, Row
from underpaint.stages.optimize.advise.asked import Asked
from underpaint.stages.optimize.advise.figure import Figure
from underpaint.stages.optimize.advise.prices import Prices

DIGITS = 3
OLD_DAYS = 365
"""Prices older than this are pointed out."""


def sentence(order: Sequence[Row], asked: Asked, currency: str) -> str:
    """Return the answer: the cheapest machine, and whether the next one can be told from it."""
    ready = [row for row in order if row.money is not None]
    best = ready[0]
    assert best.money is not None and best.machines is not None
    count = round(best.machines.value)
    text = (
        f"{asked.per_month:,.0f} pictures a month within {asked.latency_ms:g} ms are cheapest on {count} × "
        f"{best.machine}: {amount(best.money.value)} {currency} a month"
    )
    if len(ready) > 1 and (after := ready[1].money) is not None:
        apart = best.money.high is not None and best.money.high < after.low
        said = "" if apart else ", which these prices do not tell apart"
        text += f"; next is {ready[1].machine} with {amount(after.value)}{said}"
    return f"{text}."


def amount(value: float) -> str:
    """Write a number with three digits, thousands set apart, and no exponent."""
    if value == 0.0 or abs(value) >= 100.0:
        return f"{value:,.0f}"
    decimals = DIGITS - 1 - math.floor(math.log10(abs(value)))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def pictures(value: float) -> str:
    """Write a volume with three digits, as in ``1,590,000``."""
    return amount(float(f"{value:.3g}"))


def warnings_of(prices: Prices, rows: Sequence[Row], evens: Sequence[BreakEven], today: date) -> list[str]:
    """Say what a reader must check."""
    found = ["these are example prices: replace every number, source and date by your own"] if prices.example else []
    old = [one for one in prices.stated() if (today - one.date).days > OLD_DAYS]
    if old:
        first = min(one.date for one in old)
        found.append(f"{len(old)} stated numbers are older than a year, the oldest of {first}: look them up again")
    disturbed = dict.fromkeys(f"{row.measured}: {reason}" for row in rows for reason in row.noise)
    found += [f"measured while the machine was disturbed: {text}" for text in disturbed]
    again = [one for one in evens if one.again]
    found += [f"{one.below} and {one.above} change places more than once, as machines are added" for one in again]
    return found


def spanned(figure: Figure | None) -> str:
    """Write a figure with its interval, as in ``12.3 (10.1 to 15)``; what is not known is a dash."""
    if figure is None:
        return "–"
    if figure.high is None:
        return f"{amount(figure.value)} (from {amount(figure.low)})"
    if amount(figure.low) == amount(figure.high):
        return amount(figure.value)
    return f"{amount(figure.value)} ({amount(figure.low)} to {amount(figure.high)})"
