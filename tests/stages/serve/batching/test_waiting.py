"""Laws of forming batches, on a thousand random moments of seeded worlds."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from underpaint.stages.serve.batching.fairness import CLASSES
from underpaint.stages.serve.batching.filling import Plan, Unit, alone
from underpaint.stages.serve.batching.waiting import Formed, Waiting

CAPS = {"64": 4, "128": 2, "": 1}


def plan_of(unit: Unit) -> Plan:
    return Plan(cap=CAPS[unit.key], seconds=lambda units: 0.5 + 0.5 * units)


def unit(name: object, owner: str = "ann", **others: Any) -> Unit:
    values: dict[str, Any] = {"job_class": "interactive", "key": "64", "arrived_at": 0.0, "cost_s": 1.0}
    return Unit(id=str(name), owner=owner, **{**values, **others})


class World:
    """A random history of units that come, are cancelled and are taken."""

    def __init__(self, seed: int) -> None:
        self.dice, self.now = random.Random(seed), 0.0
        self.waiting = Waiting(plan_of)
        self.known: dict[str, Unit] = {}
        self.open: set[str] = set()
        self.cancelled: set[str] = set()
        self.taken: list[tuple[float, Formed]] = []

    def arrive(self) -> None:
        dice = self.dice
        new = unit(
            len(self.known),
            dice.choice("abc"),
            job_class=dice.choice(CLASSES),
            key=dice.choice(list(CAPS)),
            arrived_at=self.now,
            cost_s=dice.choice([0.5, 1.0, 3.0]),
            priority=dice.choice([0, 0, 5]),
            deadline_at=self.now + dice.uniform(0.1, 20.0) if dice.random() < 0.3 else None,
        )
        self.known[new.id] = new
        self.open.add(new.id)
        self.waiting.add(new)

    def cancel(self) -> None:
        if self.known:
            name = self.dice.choice(list(self.known))
            assert self.waiting.cancel(name) == (name in self.open)
            if name in self.open:
                self.open.remove(name)
                self.cancelled.add(name)

    def take(self) -> None:
        formed = self.waiting.take(self.now)
        self.taken.append((self.now, formed))
        self.open -= {one.id for one in [*formed.batch, *formed.expired]}
        self.now += formed.seconds

    def live(self, moments: int = 400) -> None:
        for _ in range(moments):
            self.dice.choice([self.arrive, self.arrive, self.arrive, self.cancel, self.take])()
            self.now += self.dice.uniform(0.0, 0.5)
        while self.open:
            self.take()


@pytest.fixture(scope="module", params=range(8))
def world(request: pytest.FixtureRequest) -> World:
    world = World(request.param)
    world.live()
    return world


def test_every_unit_is_taken_once_or_expires_or_is_cancelled(world: World) -> None:
    ends = Counter(one.id for _, formed in world.taken for one in [*formed.batch, *formed.expired])
    ends.update(world.cancelled)
    assert ends == Counter(world.known.keys())
    assert len(world.waiting) == 0


def test_a_batch_holds_alike_units_only_and_no_more_than_its_cap(world: World) -> None:
    sizes = Counter()
    for _, formed in world.taken:
        if formed.batch:
            (key,) = {one.key for one in formed.batch}
            assert len(formed.batch) <= CAPS[key]
            sizes[len(formed.batch)] += 1
    assert max(sizes) == 4


def test_nothing_is_started_that_cannot_be_in_time_and_nothing_else_expires(world: World) -> None:
    for now, formed in world.taken:
        assert all(one.deadline_at is None or now + formed.seconds <= one.deadline_at for one in formed.batch)
        assert all(one.deadline_at is not None and now + 1.0 > one.deadline_at for one in formed.expired)


def test_something_is_taken_whenever_something_waits(world: World) -> None:
    assert all(formed.batch or formed.expired for _, formed in world.taken[-1:])
    idle = Waiting(plan_of)
    assert idle.take(0.0) == Formed()


def test_an_owners_units_of_one_priority_and_key_keep_their_order(world: World) -> None:
    last: dict[object, int] = {}
    for _, formed in world.taken:
        for one in formed.batch:
            if one.deadline_at is None:
                line = (one.owner, one.job_class, one.key, one.priority)
                assert last.get(line, -1) < int(one.id)
                last[line] = int(one.id)


def test_the_same_history_forms_the_same_batches() -> None:
    worlds = [World(3), World(3)]
    for one in worlds:
        one.live(100)
    assert worlds[0].taken == worlds[1].taken


@pytest.mark.parametrize("seed", range(4))
def test_owners_who_always_wait_get_equal_time_whatever_their_units_cost(seed: int) -> None:
    dice, waiting = random.Random(seed), Waiting(lambda one: alone(one.cost_s))
    costs = {owner: dice.uniform(0.2, 3.0) for owner in "abcde"}
    for owner, cost in costs.items():
        for i in range(1500):
            waiting.add(unit(f"{owner}{i}", owner, cost_s=cost, key=""))
    given, now = dict.fromkeys(costs, 0.0), 0.0
    while now < 200.0:
        formed = waiting.take(now)
        given[formed.batch[0].owner] += formed.seconds
        now += formed.seconds
        assert max(given.values()) - min(given.values()) <= 2 * max(costs.values())


def test_an_owner_who_sends_a_hundred_times_more_delays_nobody_by_more_than_a_batch() -> None:
    waiting = Waiting(lambda one: Plan(cap=8, seconds=lambda units: 1.0))
    for i in range(1000):
        waiting.add(unit(f"flood{i}", "flood"))
    now, waits = 0.0, []
    for i in range(10):
        waiting.add(unit(f"rare{i}", "rare", arrived_at=now, key="64"))
        came = now
        while not any(one.owner == "rare" for one in waiting.take(now).batch):
            now += 1.0
        waits.append(now - came)
        now += 5.0
    assert max(waits) <= 1.0


def test_deadlines_of_others_in_a_batch_are_kept() -> None:
    waiting = Waiting(plan_of)
    waiting.add(unit("urgent", deadline_at=1.6))
    for i in range(3):
        waiting.add(unit(i, "bob"))
    assert [one.id for one in waiting.take(0.0).batch] == ["urgent", "0"], "a third would make the first late"


def test_a_batch_that_is_not_begun_yet_is_known_and_takes_nothing_out() -> None:
    waiting = Waiting(plan_of)
    assert waiting.upcoming(0.0) is None
    for i in range(3):
        waiting.add(unit(i, arrived_at=10.0 + i))
    upcoming = waiting.upcoming(12.0)
    assert upcoming is not None and (upcoming.units, upcoming.cap) == (3, 4)
    assert len(waiting.take(12.0).batch) == 3
    waiting.add(unit(3, key=""))
    alone_now = waiting.upcoming(12.0)
    assert alone_now is not None and (alone_now.units, alone_now.cap) == (1, 1), "nothing goes with it"


def test_idle_owners_are_forgotten_and_gain_nothing_by_it() -> None:
    waiting = Waiting(lambda one: alone(one.cost_s))
    for i in range(500):
        waiting.add(unit(i, f"visitor{i}", key=""))
        waiting.take(0.0)
    assert len(waiting._virtual_s) <= 1
    waiting.add(unit("a1", "a", cost_s=5.0, key=""))
    waiting.add(unit("b1", "b", key=""))
    waiting.add(unit("b2", "b", key=""))
    waiting.take(0.0)
    waiting.add(unit("a2", "a", key=""))
    assert [waiting.take(0.0).batch[0].id for _ in range(3)] == ["b1", "b2", "a2"]
