"""Laws of company: callers who ask again at once meet in full batches, a single one is not kept waiting.

A device, its callers and their clock are simulated; what decides is the real thing.
"""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Callable
from itertools import accumulate
from statistics import mean, quantiles

import pytest

from underpaint.stages.serve.batching.waiting import Upcoming
from underpaint.stages.serve.dispatch.company import WAIT_S, Company, Window, is_worth

CAP = 8


class World:
    """A device that takes ``batch_s`` for up to eight, and pictures that go out one after the other.

    Args:
        batch_s: Seconds of a batch.
        out_s: Seconds between two pictures that go out.
        back_s: Draws how long a caller takes to ask again; None if nobody does.
    """

    def __init__(self, batch_s: float, out_s: float, back_s: Callable[[], float] | None) -> None:
        self.batch_s, self.out_s, self.back_s = batch_s, out_s, back_s
        self.now, self.out_at = 0.0, 0.0
        self.company = Company(lambda: self.now)
        self.arrivals: list[float] = []
        self.waiting: list[float] = []
        self.windows: list[tuple[float, Window]] = []
        self.sizes: list[int] = []
        self.waits: list[float] = []

    def go_to(self, until: float) -> None:
        """Let time pass, and happen what happens meanwhile."""
        while (at := min([until, *self.arrivals[:1], *(end for end, _ in self.windows)])) < until:
            self.now = max(self.now, at)
            if self.arrivals and self.arrivals[0] <= at:
                self.waiting.append(heapq.heappop(self.arrivals))
                self.company.come(1)
            for one in [one for one in self.windows if one[0] <= at]:
                self.company.end(one[1])
                self.windows.remove(one)
        self.now = max(self.now, until)

    def upcoming(self) -> Upcoming:
        units = min(CAP, len(self.waiting))
        return Upcoming(units=units, cap=CAP, seconds=self.batch_s)

    def run(self, batches: int) -> None:
        """Draw so many batches, each when the device is free, somebody waits, and waiting is not worth it."""
        while len(self.sizes) < batches:
            if not self.waiting:
                self.go_to(self.arrivals[0] + 1e-9)
                continue
            if (wait_s := self.company.wait_s(self.upcoming())) > 0:
                events = [*self.arrivals[:1], *(end for end, _ in self.windows)]
                self.go_to(min([self.now + wait_s, *(at for at in events if at > self.now)]) + 1e-9)
                continue
            self.draw()

    def draw(self) -> None:
        batch = [self.waiting.pop(0) for _ in range(min(CAP, len(self.waiting)))]
        self.sizes.append(len(batch))
        self.waits += [self.now - at for at in batch]
        self.go_to(self.now + self.batch_s)
        window, out_at = self.company.begin(len(batch)), max(self.now, self.out_at)
        for _ in batch:
            out_at += self.out_s
            if self.back_s is not None:
                heapq.heappush(self.arrivals, out_at + self.back_s())
        self.out_at = out_at
        self.windows.append((out_at, window))


def closed_loop(callers: int, out_s: float) -> World:
    dice = random.Random(5)
    world = World(0.050, out_s, lambda: dice.uniform(0.0005, 0.003))
    world.arrivals = sorted(dice.uniform(0.0, 0.1) for _ in range(callers))
    world.run(300)
    return world


@pytest.mark.parametrize("out_s", [0.0, 0.001, 0.004])
@pytest.mark.parametrize(("callers", "least"), [(8, 7.3), (32, 7.9)])
def test_callers_who_ask_again_at_once_meet_in_nearly_full_batches(callers: int, least: float, out_s: float) -> None:
    assert mean(closed_loop(callers, out_s).sizes[50:]) >= least


@pytest.mark.parametrize("callers", [8, 7, 3])
def test_callers_in_two_halves_come_together_and_stay_so(callers: int) -> None:
    dice = random.Random(3)
    world = World(0.050, 0.0012, lambda: dice.uniform(0.0005, 0.003))
    starts = [0.0, 0.030]
    world.arrivals = sorted(starts[number % 2] + dice.uniform(0.0, 0.002) for number in range(callers))
    world.run(200)
    assert set(world.sizes[50:]) == {callers}


def test_a_caller_who_is_late_now_and_then_does_not_split_the_others() -> None:
    dice = random.Random(1)
    world = World(0.050, 0.001, lambda: 0.012 if dice.random() < 0.05 else dice.uniform(0.0005, 0.003))
    world.arrivals = sorted(dice.uniform(0.0, 0.1) for _ in range(8))
    world.run(400)
    assert mean(world.sizes[50:]) >= 7.5


def test_a_single_caller_is_not_kept_waiting() -> None:
    world = closed_loop(1, 0.001)
    assert set(world.sizes) == {1}
    assert max(world.waits[50:]) < 1e-6


@pytest.mark.parametrize("out_s", [0.0012, 0.004])
@pytest.mark.parametrize("rate", [10.0, 40.0, 80.0, 130.0])
def test_those_who_come_when_they_like_are_hardly_kept_waiting_for_others(rate: float, out_s: float) -> None:
    """Against a device that never waits: at most a twentieth of a batch longer, in mean and 95th percentile."""
    waits = {}
    for kind in ("ours", "never"):
        dice = random.Random(1)
        world = World(0.050, out_s, None)
        world.arrivals = list(accumulate(dice.expovariate(rate) for _ in range(6000)))
        if kind == "never":
            world.company.wait_s = lambda _upcoming: 0.0  # pyright: ignore[reportAttributeAccessIssue]
        world.run(700)
        waits[kind] = mean(world.waits), quantiles(world.waits, n=20)[-1]
    for ours, never in zip(waits["ours"], waits["never"], strict=True):
        assert ours <= never + 0.0025


def test_who_comes_while_pictures_go_out_and_not_because_of_them_does_not_come_back() -> None:
    dice = random.Random(2)
    world = World(0.050, 0.004, None)
    world.arrivals = list(accumulate(dice.expovariate(80.0) for _ in range(3000)))
    world.run(500)
    assert world.company._returning() < 0.3
    assert closed_loop(8, 0.004).company._returning() > 0.9


def test_a_full_batch_and_one_that_nothing_goes_with_are_begun_at_once() -> None:
    company = Company(lambda: 10.0)
    company.come(1000)
    for units, cap in ((8, 8), (1, 1)):
        assert company.wait_s(Upcoming(units=units, cap=cap, seconds=1.0)) == 0.0
    assert company.wait_s(None) == 0.0


def test_nobody_is_waited_for_but_while_pictures_go_out_and_a_little_longer() -> None:
    now = 10.0
    company = Company(lambda: now)
    upcoming = Upcoming(units=2, cap=8, seconds=1.0)
    company.come(1000)
    assert company.wait_s(upcoming) == 0.0
    for _ in range(50):
        window = company.begin(8)
        company.come(8)
        company.end(window)
        now += 2 * WAIT_S
    window = company.begin(8)
    company.end(window)
    assert company.wait_s(upcoming) == pytest.approx(WAIT_S)
    now += 2 * WAIT_S
    assert company.wait_s(upcoming) == 0.0


def test_waiting_is_worth_it_where_those_who_come_save_more_than_those_who_wait_lose() -> None:
    upcoming = Upcoming(units=4, cap=8, seconds=0.050)
    assert is_worth(1.01, 0.010, upcoming, 0.0)
    assert not is_worth(0.99, 0.010, upcoming, 0.0)
    assert is_worth(1.51, 0.010, upcoming, 2.0)
    assert not is_worth(1.49, 0.010, upcoming, 2.0), "those who come later begin later too"
    assert not is_worth(100.0, 0.051, upcoming, 0.0), "longer than the batch itself"


def test_its_clock_is_one_that_nobody_sets_back() -> None:
    assert Company()._clock is time.monotonic and not time.get_clock_info("monotonic").adjustable
