"""What the queue promises in numbers: leases, attempts, waits, and how long things are kept."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from underpaint.core.config import Config


class QueuePolicy(Config):
    """Settings of a queue; all processes that share one must use the same.

    Args:
        lease_s: A worker that is not heard of for so long has lost its job.
        heartbeat_s: How often a worker renews its leases.
        max_failures: With so many bad attempts a job fails for good.
        max_losses: A job whose worker was lost so often fails for good: it may be what ends its workers.
        backoff_s: Wait after the first bad attempt; it doubles with each.
        max_backoff_s: Longest wait between attempts.
        progress_s: Least time between two progress events of a job.
        sweep_s: How often leases and deadlines are looked through.
        idempotency_s: How long an idempotency key is remembered.
        keep_finished_s: How long finished jobs and their events are kept.
        keep_changes_s: How long changes are told to those who come back; at most ``keep_finished_s``.
        busy_s: How long a write waits for other processes.
    """

    lease_s: float = Field(default=60.0, gt=0)
    heartbeat_s: float = Field(default=10.0, gt=0)
    max_failures: int = Field(default=3, ge=1, le=100)
    max_losses: int = Field(default=100, ge=1, le=1000)
    backoff_s: float = Field(default=1.0, ge=0)
    max_backoff_s: float = Field(default=60.0, ge=0)
    progress_s: float = Field(default=0.25, ge=0)
    sweep_s: float = Field(default=1.0, ge=0)
    idempotency_s: float = Field(default=86400.0, gt=0)
    keep_finished_s: float = Field(default=7 * 86400.0, gt=0)
    keep_changes_s: float = Field(default=86400.0, gt=0)
    busy_s: float = Field(default=10.0, gt=0)

    @model_validator(mode="after")
    def _a_heartbeat_may_be_missed(self) -> Self:
        if self.heartbeat_s * 2 > self.lease_s:
            raise ValueError("heartbeat_s must be at most half of lease_s, so that one heartbeat may be missed")
        if self.keep_finished_s < self.idempotency_s:
            raise ValueError("keep_finished_s must be at least idempotency_s: a known key leads to its job")
        if self.keep_finished_s < self.keep_changes_s:
            raise ValueError("keep_finished_s must be at least keep_changes_s: a change leads to its job")
        return self

    def backoff_after(self, failures: int) -> float:
        """Return how long a job waits after so many bad attempts, in seconds."""
        return min(self.max_backoff_s, self.backoff_s * 2.0 ** min(failures - 1, 60))
