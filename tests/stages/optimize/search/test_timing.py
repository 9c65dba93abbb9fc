"""A wall clock is trusted where neither model waited for a core, and that before was as fast at the end as at first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import pytest

from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.optimize.search.drawing import Drawing
from underpaint.stages.optimize.search.timing import Times, take_turns


def times(first_ms: float, second_ms: float, *, busy: bool = False) -> Times:
    base = np.array([[first_ms] * 5 + [second_ms] * 5, [50.0] * 10])
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
    assert take_turns(sides, [DrawRequest(caption="a", seed=0)], 10).between(0, 1).busy is busy


def test_all_take_turns_forward_and_back_so_that_each_has_the_same_neighbors() -> None:
    drawn: list[str] = []

    @dataclass
    class Told:
        name: str
        took_ms: float

        def time(self, request: DrawRequest, limit_s: float) -> tuple[float, float]:
            drawn.append(self.name)
            return self.took_ms, self.took_ms

    models = [cast(Drawing, Told(name, took)) for name, took in (("base", 60.0), ("fast", 20.0), ("rival", 30.0))]
    turns = take_turns(models, [DrawRequest(caption="a", seed=0)], 10)
    assert drawn[-12:-6] == ["base", "fast", "rival", "rival", "fast", "base"]
    assert turns.between(1).ratios(0)[0] == pytest.approx((1 / 3,) * 3)
    assert turns.between(1, 2).beside(0).latency_ratio == pytest.approx((2 / 3,) * 3)
