from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from underpaint.core.errors import IdempotencyConflict, InputError, JobNotFound, LeaseLost, StateConflict
from underpaint.stages.serve.batching.filling import Plan
from underpaint.stages.serve.queue.job import Job, Submission
from underpaint.stages.serve.queue.queue import JobQueue


def asked(owner: str = "ann", number: int = 0, **others: Any) -> Submission:
    return Submission(owner=owner, request={"prompt": "a cat", "number": number}, **others)


def submit(queue: JobQueue, count: int = 1, **others: Any) -> list[str]:
    return [queue.submit(asked(number=number, **others))[0].id for number in range(count)]


def drain(queue: JobQueue, worker: str = "w") -> list[str]:
    """Work on everything that waits, one job after the other, and return their ids in that order."""
    order = []
    while jobs := queue.claim(worker):
        for job in jobs:
            order.append(job.id)
            queue.finish(job.lease, {"by": worker})
    return order


def names(queue: JobQueue, job: str) -> list[str]:
    return [event.name.removeprefix("job.") for event in queue.events(job)]


def two_at_a_time(job: Job) -> Plan:
    return Plan(cap=2, seconds=lambda units: 1.0)


def test_a_job_is_what_was_submitted_in_another_process_too(
    queue: JobQueue, open_again: Callable[..., JobQueue]
) -> None:
    request = {"prompt": "ein Kätzchen 🐱\x00", "seed": 2**53 - 1, "deep": [{"guidance": 1.5, "style": None}]}
    wanted = Submission(
        owner="ann", kind="edit", job_class="batch", request=request, idem_key="k", priority=3, deadline_s=5.0,
        release="r-1", batch_key="r-1/64", cost_s=0.25,
    )  # fmt: skip
    job, new = queue.submit(wanted)
    assert new
    assert open_again().get(job.id) == job
    for name in ("owner", "kind", "job_class", "request", "priority", "release", "batch_key", "cost_s"):
        assert getattr(job, name) == getattr(wanted, name)
    assert (job.state, job.attempt, job.deadline_at) == ("queued", 0, job.created_at + 5.0)


def test_jobs_are_worked_on_in_the_order_of_priority_and_acceptance_over_restarts(
    queue: JobQueue, open_again: Callable[..., JobQueue]
) -> None:
    low, high, middle = submit(queue, 3, priority=-1), submit(queue, 3, priority=2), submit(queue, 3)
    assert drain(open_again()) == [*high, *middle, *low]


def test_the_same_key_is_the_same_job_and_another_request_a_conflict(queue: JobQueue, clock: Any) -> None:
    job, new = queue.submit(asked(idem_key="k"))
    assert new
    assert queue.submit(asked(idem_key="k", cost_s=7.0)) == (job, False)
    assert queue.submit(asked("bob", idem_key="k"))[1], "keys are the owner's own"
    with pytest.raises(IdempotencyConflict, match=job.id):
        queue.submit(asked(number=1, idem_key="k"))
    assert len(queue.jobs()) == 2
    assert [queue.is_known(owner, key) for owner, key in (("ann", "k"), ("ann", "l"), ("cal", "k"))] == [
        True,
        False,
        False,
    ]
    clock.now += queue.policy.idempotency_s + 1
    assert not queue.is_known("ann", "k")
    assert queue.submit(asked(number=1, idem_key="k"))[1], "keys are remembered for a day"


def test_several_jobs_are_accepted_together_or_not_at_all(queue: JobQueue) -> None:
    queue.submit(asked(idem_key="k"))
    with pytest.raises(IdempotencyConflict):
        queue.submit_all([asked(number=8), asked(number=9, idem_key="k")])
    assert len(queue.jobs()) == 1
    assert [new for _, new in queue.submit_all([asked(number=8), asked(idem_key="k")])] == [True, False]


@pytest.mark.parametrize("request_", [{"a": math.nan}, {"a": "\ud800"}, {"a": object()}, {"a": "x" * 2**21}])
def test_a_request_that_json_cannot_hold_is_refused(request_: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="request"):
        Submission(owner="ann", request=request_)


def test_owners_see_and_change_their_own_jobs_only(queue: JobQueue) -> None:
    (mine,), (other,) = submit(queue), submit(queue, owner="bob")
    assert [job.id for job in queue.jobs(owner="ann")] == [mine]
    assert queue.get(mine, owner="ann").id == mine
    for change in (queue.get, queue.cancel, queue.hold, queue.unhold, queue.retry, queue.position):
        with pytest.raises(JobNotFound, match=other):
            change(other, owner="ann")
    with pytest.raises(JobNotFound):
        queue.move(other, to="front", owner="ann")
    with pytest.raises(JobNotFound):
        queue.events("job-unknown")
    assert queue.get(other).state == "queued"


def test_lists_go_on_after_the_last_job_seen(queue: JobQueue) -> None:
    ids = submit(queue, 5)
    queue.cancel(ids[1])
    first = queue.jobs(limit=2)
    assert [job.id for job in first] == ids[:2]
    assert [job.id for job in queue.jobs(after=first[-1].seq)] == ids[2:]
    assert [job.id for job in queue.jobs(states=["cancelled", "held"])] == [ids[1]]


def test_a_cancelled_job_is_not_started_and_a_running_one_cannot_be_finished(queue: JobQueue) -> None:
    waiting, running, done = submit(queue, 3)
    queue.move(running, to="front")
    (job,) = queue.claim("w")
    assert job.id == running
    queue.cancel(waiting)
    assert queue.cancel(running).state == "cancelled"
    with pytest.raises(LeaseLost, match="cancelled"):
        queue.finish(job.lease, {})
    with pytest.raises(LeaseLost):
        queue.progress(job.lease, step=1, num_steps=4)
    assert queue.renew([job.lease]) == []
    assert drain(queue) == [done]
    assert queue.cancel(waiting).state == "cancelled", "twice is once"
    assert names(queue, waiting) == ["queued", "cancelled"]
    with pytest.raises(StateConflict, match="succeeded"):
        queue.cancel(done)


def test_a_held_job_keeps_its_place(queue: JobQueue) -> None:
    ids = submit(queue, 3)
    queue.hold(ids[0])
    (first,) = queue.claim("w")
    assert first.id == ids[1]
    queue.unhold(ids[0])
    assert drain(queue) == [ids[0], ids[2]]
    assert names(queue, ids[0]) == ["queued", "held", "queued", "started", "succeeded"]
    with pytest.raises(StateConflict, match="queued"):
        queue.hold(ids[0])


def test_a_paused_queue_stays_paused_over_restarts(queue: JobQueue, open_again: Callable[..., JobQueue]) -> None:
    ids = submit(queue, 2)
    queue.pause()
    other = open_again()
    assert other.is_paused()
    assert other.claim("w") == []
    other.resume()
    assert drain(queue) == ids


def test_jobs_move_to_any_place_of_their_line(queue: JobQueue, open_again: Callable[..., JobQueue]) -> None:
    a, b, c, d = submit(queue, 4)
    queue.move(d, to="front")
    queue.move(a, to="back")
    queue.move(c, before=b)
    assert drain(open_again()) == [d, c, b, a]


def test_a_moved_job_takes_the_priority_of_its_neighbor(queue: JobQueue) -> None:
    (low,), (high, higher) = submit(queue, 1, priority=-3), submit(queue, 2, priority=5)
    queue.move(low, before=higher)
    queue.move(high, to="back")
    assert drain(queue) == [low, higher, high]


def test_moving_between_two_neighbors_works_more_often_than_numbers_have_digits(queue: JobQueue) -> None:
    first, *others, last = submit(queue, 5)
    for i in range(90):
        queue.move(others[i % 3], before=others[(i + 1) % 3])
    late = submit(queue)
    order = drain(queue)
    assert order[0] == first
    assert order[-2:] == [last, *late]


def test_a_move_that_leads_nowhere_is_refused(queue: JobQueue) -> None:
    (mine, running), (other,) = submit(queue, 2), submit(queue, owner="bob")
    with pytest.raises(InputError, match="same line"):
        queue.move(mine, before=other)
    with pytest.raises(InputError, match="same line"):
        queue.move(mine, before=mine)
    with pytest.raises(InputError, match="before"):
        queue.move(mine)
    queue.move(running, to="front")
    queue.claim("w")
    with pytest.raises(StateConflict, match="running"):
        queue.move(running, to="back")


def test_retrying_makes_a_new_job_with_a_parent(queue: JobQueue) -> None:
    (old,) = submit(queue, idem_key="k", deadline_s=9.0)
    with pytest.raises(StateConflict, match="queued"):
        queue.retry(old)
    queue.cancel(old)
    again = queue.retry(old)
    assert (again.parent, again.state, again.request) == (old, "queued", queue.get(old).request)
    assert again.deadline_at == again.created_at + 9.0
    assert drain(queue) == [again.id]


def test_owners_get_equal_shares_and_one_who_comes_later_does_not_wait(queue: JobQueue) -> None:
    greedy = submit(queue, 6, owner="greedy")
    (first,) = queue.claim("w")
    queue.finish(first.lease, {})
    modest = submit(queue, 2, owner="modest")
    assert [first.id, *drain(queue)] == [*greedy[:2], modest[0], greedy[2], modest[1], *greedy[3:]]


def test_shares_are_of_device_time_and_not_of_jobs(queue: JobQueue) -> None:
    slow, quick = submit(queue, 3, owner="slow", cost_s=4.0), submit(queue, 12, owner="quick", cost_s=1.0)
    order = drain(queue)[:10]
    assert sum(job in slow for job in order) == 2
    assert sum(job in quick for job in order) == 8


def test_what_was_observed_corrects_what_was_charged(queue: JobQueue) -> None:
    a, b = submit(queue, 3, owner="a"), submit(queue, 6, owner="b")
    (job,) = queue.claim("w")
    assert job.id == a[0]
    queue.finish(job.lease, {}, device_s=4.0)
    assert drain(queue)[:4] == b[:4]


def test_batch_jobs_get_a_tenth_while_interactive_ones_wait(queue: JobQueue) -> None:
    batch = submit(queue, 6, owner="nightly", job_class="batch")
    submit(queue, 40, owner="ann")
    order = drain(queue)
    places = [i for i, job in enumerate(order) if job in batch]
    assert places == [1, 11, 21, 31, 41, 45][:4] + places[4:]
    assert sum(place < 40 for place in places) == 4


def test_jobs_of_one_key_are_given_out_together_and_never_others(queue: JobQueue) -> None:
    a = submit(queue, 3, batch_key="64")
    b = submit(queue, 2, batch_key="128")
    loose = submit(queue, 2)
    batches = []
    while jobs := queue.claim("w", two_at_a_time):
        batches.append([job.id for job in jobs])
        for job in jobs:
            queue.finish(job.lease, {})
    assert batches == [a[:2], a[2:], b, loose[:1], loose[1:]]
    assert queue.events(a[0])[1].body["batch_size"] == 2


def test_a_batch_is_filled_from_everybodys_lines(queue: JobQueue) -> None:
    many, few = submit(queue, 5, owner="many", batch_key="64"), submit(queue, 1, owner="tom", batch_key="64")
    assert [job.id for job in queue.claim("w", two_at_a_time)] == [many[0], *few]


def test_a_job_that_cannot_be_in_time_expires_unstarted(queue: JobQueue, clock: Any) -> None:
    late, waiting, running, fine = (submit(queue, deadline_s=s, cost_s=1.0)[0] for s in (0.5, 10.0, 20.0, None))
    queue.hold(waiting)
    (job,) = queue.claim("w")
    assert job.id == running
    assert queue.get(late).state == "expired"
    clock.now += 30
    queue.sweep()
    assert [queue.get(name).state for name in (waiting, running, fine)] == ["expired", "expired", "queued"]
    with pytest.raises(LeaseLost, match="expired"):
        queue.finish(job.lease, {})


def test_a_lease_that_is_not_renewed_is_lost_and_a_renewed_one_is_not(queue: JobQueue, clock: Any) -> None:
    lost, kept = submit(queue, 2)
    first, second = queue.claim("w1") + queue.claim("w2")
    for _ in range(4):
        clock.now += 0.4 * queue.policy.lease_s
        assert queue.renew([second.lease]) == [second.lease]
        queue.sweep()
    assert (queue.get(lost).state, queue.get(kept).state) == ("queued", "running")
    (again,) = queue.claim("w3")
    assert (again.id, again.attempt) == (lost, 2)
    with pytest.raises(LeaseLost, match="attempt 2 of w3"):
        queue.finish(first.lease, {"from": "the dead"})
    queue.finish(again.lease, {"from": "the living"})
    assert queue.get(lost).result == {"from": "the living"}
    assert names(queue, lost) == ["queued", "started", "requeued", "started", "succeeded"]


def test_a_result_handed_in_twice_is_recorded_once(queue: JobQueue) -> None:
    (name,) = submit(queue)
    (job,) = queue.claim("w")
    done = queue.finish(job.lease, {"n": 1})
    assert queue.finish(job.lease, {"n": 2}) == done
    assert queue.get(name).result == {"n": 1}
    assert names(queue, name).count("succeeded") == 1


def test_a_result_that_json_cannot_hold_is_refused_and_the_job_goes_on(queue: JobQueue) -> None:
    (name,) = submit(queue)
    (job,) = queue.claim("w")
    for result in (object(), math.nan, {1: {2}}):
        with pytest.raises(InputError, match="JSON"):
            queue.finish(job.lease, result)
    assert queue.get(name).state == "running"


def test_an_attempt_that_fails_is_tried_again_later_and_then_given_up(queue: JobQueue, clock: Any) -> None:
    (name,) = submit(queue)
    waits = []
    for attempt in (1, 2, 3):
        (job,) = queue.claim("w")
        assert job.attempt == attempt
        after = queue.fail(job.lease, f"reason {attempt}")
        waits.append(after.run_after - clock.now if after.state == "queued" else None)
        if waits[-1]:
            assert queue.claim("w") == []
            clock.now += waits[-1]
    assert waits == [1.0, 2.0, None]
    assert (queue.get(name).state, queue.get(name).error) == ("failed", "reason 3")
    assert queue.events(name)[-1].body == {"reason": "reason 3"}


def test_a_hopeless_job_fails_at_once_and_a_released_one_loses_no_attempt(queue: JobQueue) -> None:
    hopeless, released = submit(queue, 2)
    (job,) = queue.claim("w")
    assert queue.fail(job.lease, "no such style", again=False).state == "failed"
    for _ in range(5):
        (job,) = queue.claim("w")
        assert queue.release(job.lease).failures == 0
    assert drain(queue) == [released]
    assert queue.get(hopeless).failures == 1


def test_a_job_that_kills_its_workers_fails_with_the_reason(queue: JobQueue, clock: Any) -> None:
    (name,) = submit(queue)
    for _ in range(queue.policy.max_losses):
        assert queue.claim("doomed")
        clock.now += queue.policy.lease_s + 1
        queue.sweep()
    assert (queue.get(name).state, queue.get(name).failures) == ("failed", 0)
    assert "doomed was lost" in str(queue.get(name).error)


def test_a_job_whose_worker_was_lost_keeps_its_place_and_no_attempt_is_held_against_it(
    queue: JobQueue, clock: Any
) -> None:
    first, second = submit(queue, 2)
    for losses in range(1, 6):
        assert [job.id for job in queue.claim("w")] == [first]
        clock.now += queue.policy.lease_s + 1
        queue.sweep()
        assert (queue.get(first).losses, queue.get(first).failures) == (losses, 0)
    assert drain(queue) == [first, second]


def test_jobs_of_a_release_that_cannot_be_drawn_are_passed_over_and_keep_their_place(queue: JobQueue) -> None:
    gone, here = (Submission(owner="ann", request={}, release=name, batch_key="alike") for name in ("r-1", "r-2"))
    ids = [job.id for job, _ in queue.submit_all([gone, here, gone, Submission(owner="ann", request={})])]

    def claimed(without: list[str]) -> list[str]:
        return [job.id for job in queue.claim("w", lambda job: Plan(cap=4, seconds=float), without)]

    assert claimed(["r-1", "r-2"]) == [ids[3]]
    assert claimed(["r-1"]) == [ids[1]]
    assert claimed(["r-1"]) == []
    assert claimed([]) == [ids[0], ids[2]]


def test_a_clock_that_jumps_ahead_loses_leases_but_finishes_nothing_twice(queue: JobQueue, clock: Any) -> None:
    (name,) = submit(queue)
    (job,) = queue.claim("w1")
    clock.now += 365 * 86400
    (again,) = (queue.sweep(), setattr(clock, "now", clock.now + 60), queue.claim("w2"))[-1]
    with pytest.raises(LeaseLost):
        queue.finish(job.lease, 1)
    assert queue.finish(again.lease, 2).result == 2
    assert names(queue, name).count("succeeded") == 1


def test_a_clock_that_jumps_back_blocks_no_job_for_long(queue: JobQueue, clock: Any) -> None:
    lost, failing = submit(queue, 2)
    queue.claim("dead")
    (job,) = queue.claim("w")
    queue.fail(job.lease, "busy")
    clock.now -= 365 * 86400
    (again,) = queue.claim("w")
    assert again.id == failing, "a wait that no clock now running could have given is over"
    queue.finish(again.lease, {})
    clock.now += queue.policy.lease_s + 1
    queue.sweep()
    clock.now += queue.policy.backoff_s
    assert drain(queue) == [lost]


def test_progress_is_written_at_most_so_often_and_is_seen(queue: JobQueue, clock: Any) -> None:
    (name,) = submit(queue)
    (job,) = queue.claim("w")
    for step in range(1, 21):
        queue.progress(job.lease, step=step, num_steps=20)
        clock.now += 0.1
    steps = [event.body["step"] for event in queue.events(name) if event.name == "job.progress"]
    assert steps == [1, 4, 7, 10, 13, 16, 19]
    assert (queue.get(name).step, queue.get(name).num_steps) == (19, 20)


def test_events_are_numbered_without_gaps_and_go_on_after_the_last_seen(queue: JobQueue) -> None:
    (name,) = submit(queue)
    (job,) = queue.claim("w")
    queue.note(job.lease, "job.image", {"url": "/images/1"})
    queue.finish(job.lease, {})
    events = queue.events(name)
    assert [event.seq for event in events] == [1, 2, 3, 4]
    assert queue.events(name, after=2) == events[2:]
    assert list(queue.follow(name, after=1)) == events[1:]
    with pytest.raises(InputError, match="may add"):
        queue.note(job.lease, "job.succeeded", {})


def test_the_place_in_line_is_the_number_of_jobs_started_before(queue: JobQueue) -> None:
    for owner, count in (("ann", 3), ("bob", 2), ("cy", 1)):
        submit(queue, count, owner=owner)
    places = {job.id: queue.position(job.id) for job in queue.jobs()}
    order = drain(queue)
    assert all(abs((places[name] or 0) - order.index(name)) <= 2 for name in order)
    assert queue.position(order[0]) is None


def test_the_depth_counts_open_jobs_by_class_and_state(queue: JobQueue) -> None:
    ids = submit(queue, 4, cost_s=0.5)
    submit(queue, 1, job_class="batch")
    queue.hold(ids[3])
    queue.claim("w")
    assert queue.depth() == {
        "interactive": {"queued": 2, "running": 1, "held": 1, "waiting_s": 1.0},
        "batch": {"queued": 1, "running": 0, "held": 0, "waiting_s": 1.0},
    }


def test_finished_jobs_are_forgotten_after_their_time_and_open_ones_never(queue: JobQueue, clock: Any) -> None:
    done, waiting = submit(queue, 2)
    (job,) = queue.claim("w")
    queue.finish(job.lease, {})
    assert queue.forget() == 0
    clock.now += queue.policy.keep_finished_s + 1
    assert queue.forget() == 1
    assert queue.forget() == 0
    with pytest.raises(JobNotFound):
        queue.events(done)
    assert drain(queue) == [waiting]
