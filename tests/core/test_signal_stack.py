from __future__ import annotations

import ctypes
import sys

import pytest

from underpaint.core.signal_stack import _Stack, own_signal_stack

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signal stacks are kept on Linux alone")


def current() -> tuple[int | None, int]:
    stack = _Stack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack))
    return stack.start, stack.flags


def test_the_stack_is_away_inside_and_back_afterwards_whatever_happens_inside():
    before = current()
    foreign = ctypes.create_string_buffer(65_536)
    with pytest.raises(ValueError, match="inside"), own_signal_stack():
        assert current()[1] == 2
        ctypes.CDLL(None).sigaltstack(ctypes.byref(_Stack(ctypes.addressof(foreign), 0, 65_536)), None)
        assert current() != before
        raise ValueError("inside")
    assert current() == before
