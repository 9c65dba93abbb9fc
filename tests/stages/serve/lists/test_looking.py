"""A list that is looked through: it ends when nobody waits, and what was found is good for one handing in."""

from __future__ import annotations

import pytest

from underpaint.core.errors import InputError
from underpaint.stages.serve.lists import looking
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


def test_what_was_found_is_taken_once_by_its_owner(monkeypatch):
    lately = Lately()
    lately.keep("ann", "d", FOUND)
    assert lately.take("ben", "d") is None and lately.take("ann", "e") is None
    assert lately.take("ann", "d") is FOUND and lately.take("ann", "d") is None
    lately.keep("ann", "d", FOUND)
    monkeypatch.setattr(looking, "KEPT_S", -1.0)
    assert lately.take("ann", "d") is None
