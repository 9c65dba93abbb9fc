"""A list that is looked through: it ends when nobody waits, and what was found is good for one handing in."""

from __future__ import annotations

import asyncio
import weakref
from dataclasses import replace

import pytest

from underpaint.core.errors import InputError
from underpaint.stages.serve.lists.checking import CheckedList
from underpaint.stages.serve.lists.looking import Lately, Looking

FOUND = CheckedList(lines=[], mistakes=[], num_rows=0, num_pictures=0, cost_s=0.0)


def test_the_work_ends_when_nobody_wants_to_know():
    one = Looking()
    one.tell(7)
    assert one.rows == 7
    one.is_unwanted = True
    with pytest.raises(InputError):
        one.tell(8)


def test_what_was_found_is_taken_once_by_its_owner():
    async def run() -> None:
        lately = Lately()
        lately.keep("ann", "d", FOUND)
        assert lately.take("ben", "d") is None and lately.take("ann", "e") is None
        assert lately.take("ann", "d") is FOUND and lately.take("ann", "d") is None

    asyncio.run(run())


def test_what_nobody_takes_is_let_go_by_itself():
    async def run() -> weakref.ref[CheckedList]:
        lately = Lately(kept_s=0.0)
        found = replace(FOUND)
        seen = weakref.ref(found)
        lately.keep("ann", "d", found)
        del found
        await asyncio.sleep(0.01)
        assert lately.take("ann", "d") is None
        assert seen() is None
        return seen

    assert asyncio.run(run())() is None


def test_a_later_list_is_kept_for_its_own_time():
    async def run() -> None:
        lately = Lately(kept_s=3600.0)
        lately.keep("ann", "d", FOUND)
        lately.keep("ann", "e", FOUND)
        assert lately.take("ann", "d") is None and lately.take("ann", "e") is FOUND

    asyncio.run(run())
