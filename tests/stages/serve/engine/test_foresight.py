"""Laws of foresight: the word is given once a batch, before the end where that is known, by what an answer takes."""

from __future__ import annotations

import threading

from underpaint.stages.serve.engine.foresight import MOST, SHORT_S, Foresight

LONG_S = 20.0


class Listener:
    """Hears words, and refuses them if it shall."""

    def __init__(self, accepts: bool = True) -> None:
        self.accepts, self.batches = accepts, list[int]()
        self.heard = threading.Event()

    def __call__(self, batch: int, in_s: float) -> bool:
        assert in_s >= 0.0
        self.batches.append(batch)
        self.heard.set()
        return self.accepts


def test_a_batch_of_unknown_length_and_a_short_one_are_not_foreseen() -> None:
    listener = Listener()
    foresight = Foresight(listener)
    foresight.begin(1, 8)
    assert not foresight.end(8, 0.9 * SHORT_S)
    foresight.begin(2, 8)
    assert not foresight.end(8, 0.9 * SHORT_S)
    foresight.begin(3, 4)
    assert not foresight.end(4, 10.0), "another size"
    assert listener.batches == []


def test_the_word_is_given_once_while_a_batch_of_known_length_is_drawn() -> None:
    listener = Listener()
    foresight = Foresight(listener)
    assert not foresight.end(8, 2 * SHORT_S)
    foresight.begin(7, 8)
    assert listener.heard.wait(LONG_S)
    assert foresight.end(8, 2 * SHORT_S)
    assert listener.batches == [7]


def test_a_batch_that_ends_sooner_than_expected_is_not_foreseen() -> None:
    listener = Listener()
    foresight = Foresight(listener)
    foresight.end(8, 1000.0)
    foresight.begin(1, 8)
    assert not foresight.end(8, 0.1)
    assert listener.batches == []


def test_a_word_that_may_not_be_given_counts_as_not_given() -> None:
    listener = Listener(accepts=False)
    foresight = Foresight(listener)
    foresight.end(8, SHORT_S)
    foresight.begin(1, 8)
    assert listener.heard.wait(LONG_S)
    assert not foresight.end(8, SHORT_S)


def test_the_lead_is_what_answers_take_and_never_more_than_a_share_of_the_batch() -> None:
    now = [0.0]
    listener = Listener()
    foresight = Foresight(listener, lambda: now[0])
    for batch in range(60):
        foresight.end(8, 1.0)
        listener.heard.clear()
        foresight.begin(batch, 8)
        now[0] += 1.0
        with foresight._news:
            foresight._news.notify()
        assert listener.heard.wait(LONG_S)
        assert foresight.end(8, 1.0)
        now[0] += 0.004
        foresight.answered()
    assert 0.004 <= foresight.lead_s(1.0) <= 0.012
    assert foresight.lead_s(0.010) == MOST * 0.010
