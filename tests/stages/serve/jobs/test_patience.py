"""Laws of doing something until the disk takes it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from underpaint.core.errors import DiskFull, LeaseLost, StorageError
from underpaint.stages.serve.jobs import patience
from underpaint.stages.serve.jobs.patience import until_done
from underpaint.stages.serve.troubles import Troubles


@pytest.fixture(autouse=True)
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_WAIT_S", 0.001)


def attempts(*outcomes: Any) -> Any:
    left = list(outcomes)

    async def work() -> Any:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return work


def test_what_fails_for_the_disk_is_done_until_it_succeeds_and_the_trouble_is_told_as_long():
    seen: list[str] = []
    troubles = Troubles(lambda event, **_: seen.append(event))
    work = attempts(DiskFull("full"), StorageError("broken"), "done")
    assert asyncio.run(until_done(troubles, "pictures", work)) == "done"
    assert seen == ["trouble", "trouble", "trouble_over"] and troubles.reasons() == []


def test_whatever_else_is_wrong_ends_it_and_its_trouble_at_once():
    troubles = Troubles(lambda *_args, **_facts: None)
    with pytest.raises(LeaseLost):
        asyncio.run(until_done(troubles, "results", attempts(DiskFull("full"), LeaseLost("gone"), "never")))
    assert troubles.reasons() == []


def test_a_trouble_is_over_when_nobody_waits_for_it_any_more():
    begun = asyncio.Event()
    troubles = Troubles(lambda *_args, **_facts: begun.set())

    async def full() -> None:
        raise DiskFull("full")

    async def run() -> None:
        waiting = asyncio.create_task(until_done(troubles, "results", full))
        await begun.wait()
        assert troubles.reasons() == ["results: the disk is full"]
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(run())
    assert troubles.reasons() == []
