"""Laws of handing in a list: once under one key, and free of charge where it is not kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from underpaint.core.errors import DiskFull, IdempotencyConflict
from underpaint.stages.serve.batches.input_file import LIST
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.batches.kinds import LISTS
from underpaint.stages.serve.batches.records import BatchRecord, Records
from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.dispatch.dispatcher import Dispatcher
from underpaint.stages.serve.dispatch.limits import Limits
from underpaint.stages.serve.http.callers import Caller
from underpaint.stages.serve.http.list_schema import ListRequest
from underpaint.stages.serve.http.lists import submit
from underpaint.stages.serve.jobs.desk import JobDesk
from underpaint.stages.serve.lists.checking import checked
from underpaint.stages.serve.lists.handing_in import hand_in
from underpaint.stages.serve.lists.looking import Lately
from underpaint.stages.serve.queue.queue import open_queue
from underpaint.stages.serve.security.gatekeeper import open_gatekeeper
from underpaint.stages.serve.security.key_file import KeyFile
from underpaint.stages.serve.security.keys import KeyLimits
from underpaint.stages.serve.security.throttle_config import ThrottleConfig
from underpaint.stages.serve.service import Service

ROWS = 3
TEXT = "a cat\n" * ROWS


class Full(Records):
    """Records whose disk is full when the list itself is noted."""

    is_full = True

    def add_batch(self, **values: Any) -> tuple[BatchRecord, bool]:
        if self.is_full:
            raise DiskFull("the disk is full")
        return super().add_batch(**values)


@pytest.fixture
def keeper(tiny_model: Path, tmp_path: Path) -> Iterator[BatchKeeper]:
    service = Service(ServeConfig(models={"tiny": str(tiny_model)}, engine="torch", state=tmp_path))
    service.limits = Limits()
    queue, records = open_queue(tmp_path / "jobs.sqlite"), Full(tmp_path)
    service.dispatcher = Dispatcher(service.pool, service.limits)
    yield BatchKeeper(JobDesk(service, queue), records)
    records.close()
    queue.close()


def test_two_lists_with_one_key_at_once_are_one_list(keeper):
    keeper.records.is_full = False
    name = LISTS.id_of("ann", "friday")

    def handed(digest: str) -> tuple[BatchRecord, bool]:
        found = checked(TEXT, {}, keeper.desk.service, "ann")
        return hand_in(found, "", keeper, "ann", "b", list_id=name, digest=digest)

    first, again = handed("same"), handed("same")
    assert (first[1], again[1], again[0]) == (True, False, first[0])
    assert LISTS.the_same(first[0], "same") == first[0]
    other, _ = handed("other")
    with pytest.raises(IdempotencyConflict):
        LISTS.the_same(other, "other")
    assert len(keeper.records.batches("ann", None, 9, LIST)) == 1


@pytest.mark.parametrize("key", [None, "friday"])
def test_a_list_that_cannot_be_kept_costs_nothing(keeper, tmp_path, key):
    file = KeyFile(tmp_path / "keys.json")
    record, _ = file.create("ann", role="user", limits=KeyLimits(pictures_per_day=ROWS), now=0.0)
    gatekeeper = open_gatekeeper(keys=file.path, policy="none", throttle=ThrottleConfig(), state=tmp_path)
    caller = Caller(key_id=record.id, role="user")
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "server": ("a", 1), "query_string": b""}

    async def handed() -> int:
        service = keeper.desk.service
        body, request = ListRequest(text=TEXT), Request(scope)
        given = (body, request, caller, service, keeper, gatekeeper, Lately(), key)
        return (await submit(*given)).status_code

    async def run() -> int:
        with pytest.raises(DiskFull):
            await handed()
        keeper.records.is_full = False
        return await handed()

    assert asyncio.run(run()) == 202
    gatekeeper.close()
