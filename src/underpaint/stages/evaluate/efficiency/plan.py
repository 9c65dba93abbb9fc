"""How much is measured: numbers of runs and seconds, for three budgets; imports no torch.

Budgets hold for pictures of about 50 ms. Slower models stop at the time limits, and what they then lack is refused.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from underpaint.core.config import Config
from underpaint.core.errors import InputError

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class EfficiencyPlan(Config):
    """What is measured, how often and how long; 0 runs leave a part out.

    Args:
        cold_runs: New processes from the shell to the first picture; 6 or more for an interval.
        warmup_calls: Most calls before measuring; it stops as soon as 3 agree within 5 %.
        warm_calls: Pictures drawn one at a time; 59 support the 95th percentile, 299 the 99th.
        warm_limit_s: Longest time for them.
        parts_calls: Pictures whose parts are timed apart.
        batch_size: Pictures in a batch of the throughput measurement.
        batches: Such batches; 6 or more for an interval.
        batch_limit_s: Longest time for them.
        slo_ms: The time promised for an answer, kept by 95 in 100.
        load_shares: Loads that are really run, as shares of the capacity.
        load_seconds: Time of each such run, and of the one at the highest rate that keeps the promise.
        timeout_factor: A request that waits this many times ``slo_ms`` is given up and counts as an error.
        peak_sides: Sides of the matrices that are multiplied to find the machine's peak.
        peak_seconds: Time for each side, and for the memory's peak.
        memory_runs: New processes whose peak memory is read; 6 or more for an interval.
        energy_windows: Windows of energy measurement; 5 at least.
        energy_window_s: Length of each; hardware counters need 5 s.
        idle_s: Length of the window without work.
        cooldown_s: Pause between windows.
        watts_per_core: Range of power of a busy core, for machines without counters.
        seed: Seed of arrivals and resampling.
    """

    cold_runs: Count = 6
    warmup_calls: Positive = 30
    warm_calls: Count = 400
    warm_limit_s: Seconds = 40.0
    parts_calls: Count = 30
    batch_size: Positive = 8
    batches: Count = 20
    batch_limit_s: Seconds = 15.0
    slo_ms: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = 1000.0
    load_shares: tuple[Annotated[float, Field(gt=0.0, le=2.0)], ...] = (0.3, 0.5, 0.7, 0.9)
    load_seconds: Seconds = 12.0
    timeout_factor: Annotated[float, Field(ge=1.0)] = 10.0
    peak_sides: tuple[Positive, ...] = (1024, 2048, 4096)
    peak_seconds: Seconds = 2.0
    memory_runs: Count = 6
    energy_windows: Count = 5
    energy_window_s: Seconds = 5.0
    idle_s: Seconds = 5.0
    cooldown_s: Seconds = 1.0
    watts_per_core: tuple[float, float] = (2.0, 15.0)
    seed: Count = 0


PLANS: dict[str, EfficiencyPlan] = {
    "quick": EfficiencyPlan(
        cold_runs=2,
        warm_calls=120,
        warm_limit_s=10.0,
        parts_calls=8,
        batches=6,
        batch_limit_s=4.0,
        load_shares=(0.6,),
        load_seconds=4.0,
        peak_sides=(1024,),
        memory_runs=1,
        energy_window_s=0.6,
        idle_s=0.6,
        cooldown_s=0.0,
    ),
    "standard": EfficiencyPlan(),
    "full": EfficiencyPlan(
        cold_runs=12,
        warm_calls=1200,
        warm_limit_s=150.0,
        parts_calls=100,
        batches=60,
        batch_limit_s=60.0,
        load_seconds=75.0,
        peak_seconds=5.0,
        memory_runs=10,
        energy_windows=8,
        energy_window_s=10.0,
        idle_s=10.0,
        cooldown_s=2.0,
    ),
}
"""Name to plan: about half a minute, 3 minutes and a quarter of an hour."""


def plan_named(name: str) -> EfficiencyPlan:
    """Return a plan.

    Raises:
        InputError: There is none of that name.
    """
    if name not in PLANS:
        raise InputError(f"there is no efficiency plan {name!r:.60}; choose one of {', '.join(PLANS)}")
    return PLANS[name]
