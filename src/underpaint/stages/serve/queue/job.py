"""A job: what was asked for, by whom, how far it is and what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, field_validator

from underpaint.core.config import Config, canonical_json, digest_of
from underpaint.stages.serve.batching.fairness import JobClass

State = Literal["queued", "running", "held", "succeeded", "failed", "cancelled", "expired"]
FINAL: tuple[State, ...] = ("succeeded", "failed", "cancelled", "expired")
"""States that nothing leaves."""

NAME = r"^[\x21-\x7e]{1,200}$"
MAX_REQUEST_BYTES = 1024 * 1024
"""Most bytes of a request, as JSON."""


class Submission(Config):
    """What somebody asks for.

    Args:
        owner: Whose job it is: the name of a key or of a user; owners get equal shares of the device.
        kind: What is to be done, for example ``generation``.
        job_class: ``interactive`` goes first; ``batch`` and ``background`` have small guaranteed shares.
        request: The settings of the work: any JSON object, stored as it is.
        idem_key: The same key of the same owner is the same job for a day; None for none.
        priority: Among the owner's own jobs, the highest goes first, -10 to 10.
        deadline_s: Seconds from now after which nobody needs the result; None for never.
        release: The release that must do it, or None.
        batch_key: Jobs of the same key may be worked on together; empty for always alone.
        cost_s: Device-seconds that it will probably take.
        in_gallery: Whether its pictures go into the owner's gallery.
    """

    owner: str = Field(pattern=NAME)
    kind: str = Field(default="generation", pattern=NAME)
    job_class: JobClass = "interactive"
    request: dict[str, Any]
    idem_key: str | None = Field(default=None, pattern=NAME)
    priority: int = Field(default=0, ge=-10, le=10)
    deadline_s: float | None = Field(default=None, gt=0, le=366 * 86400, allow_inf_nan=False)
    release: str | None = Field(default=None, pattern=NAME)
    batch_key: str = Field(default="", pattern=r"^[\x21-\x7e]{0,500}$")
    cost_s: float = Field(default=1.0, gt=0, le=86400, allow_inf_nan=False)
    in_gallery: bool = False

    @field_validator("request")
    @classmethod
    def _is_json(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            size = len(canonical_json(value).encode())
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"a request is a JSON object of finite numbers and Unicode text ({error})") from None
        if size > MAX_REQUEST_BYTES:
            raise ValueError(f"a request has at most {MAX_REQUEST_BYTES:,} bytes as JSON, this one has {size:,}")
        return value

    @property
    def body_digest(self) -> str:
        """What two submissions with the same idempotency key must share."""
        asked = {"kind", "job_class", "request", "priority", "deadline_s"}
        return digest_of(self.model_dump(mode="json", include=asked))


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as it is now; times are seconds since 1970.

    Args:
        seq: Its number in the order of acceptance.
        parent: The job that this one tries again, or None.
        in_gallery: Whether its pictures go into the owner's gallery.
        rank: Its place among the owner's waiting jobs of the same priority, lowest first.
        run_after: It is not started before.
        lease_owner: The worker that has it, or had it last.
        attempt: How often it was started; a worker's fencing token.
        failures: How many attempts ended badly.
        losses: How many ended because the worker was lost, which is rarely the job's fault.
        events: The number of its latest event.
        result: What the worker handed in.
        error: Why it failed.
    """

    seq: int
    id: str
    parent: str | None
    owner: str
    kind: str
    job_class: JobClass
    state: State
    priority: int
    rank: float
    cost_s: float
    in_gallery: bool
    release: str | None
    batch_key: str
    request: dict[str, Any]
    created_at: float
    run_after: float
    deadline_at: float | None
    started_at: float | None
    finished_at: float | None
    lease_owner: str | None
    lease_until: float | None
    attempt: int
    failures: int
    losses: int
    step: int | None
    num_steps: int | None
    events: int
    result: Any
    error: str | None

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in FINAL

    @property
    def lease(self) -> Lease:
        """The right to work on it that its present attempt gives."""
        return Lease(job=self.id, worker=self.lease_owner or "", attempt=self.attempt)


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to work on a job: only who shows the latest one can finish it.

    Args:
        job: The job's id.
        worker: Who works.
        attempt: Which attempt this is, from 1.
    """

    job: str
    worker: str
    attempt: int


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a job.

    Args:
        job: The job's id.
        seq: Its number within the job, from 1 without gaps.
        name: For example ``job.started``.
        body: What there is to say, a JSON object.
        at: When, in seconds since 1970.
    """

    job: str
    seq: int
    name: str
    body: dict[str, Any]
    at: float

    @property
    def is_last(self) -> bool:
        """Whether the job is over with it."""
        return self.name.removeprefix("job.") in FINAL


def job_of(row: Mapping[str, Any]) -> Job:
    """Make a job of a row of the table."""
    values = {name: row["release_id" if name == "release" else name] for name in Job.__dataclass_fields__}
    values["in_gallery"] = bool(row["in_gallery"])
    values["request"] = json.loads(row["request"])
    values["result"] = None if row["result"] is None else json.loads(row["result"])
    return Job(**values)
