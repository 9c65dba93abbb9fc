"""A wall clock is trusted where neither model waited for a core, and that before was as fast at the end as at first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import pytest

from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.optimize.search.drawing import Drawing
from underpaint.stages.optimize.search.timing import WARM_UPS, Times, Turns, joined, take_turns

REQUESTS = [DrawRequest(caption="a", seed=0)]


def times(first_ms: float, second_ms: float, *, busy: bool = False) -> Times:
    base = np.array([[[first_ms] * 5 + [second_ms] * 5, [50.0] * 10]])
    return Times(candidate=base / 2, base=base, busy=busy)


@pytest.mark.parametrize(
    ("first_ms", "second_ms", "noisy"), [(50, 50, False), (50, 54, False), (50, 56, True), (56, 50, True)]
)
def test_a_base_that_drifts_is_noise(first_ms: float, second_ms: float, noisy: bool) -> None:
    assert times(first_ms, second_ms).noisy is noisy


def test_a_busy_machine_is_noise() -> None:
    assert times(50, 50, busy=True).noisy


@dataclass
class Steady:
    """A model that always takes as long."""

    wall_ms: float
    cpu_ms: float

    def time(self, request: DrawRequest, limit_s: float) -> tuple[float, float]:
        return self.wall_ms, self.cpu_ms


@pytest.mark.parametrize(
    ("candidate", "base", "load", "busy"),
    [
        ((50, 50), (50, 50), 9.0, False),
        ((50, 50), (90, 50), 9.0, True),
        ((90, 50), (50, 50), 9.0, True),
        ((90, 50), (90, 50), 1.0, False),
        ((54, 50), (54, 50), 9.0, False),
    ],
)
def test_who_waits_for_a_core_on_a_crowded_machine_is_noise_whichever_it_is(
    candidate: tuple[float, float], base: tuple[float, float], load: float, busy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (load, load, load))
    monkeypatch.setattr("underpaint.stages.optimize.search.timing.choose_threads", lambda **_: 2)
    sides = [cast(Drawing, Steady(*times_ms)) for times_ms in (candidate, base)]
    assert take_turns(sides, REQUESTS, 10, np.random.default_rng(0)).between(0, 1).busy is busy


@dataclass
class Told:
    """A model that says when it draws."""

    name: str
    took_ms: float
    drawn: list[str]

    def time(self, request: DrawRequest, limit_s: float) -> tuple[float, float]:
        self.drawn.append(self.name)
        return self.took_ms, self.took_ms


def three(drawn: list[str]) -> list[Drawing]:
    took = {"base": 60.0, "fast": 20.0, "rival": 30.0}
    return [cast(Drawing, Told(name, took_ms, drawn)) for name, took_ms in took.items()]


def test_all_draw_once_in_every_round_in_an_order_that_is_drawn_anew_and_found_again_by_the_seed() -> None:
    drawn, again = list[str](), list[str]()
    turns = take_turns(three(drawn), REQUESTS, 12, np.random.default_rng(3))
    take_turns(three(again), REQUESTS, 12, np.random.default_rng(3))
    rounds = [tuple(drawn[start : start + 3]) for start in range(3 * WARM_UPS, len(drawn), 3)]
    assert all(sorted(order) == ["base", "fast", "rival"] for order in rounds) and len(set(rounds)) > 3
    assert again == drawn
    assert turns.between(1).ratios(0)[0] == pytest.approx((1 / 3,) * 3)
    assert turns.between(1, 2).beside(0).latency_ratio == pytest.approx((2 / 3,) * 3)


def test_several_starts_are_one_race_whose_interval_is_over_the_starts() -> None:
    def start(ratio: float) -> Turns:
        times_ms = np.full((1, 2, 2, 10), 50.0)
        times_ms[0, 1] *= ratio
        return Turns(times_ms=times_ms, crowded=False)

    found = joined([start(0.9), start(1.0)]).between(1).cost(1.0, 1.0, 0)
    assert (found.pairs, found.starts) == (20, 2)
    value, low, high = found.latency_ratio
    assert value == pytest.approx(0.9**0.5) and low < 0.6 and high > 1.5, "two starts tell little, however steady each"
    one = joined([start(0.9)]).between(1).cost(1.0, 1.0, 0)
    assert one.latency_ratio == pytest.approx((0.9,) * 3) and one.starts == 1


def test_one_crowded_start_is_noise_only_if_somebody_waited_over_all_of_them() -> None:
    quiet = Turns(times_ms=np.full((1, 2, 2, 10), 50.0), crowded=False)
    crowded = Turns(times_ms=quiet.times_ms * np.array([2.0, 1.0])[:, None], crowded=True)
    assert not joined([quiet, quiet, crowded]).busy
    assert joined([quiet, crowded, crowded]).busy
