"""Laws of handing in: whoever has no quota is told that first, and what there is no room for costs none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from underpaint.core.errors import QueueFull, RateLimited
from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.dispatch.limits import Limits
from underpaint.stages.serve.http.durable import handed_in
from underpaint.stages.serve.jobs.desk import JobDesk
from underpaint.stages.serve.queue.job import Submission
from underpaint.stages.serve.queue.queue import open_queue
from underpaint.stages.serve.security.gatekeeper import Gatekeeper, open_gatekeeper
from underpaint.stages.serve.security.key_file import KeyFile
from underpaint.stages.serve.security.keys import KeyLimits
from underpaint.stages.serve.security.throttle_config import ThrottleConfig
from underpaint.stages.serve.service import Service


@pytest.fixture
def desk(tiny_model: Path, tmp_path: Path) -> Iterator[JobDesk]:
    """A desk whose line is full once anything waits."""
    service = Service(ServeConfig(models={"tiny": str(tiny_model)}, engine="torch", state=tmp_path))
    service.limits = Limits(backlog_s={"batch": 1.0})
    found = JobDesk(service, open_queue(tmp_path / "jobs.sqlite"))
    yield found
    found.close()


@pytest.fixture
def ann(tmp_path: Path) -> str:
    """A key with a quota of one picture a day."""
    limits = KeyLimits(pictures_per_day=1)
    return KeyFile(tmp_path / "keys.json").create("ann", role="user", limits=limits, now=0.0)[0].id


@pytest.fixture
def gatekeeper(ann: str, tmp_path: Path) -> Iterator[Gatekeeper]:
    found = open_gatekeeper(keys=tmp_path / "keys.json", policy="none", throttle=ThrottleConfig(), state=tmp_path)
    yield found
    found.close()


def of(owner: str) -> Submission:
    return Submission(owner=owner, request={"prompt": "a cat"}, cost_s=2.0)


def test_who_has_no_quota_is_told_that_before_anything_about_room(desk: JobDesk, ann: str, gatekeeper: Gatekeeper):
    desk.queue.submit(of("bob"))
    with pytest.raises(RateLimited, match="a day"):
        asyncio.run(handed_in(of(ann), 2, desk, gatekeeper))
    with pytest.raises(QueueFull):
        asyncio.run(handed_in(of(ann), 1, desk, gatekeeper))


def test_what_there_is_no_room_for_costs_no_quota(desk: JobDesk, ann: str, gatekeeper: Gatekeeper):
    job, _ = desk.queue.submit(of("bob"))
    with pytest.raises(QueueFull):
        asyncio.run(handed_in(of(ann), 1, desk, gatekeeper))
    desk.queue.cancel(job.id, "bob")
    assert asyncio.run(handed_in(of(ann), 1, desk, gatekeeper))[1]
    with pytest.raises(RateLimited):
        asyncio.run(handed_in(of(ann), 1, desk, gatekeeper))
