"""Laws of the finisher: work is done in order, in another thread, and at most one batch behind."""

from __future__ import annotations

import threading
from functools import partial

from underpaint.stages.serve.engine.finisher import Finisher

LONG_S = 20.0


def wait_for(event: threading.Event) -> None:
    event.wait(LONG_S)


def test_work_is_done_in_its_order_in_one_other_thread():
    finisher, done, threads = Finisher(), list[int](), set[int]()

    def note(number: int) -> None:
        done.append(number)
        threads.add(threading.get_ident())

    for number in range(50):
        finisher.give(partial(note, number))
    for number in (50, 51):
        finisher.catch_up()
        finisher.end_batch(partial(note, number))
    finisher.catch_up()
    assert done == list(range(52))
    assert len(threads) == 1 and threading.get_ident() not in threads


def test_a_batch_does_not_end_before_the_one_before_it_is_done():
    finisher, may_end, ended = Finisher(), threading.Event(), threading.Event()
    finisher.give(partial(wait_for, may_end))
    finisher.catch_up()
    finisher.end_batch(lambda: None)
    waiting = threading.Thread(target=lambda: (finisher.catch_up(), ended.set()))
    waiting.start()
    assert not ended.wait(0.05)
    may_end.set()
    assert ended.wait(LONG_S)
    waiting.join()
