from __future__ import annotations

from collections.abc import Callable

import pytest

from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.evaluate.efficiency.plan import EfficiencyPlan

TINY = EfficiencyPlan(
    cold_runs=0,
    memory_runs=0,
    warm_calls=59,
    parts_calls=2,
    batch_size=2,
    batches=6,
    load_shares=(0.5,),
    load_seconds=0.3,
    peak_sides=(64,),
    peak_seconds=0.01,
    energy_window_s=0.02,
    idle_s=0.0,
    cooldown_s=0.0,
)


@pytest.fixture(scope="session")
def tiny_plan() -> EfficiencyPlan:
    """A plan that takes a second or two; new processes are left out."""
    return TINY


@pytest.fixture(scope="session")
def requests() -> list[DrawRequest]:
    """What is drawn while it is measured."""
    return [DrawRequest(caption="a red apple", seed=1), DrawRequest(caption="a cat", style="flat", seed=2)]


class Script:
    """A clock that stands still unless work or waiting moves it."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += max(0.0, seconds)

    def taking(self, *seconds: float) -> Callable[..., None]:
        """Return work whose calls take these times in turn, going round."""
        calls = 0

        def work(*arguments: object) -> None:
            nonlocal calls
            self.time += seconds[calls % len(seconds)]
            calls += 1

        return work


@pytest.fixture
def clock() -> Script:
    return Script()
