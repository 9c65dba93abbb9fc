"""What waits in memory, and the batch that a device gets when it becomes free.

Batches are formed at that moment and not when requests arrive: under load, batches formed at arrival stay small.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from underpaint.stages.serve.batching.fairness import (
    JobClass,
    Line,
    credit_after,
    lines_in_order,
    starting_time,
)
from underpaint.stages.serve.batching.filling import LineKey, Plan, Unit, fill, is_too_late

PlanOf = Callable[[Unit], Plan]
"""How many units go together with a unit, and how long they take."""


def anyone(_unit: Unit) -> bool:
    """Let every unit lead a batch."""
    return True


@dataclass(frozen=True, kw_only=True)
class Formed:
    """What a device shall do next.

    Args:
        batch: Units to work on together; empty if nothing waits.
        expired: Units that could not have been finished in time; they wait no longer.
        seconds: Device-seconds that the batch is expected to take.
    """

    batch: tuple[Unit, ...] = ()
    expired: tuple[Unit, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Upcoming:
    """What a batch would be that was begun now.

    Args:
        units: In the batch.
        cap: Most that go together.
        seconds: Device-seconds of the batch.
    """

    units: int
    cap: int
    seconds: float


class Waiting:
    """The units that wait for one kind of device; not safe for threads.

    Args:
        plan_of: How many units go together with a unit, and how long they take.
    """

    def __init__(self, plan_of: PlanOf) -> None:
        self._plan_of = plan_of
        self._lines: dict[LineKey, list[tuple[int, int, Unit]]] = {}
        self._virtual_s: dict[LineKey, float] = {}
        self._since: dict[LineKey, float] = {}
        self._credit: dict[JobClass, float] = {}
        self._arrivals = 0

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def add(self, unit: Unit) -> None:
        """Let a unit wait at the end of its owner's line, behind those of its priority."""
        line = (unit.job_class, unit.owner)
        if line not in self._lines:
            alike = {key: value for key, value in self._virtual_s.items() if key[0] == unit.job_class}
            active = [value for key, value in alike.items() if key in self._lines]
            self._virtual_s[line] = starting_time(alike.get(line, 0.0), active, alike.values())
            self._since[line] = unit.arrived_at
            self._lines[line] = []
        self._arrivals += 1
        insort(self._lines[line], (-unit.priority, self._arrivals, unit), key=lambda entry: entry[:2])

    def cancel(self, unit_id: str) -> bool:
        """Take a unit out that nobody wants any more; return whether it still waited."""
        for line, entries in list(self._lines.items()):
            for entry in entries:
                if entry[2].id == unit_id:
                    self._drop(line, [entry[2]])
                    return True
        return False

    def upcoming(self, now: float) -> Upcoming | None:
        """Return what a batch would be that was begun now; None if nothing waits."""
        head = self._head(now)
        if head is None:
            return None
        plan = self._plan_of(head)
        units = 1 if plan.cap == 1 or not head.key else len(self._fill(head, plan, now))
        cap = plan.cap if head.key else 1
        return Upcoming(units=units, cap=cap, seconds=plan.seconds(units))

    def take(self, now: float, may_lead: Callable[[Unit], bool] = anyone) -> Formed:
        """Return what a device that is free shall work on, and let it wait no longer.

        Args:
            now: Seconds since 1970.
            may_lead: Whether the unit whose turn it is may be begun; if not, it goes on waiting, and so do all.
        """
        expired: list[Unit] = []
        while (head := self._head(now)) is not None:
            plan = self._plan_of(head)
            if not is_too_late(head.deadline_at, now, plan.seconds(1)):
                if not may_lead(head):
                    break
                batch = self._fill(head, plan, now)
                seconds = plan.seconds(len(batch))
                self._settle(batch, seconds / len(batch), now)
                return Formed(batch=tuple(batch), expired=tuple(expired), seconds=seconds)
            expired.append(head)
            self._drop((head.job_class, head.owner), [head])
        return Formed(expired=tuple(expired))

    def correct(self, batch: Sequence[Unit], seconds: float) -> None:
        """Charge the owners of a batch more, or less if negative, than was expected: observed less expected time."""
        for unit in batch:
            line = (unit.job_class, unit.owner)
            if line in self._virtual_s:
                self._virtual_s[line] += seconds / len(batch)

    def _head(self, now: float) -> Unit | None:
        order = lines_in_order(self._waiting_lines(), self._credit, now)
        return self._lines[order[0].job_class, order[0].owner][0][2] if order else None

    def _waiting_lines(self) -> list[Line]:
        return [
            Line(
                job_class=key[0],
                owner=key[1],
                virtual_s=self._virtual_s[key],
                since=self._since[key],
                cost_s=entries[0][2].cost_s,
            )
            for key, entries in self._lines.items()
        ]

    def _fill(self, head: Unit, plan: Plan, now: float) -> list[Unit]:
        others = (unit for entries in self._lines.values() for _, _, unit in entries)
        return fill(head, others, self._virtual_s, plan, now)

    def _settle(self, batch: Sequence[Unit], share_s: float, now: float) -> None:
        """Charge the owners and the classes for what they get, and take it out of their lines."""
        present: set[JobClass] = {job_class for job_class, _ in self._lines}
        for unit in batch:
            line = (unit.job_class, unit.owner)
            self._virtual_s[line] += share_s
            self._since[line] = now
            self._credit = credit_after(self._credit, served=unit.job_class, cost_s=share_s, present=present)
        served: set[LineKey] = {(unit.job_class, unit.owner) for unit in batch}
        for line in sorted(served):
            self._drop(line, batch)

    def _drop(self, line: LineKey, units: Sequence[Unit]) -> None:
        gone = {unit.id for unit in units}
        self._lines[line] = [entry for entry in self._lines[line] if entry[2].id not in gone]
        if not self._lines[line]:
            del self._lines[line]
            self._forget(line[0])

    def _forget(self, job_class: JobClass) -> None:
        """Forget idle owners whose past makes no difference any more."""
        active = [self._virtual_s[line] for line in self._lines if line[0] == job_class]
        idle = [line for line in self._virtual_s if line[0] == job_class and line not in self._lines]
        for line in idle:
            if not active or self._virtual_s[line] <= min(active):
                del self._virtual_s[line], self._since[line]
