"""How much may wait: bounds in device-seconds, so that what is accepted is served while somebody still wants it."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence

from underpaint.core.config import Config
from underpaint.core.errors import DeadlineUnmeetable, QueueFull
from underpaint.stages.serve.batching.fairness import JobClass

JITTER = 0.10
"""Share by which the time to come back is varied, so that all who were refused do not come back at once."""


class Limits(Config):
    """Bounds of what waits in memory.

    Args:
        backlog_s: Class to device-seconds that may wait in it.
        open_per_owner: Pictures that one owner may wait for at once.
    """

    backlog_s: Mapping[JobClass, float] = {"interactive": 120.0, "batch": 86400.0, "background": 86400.0}
    open_per_owner: int = 100

    def check(self, job_class: JobClass, backlog_s: float, costs_s: Sequence[float]) -> None:
        """Refuse what would wait too long.

        Args:
            job_class: Where it would wait.
            backlog_s: Device-seconds that wait there already.
            costs_s: Device-seconds of each new picture.

        Raises:
            QueueFull: It is too much; one request into an empty queue is always accepted.
        """
        bound_s = self.backlog_s[job_class]
        over_s = backlog_s + sum(costs_s) - bound_s
        if backlog_s > 0 and over_s > 0:
            raise QueueFull(
                f"{backlog_s:.0f} s of drawing wait already, at most {bound_s:.0f} s may; try again later",
                retry_after_s=varied(over_s),
            )

    def check_owner(self, owner: str, waiting: Counter[str], new: int, pace_s: float) -> None:
        """Refuse what one owner would have waiting at once.

        Args:
            owner: Who asks.
            waiting: Owner to pictures that wait.
            new: Pictures asked for now.
            pace_s: Device-seconds of a picture.

        Raises:
            QueueFull: It is too much.
        """
        over = waiting[owner] + new - self.open_per_owner
        if over > 0:
            raise QueueFull(
                f"{waiting[owner]} of your pictures wait already, at most {self.open_per_owner} may; wait for some",
                retry_after_s=varied(over * pace_s),
            )


def check_deadline(deadline_at: float | None, now: float, needed_s: float) -> None:
    """Refuse what cannot be there in time.

    Args:
        deadline_at: When it has to be there, in seconds since 1970; None for any time.
        now: Seconds since 1970.
        needed_s: How long it would take, with all that waits before it.

    Raises:
        DeadlineUnmeetable: It cannot.
    """
    if deadline_at is not None and now + needed_s > deadline_at:
        raise DeadlineUnmeetable(
            f"this would take about {needed_s:.1f} s, and {deadline_at - now:.1f} s are allowed; allow more with "
            "deadline_ms, or come back when less waits"
        )


def varied(seconds: float) -> float:
    """Return a time that is up to ``JITTER`` shorter or longer."""
    return seconds * (1 + JITTER * (2 * secrets.randbelow(1001) / 1000 - 1))
