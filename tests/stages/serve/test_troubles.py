"""Laws of what is told of a server's troubles."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from underpaint.core import errors
from underpaint.stages.serve.troubles import Troubles, in_words


@pytest.fixture
def told() -> list[tuple[str, dict[str, Any]]]:
    return []


@pytest.fixture
def troubles(told) -> Troubles:
    return Troubles(lambda event, **facts: told.append((event, facts)))


def test_a_trouble_is_logged_once_until_it_changes_or_ends(troubles, told):
    for _ in range(3):
        troubles.begin("jobs", errors.StoreBusy("/secret/jobs.sqlite is locked"))
    troubles.begin("jobs", errors.StoreDamaged("/secret/jobs.sqlite is damaged"))
    troubles.end("jobs")
    troubles.end("jobs")
    assert [event for event, _ in told] == ["trouble", "trouble", "trouble_over"]
    assert told[0][1] == {"about": "jobs", "reason": "/secret/jobs.sqlite is locked"}


def test_reasons_are_those_of_now_and_say_no_place(troubles):
    troubles.begin("jobs", errors.StoreBusy("/secret/jobs.sqlite is locked"))
    troubles.begin_model("mine", "/secret/model is gone")
    troubles.begin("pictures", errors.DiskFull("/secret/pictures"))
    troubles.end("pictures")
    assert troubles.reasons() == [
        "jobs: the database is held by another process, or does not answer",
        "model mine: it cannot be loaded",
    ]
    troubles.end_model("mine")
    assert len(troubles.reasons()) == 1


def test_every_error_of_what_is_stored_has_its_own_words():
    kinds = (errors.StorageError, errors.DiskFull, errors.StoreBusy, errors.StoreDamaged, errors.StoreMoved)
    assert len({in_words(kind("x")) for kind in kinds}) == len(kinds)


def test_work_that_a_mistake_of_ours_ends_is_a_trouble_and_work_that_ends_in_peace_is_none(troubles, told):
    async def broken() -> None:
        raise KeyError("a mistake")

    async def ends() -> None:
        await asyncio.sleep(0)

    async def goes_on() -> None:
        await asyncio.Event().wait()

    async def run() -> None:
        tasks = [troubles.watched(work.__name__, work()) for work in (broken, ends, goes_on)]
        await asyncio.wait(tasks[:2])
        tasks[2].cancel()
        await asyncio.wait(tasks)

    asyncio.run(run())
    assert told == [("defect", {"during": "broken", "reason": "KeyError('a mistake')"})]
    assert troubles.reasons() == ["broken: it was ended by a defect of the server, which has to be started again"]
