from __future__ import annotations

import signal
import threading

import pytest

from underpaint.learning.interrupt import deferred_interrupt, leave


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_a_signal_that_was_held_back_is_told_and_left_with(number, error):
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with deferred_interrupt() as arrived:
            signal.raise_signal(number)
            assert arrived() == number
        with pytest.raises(error) as left:
            leave(arrived())
        assert number == signal.SIGINT or left.value.code == 143
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_ignored_interrupt_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with deferred_interrupt() as interrupted:
            signal.raise_signal(signal.SIGINT)
            assert not interrupted()
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_first_interrupt_is_held_back_and_told():
    with deferred_interrupt() as interrupted:
        assert not interrupted()
        signal.raise_signal(signal.SIGINT)
        assert interrupted()


def test_the_second_interrupt_comes_at_once():
    with pytest.raises(KeyboardInterrupt), deferred_interrupt():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)


def test_afterwards_an_interrupt_is_what_it_was():
    before = signal.getsignal(signal.SIGINT)
    with deferred_interrupt():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt), deferred_interrupt():
        raise KeyboardInterrupt
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_nothing_is_held_back():
    seen: list[int] = []

    def work() -> None:
        with deferred_interrupt() as interrupted:
            seen.append(interrupted())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [0]
