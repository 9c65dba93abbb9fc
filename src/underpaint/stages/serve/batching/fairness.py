"""Whose turn it is: classes with guaranteed shares, and within a class the owner who had least of the device.

Every owner has a line, and a virtual time that grows by the device-seconds it is given; the lowest goes next. A class
with a guaranteed share earns credit while others are served and goes first while it has some; what it gets in spare
time is free.

Source: Goyal, Vin and Cheng, "Start-time fair queueing", 1996 (virtual time).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

JobClass = Literal["interactive", "batch", "background"]
CLASSES: tuple[JobClass, ...] = ("interactive", "batch", "background")
"""Who goes first."""

SHARES: dict[JobClass, float] = {"batch": 0.10, "background": 0.01}
"""Shares of the device's time that classes get whatever waits before them."""

OVERDUE_S = 2.0
OVERDUE_FACTOR = 4.0
"""A line is overdue when it waited longer than both, times the number of lines: ``OVERDUE_FACTOR`` services, 2 s."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """The waiting work of one owner in one class.

    Args:
        job_class: Its class.
        owner: Whose it is.
        virtual_s: Device-seconds given to the owner, as its virtual time counts them.
        since: When the line last moved on, or began, in seconds since 1970.
        cost_s: Device-seconds of what stands at its head.
    """

    job_class: JobClass
    owner: str
    virtual_s: float
    since: float
    cost_s: float


def classes_in_order(present: Collection[JobClass], credit: Mapping[JobClass, float]) -> list[JobClass]:
    """Return the classes that have work, in the order in which they are served."""
    return sorted(present, key=lambda name: (credit.get(name, 0.0) <= 0, CLASSES.index(name)))


def lines_in_order(lines: Iterable[Line], credit: Mapping[JobClass, float], now: float) -> list[Line]:
    """Return lines in the order in which they are served.

    Args:
        lines: The lines that have work.
        credit: Device-seconds that classes have earned.
        now: Seconds since 1970.
    """
    by_class: dict[JobClass, list[Line]] = {}
    for line in lines:
        by_class.setdefault(line.job_class, []).append(line)
    order = classes_in_order(by_class, credit)
    return [line for name in order for line in _within(by_class[name], now)]


def _within(lines: list[Line], now: float) -> list[Line]:
    def turn(line: Line) -> tuple[bool, float, float, str]:
        bound_s = len(lines) * max(OVERDUE_S, OVERDUE_FACTOR * line.cost_s)
        overdue = now - line.since > bound_s
        return not overdue, line.since if overdue else line.virtual_s, line.since, line.owner

    return sorted(lines, key=turn)


def credit_after(
    credit: Mapping[JobClass, float], *, served: JobClass, cost_s: float, present: Collection[JobClass]
) -> dict[JobClass, float]:
    """Return the classes' credit after one of them was served.

    Args:
        credit: What they had.
        served: The class that was served.
        cost_s: Device-seconds that it was given.
        present: The classes that had work, the served one among them.
    """
    after: dict[JobClass, float] = {}
    for name, share in SHARES.items():
        had = credit.get(name, 0.0)
        if name not in present:
            after[name] = 0.0
        elif name != served:
            after[name] = had + share * cost_s
        else:
            after[name] = had - (1 - share) * cost_s if had > 0 else had
    return after


def starting_time(own_s: float, active_s: Iterable[float], all_s: Iterable[float]) -> float:
    """Return the virtual time of an owner who comes back: idling earns nothing.

    Args:
        own_s: The virtual time it left with; 0 for a new owner.
        active_s: Virtual times of the owners in its class who have work.
        all_s: Virtual times of all owners in its class.
    """
    active = list(active_s)
    return max(own_s, min(active)) if active else max([own_s, *all_s])
