"""Filling a batch behind the unit that leads it: alike ones only, fairly, and nobody made late.

Source: the number of units that is worth it comes from a measured profile (``profile.py``), never from a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from underpaint.stages.serve.batching.fairness import CLASSES, JobClass

LineKey = tuple[JobClass, str]
"""Whose turn is counted: a class and an owner."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One picture, or one job, that waits.

    Args:
        id: Its name.
        owner: Whose it is.
        job_class: Its class.
        key: Units of one key may be worked on together; empty for always alone.
        arrived_at: When it came, in seconds since 1970.
        cost_s: Device-seconds that it takes alone.
        deadline_at: When its result is needed, or None.
        priority: Among its owner's units, the highest goes first.
    """

    id: str
    owner: str
    job_class: JobClass
    key: str
    arrived_at: float
    cost_s: float
    deadline_at: float | None = None
    priority: int = 0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many units of a key go together.

    Args:
        cap: Most units in a batch, from 1.
        seconds: Device-seconds of a batch of so many.
    """

    cap: int
    seconds: Callable[[int], float]


def alone(unit_cost_s: float) -> Plan:
    """Return the plan for units that are worked on one by one."""
    return Plan(cap=1, seconds=lambda units: unit_cost_s * units)


def is_too_late(deadline_at: float | None, now: float, seconds: float) -> bool:
    """Whether something that takes so long cannot be finished in time."""
    return deadline_at is not None and now + seconds > deadline_at


def fill(head: Unit, others: Iterable[Unit], virtual_s: Mapping[LineKey, float], plan: Plan, now: float) -> list[Unit]:
    """Return a batch: the head, and units of its key, the owner who had least first.

    Args:
        head: The unit whose turn it is.
        others: Units that wait, each owner's in their order; those of other keys are left out.
        virtual_s: Device-seconds that owners were given, the head not counted.
        plan: The cap and the times of the head's key.
        now: Seconds since 1970.
    """
    given = dict(virtual_s)
    lines: dict[LineKey, list[Unit]] = {}
    for unit in others:
        if unit.key == head.key != "" and unit.id != head.id:
            lines.setdefault((unit.job_class, unit.owner), []).append(unit)
    batch = [head]
    _count(head, given)
    while lines and len(batch) < plan.cap:
        key = min(lines, key=lambda line: (CLASSES.index(line[0]), given.get(line, 0.0), line[1]))
        unit = lines[key].pop(0)
        if not lines[key]:
            del lines[key]
        if _in_time([*batch, unit], plan, now):
            batch.append(unit)
            _count(unit, given)
    return batch


def _count(unit: Unit, given: dict[LineKey, float]) -> None:
    line = (unit.job_class, unit.owner)
    given[line] = given.get(line, 0.0) + unit.cost_s


def _in_time(batch: Sequence[Unit], plan: Plan, now: float) -> bool:
    seconds = plan.seconds(len(batch))
    return not any(is_too_late(unit.deadline_at, now, seconds) for unit in batch)
