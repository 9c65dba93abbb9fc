"""Laws of the line of changes: complete, in order, taken up anywhere, and only what is one's own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from underpaint.core.errors import InputError
from underpaint.stages.serve.queue import telling
from underpaint.stages.serve.queue.job import Submission
from underpaint.stages.serve.queue.queue import JobQueue
from underpaint.stages.serve.queue.telling import Change, Place, tell

CAT = Submission(owner="ann", request={"prompt": "a cat"})
DOG = Submission(owner="bob", request={"prompt": "a dog"})


def changes(queue: JobQueue, after: Place, owner: str | None = None, **how: Any) -> list[Change]:
    found = queue.changes(after, owner, **how)
    assert found is not None
    return found


def test_what_happens_to_jobs_is_told_in_its_order_with_what_the_event_says(queue: JobQueue) -> None:
    begin = queue.last_change()
    job, _ = queue.submit(CAT)
    (running,) = queue.claim("worker")
    queue.note(running.lease, "job.image", {"url": "here"})
    queue.finish(running.lease, {"images": []})
    told = changes(queue, begin)
    assert [(one.name, one.job, one.owner) for one in told] == [
        (name, job.id, "ann") for name in ("job.queued", "job.started", "job.image", "job.succeeded")
    ]
    assert told[2].body == {"url": "here"} and told[1].body["attempt"] == 1
    assert queue.last_change() == told[-1].place


def test_a_line_can_be_taken_up_after_any_change(queue: JobQueue, open_again: Callable[..., JobQueue]) -> None:
    begin = queue.last_change()
    for _ in range(5):
        queue.submit(CAT)
    told = changes(queue, begin)
    assert len(told) == 5 and sorted(told, key=lambda one: one.place) == told
    for number, one in enumerate(told):
        assert changes(open_again(), one.place) == told[number + 1 :]


def test_an_owner_is_told_its_own_changes_and_those_of_everybody(queue: JobQueue) -> None:
    begin = queue.last_change()
    queue.submit(CAT)
    job, _ = queue.submit(DOG)
    queue.pause()
    queue.move(job.id, to="front")
    assert [one.name for one in changes(queue, begin, "ann")] == ["job.queued", "queue.paused"]
    assert [one.name for one in changes(queue, begin, "bob")] == ["job.queued", "queue.paused", "job.moved"]
    assert len(changes(queue, begin)) == 4


def test_who_is_told_nothing_need_not_look_at_the_same_changes_of_others_again(queue: JobQueue, monkeypatch) -> None:
    begin = queue.last_change()
    for _ in range(3):
        queue.submit(DOG)
    told = queue.changes(begin, "ann")
    assert told is not None and told == [] and told.until == queue.last_change() > begin
    queue.submit(CAT)
    assert [one.owner for one in changes(queue, told.until, "ann")] == ["ann"]
    monkeypatch.setattr(telling, "MAX_TOLD", 2)
    some = queue.changes(begin)
    assert some is not None and some.until == some[-1].place < queue.last_change()


def test_unfinished_pictures_are_told_to_those_who_want_them(queue: JobQueue) -> None:
    queue.submit(CAT)
    (running,) = queue.claim("worker")
    begin = queue.last_change()
    queue.note(running.lease, "job.preview", {"b64_json": "x"})
    assert changes(queue, begin) == []
    (preview,) = changes(queue, begin, with_previews=True)
    assert preview.body == {"b64_json": "x"}


def test_who_comes_back_too_late_is_told_so_and_who_saw_the_last_change_is_never_too_late(queue, clock) -> None:
    begin = queue.last_change()
    for _ in range(3):
        queue.submit(CAT)
    seen = queue.last_change()
    clock.now += queue.policy.keep_changes_s + 1
    queue.forget()
    assert queue.changes(begin) is None
    assert changes(queue, seen) == [] and queue.last_change() == seen
    queue.submit(CAT)
    assert len(changes(queue, seen)) == 1 and queue.last_change() > seen
    assert queue.changes(Place(seen.tx + 10**6, 1)) is None


def test_no_change_is_missed_however_transactions_overlap(queue: JobQueue) -> None:
    """One who follows sees all that writers write, some of whom take long to commit."""
    begin = seen = queue.last_change()
    writers, each = 4, 15

    def write(name: str) -> None:
        for number in range(each):
            queue.database.write(lambda session, number=number: tell(session, name, str(number)))

    threads = [threading.Thread(target=write, args=(f"w{i}",)) for i in range(writers)]
    for thread in threads:
        thread.start()
    followed: list[Change] = []
    while any(thread.is_alive() for thread in threads) or seen != queue.last_change():
        more = changes(queue, seen)
        followed += more
        seen = more[-1].place if more else seen
    assert len(followed) == writers * each
    assert followed == changes(queue, begin)
    for i in range(writers):
        assert [one.name for one in followed if one.owner == f"w{i}"] == [str(number) for number in range(each)]


@pytest.mark.parametrize("text", ["", "1", "a-b", "1-2-3", "-1-2", "9" * 30 + "-1"])
def test_what_names_no_place_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="two numbers"):
        Place.parse(text)
