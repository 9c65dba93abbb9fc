"""Too small a budget is refused before anything is measured; what takes long is planned for; the end is kept free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pytest

from underpaint.core.errors import InputError
from underpaint.core.optimization import Effort, OptimizationRecipe
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.optimize.search.config import ATTEMPTS, USUAL_LOADING_S, SearchConfig
from underpaint.stages.optimize.search.frontier import EQUALS
from underpaint.stages.optimize.search.making_time import making_s
from underpaint.stages.optimize.search.record import Base, Cost, Raced, Rival, Trial, Tried
from underpaint.stages.optimize.search.spending import (
    TRIAL_OVERHEAD_S,
    check_plan,
    race_loading_s,
    raced_pictures,
)
from underpaint.stages.optimize.search.timing import take_turns
from underpaint.stages.optimize.transforms.checking import arranged, step_of

Make = Callable[..., Any]
SLOW = arranged(step_of("engine.openvino", "pipeline", precision="int8"))
BASE = Base(latency_ms=70.0, cpu_ms=70.0, peak_rss_mb=1.0, disk_mb=1.0, values={}, limits={}, seconds=25.0)
COST = Cost.model_validate(
    {
        **dict.fromkeys(("latency_ratio", "cpu_ratio"), (0.5, 0.4, 0.6)),
        **dict.fromkeys(("latency_ms", "base_ms", "peak_rss_mb", "disk_mb"), 1.0),
        "pairs": 20,
    }
)


@dataclass
class DrawingStub:
    """A model whose pictures are counted."""

    drawn: int = 0

    def time(self, request: DrawRequest, limit_s: float) -> tuple[float, float]:
        self.drawn += 1
        return 50.0, 50.0


def test_ten_seconds_are_refused_for_any_model_with_a_budget_that_does_for_one_like_the_shipped(stubbed: Make) -> None:
    with pytest.raises(InputError, match=r"a budget of 10 s is too small for any model: .*give --budget \d+m$") as said:
        check_plan(SearchConfig(budget_s=10.0), stubbed().judge.effort())
    made = stubbed("told", budget_s=60.0 * int(str(said.value).rpartition(" ")[2].removesuffix("m")))
    made.search.log.add(BASE)
    made.search.spending.check()


@pytest.mark.parametrize("each", [10, 1000, 100_000])
def test_the_least_budget_grows_with_the_pictures_that_decide(each: int) -> None:
    racing = 2 * race_loading_s(SearchConfig(), USUAL_LOADING_S) + 0.005 * 2 * raced_pictures(SearchConfig())
    least = TRIAL_OVERHEAD_S + racing + 0.005 * each
    with pytest.raises(InputError, match=f"the race 360 and the decision {each}, which takes"):
        check_plan(SearchConfig(budget_s=least), Effort(base=0, each=each))
    check_plan(SearchConfig(budget_s=least + 5.0), Effort(base=0, each=each))


def test_the_race_is_planned_for_with_all_its_starts(stubbed: Make) -> None:
    made = stubbed()
    made.search.log.add(BASE.model_copy(update={"loading_s": 7.5}))
    config, entrants = made.search.config, [DrawingStub() for _ in range(ATTEMPTS + EQUALS + 2)]
    for seed in range(config.starts):
        take_turns(cast(Any, entrants), [DrawRequest(caption="a", seed=0)], config.rounds, np.random.default_rng(seed))
    drawing_s, loads = 0.07 * sum(one.drawn for one in entrants), len(entrants) * (1 + config.starts)
    assert made.search.spending.race_s() == pytest.approx(drawing_s + loads * 7.5)


@pytest.mark.parametrize(("left_s", "looks"), [(-50.0, 1), (150.0, 1), (200.0, 2), (300.0, 3), (9000.0, ATTEMPTS)])
def test_as_many_are_judged_as_there_is_time_for_and_one_at_least(stubbed: Make, left_s: float, looks: int) -> None:
    made = stubbed(budget_s=1000.0)
    made.search.log.add(BASE)
    assert made.search.spending.judgement_s() == pytest.approx(91.0)
    assert made.search.spending.looks(Raced(seconds=1000.0 - BASE.seconds - left_s)) == looks


@pytest.mark.parametrize(("slower", "looks"), [(0.5, 3), (1.0, 3), (1.6, 2), (3.0, 1)])
def test_where_the_race_took_longer_than_planned_judging_is_planned_to_do_so_too(
    stubbed: Make, slower: float, looks: int
) -> None:
    made = stubbed("planned")
    made.search.log.add(BASE)
    seconds = slower * made.search.spending.race_s(1)
    race = Raced(costs={"t-001": COST}, rivals=(Rival(name="export", model_digest="e"),), seconds=seconds)
    made = stubbed("late", budget_s=BASE.seconds + seconds + 300.0)
    made.search.log.add(BASE)
    assert made.search.spending.looks(race) == looks


@pytest.mark.parametrize(("before_s", "limit_s"), [(25.0, 884.0), (800.0, 109.0), (850.0, 100.0), (2000.0, 100.0)])
def test_the_race_may_take_all_but_one_decision_and_a_tenth_of_the_budget_at_least(
    stubbed: Make, before_s: float, limit_s: float
) -> None:
    made = stubbed(budget_s=1000.0)
    made.search.log.add(BASE.model_copy(update={"seconds": before_s}))
    assert made.search.spending.judgement_s() == pytest.approx(91.0)
    assert made.search.spending.race_time().seconds() == pytest.approx(limit_s)


@pytest.mark.parametrize("missed", [1, 6, 12])
def test_a_race_that_ended_early_leaves_one_look_whatever_time_is_left(stubbed: Make, missed: int) -> None:
    made = stubbed(budget_s=9000.0)
    made.search.log.add(BASE)
    costs = {} if missed == made.search.config.starts else {"t-001": COST}
    whole, early = (Raced(costs=costs, missed_starts=count, seconds=50.0) for count in (0, missed))
    assert (made.search.spending.looks(whole), made.search.spending.looks(early)) == (ATTEMPTS, 1)


def tried(number: int, recipe: OptimizationRecipe, seconds: float) -> Tried:
    values = {"id": f"t-{number:03d}", "origin": "start", "rung": 2, "state": "feasible", "seconds": seconds}
    return Tried(trial=Trial.model_validate({**values, "recipe": recipe, "recipe_digest": recipe.digest()}))


def test_making_is_planned_until_it_was_done_once_and_then_measured(stubbed: Make) -> None:
    made = stubbed()
    made.search.log.add(BASE)
    spending = made.search.spending
    assert spending.trial_s(SLOW) > making_s(SLOW, BASE)
    made.search.log.add(tried(1, SLOW, 33.0))
    assert spending.trial_s(SLOW) == 33.0


def test_every_engine_gets_its_chance_in_25_minutes_though_one_takes_long_to_make(stubbed: Make) -> None:
    """What a trial takes is that of the shipped model; a dear recipe takes 150 s to make."""
    made = stubbed(budget_s=1500.0, prompts=64)
    dear = made.let_making_take(165.0, 15.0)
    made.search.run()
    assert any(dear in trial.recipe.steps and trial.cost is not None for trial in made.search.log.trials)
    assert made.search.log.raced is not None and made.search.log.attempts
    assert made.search.log.seconds <= 1500.0


def test_a_budget_that_the_model_before_uses_up_is_refused_as_soon_as_it_has(stubbed: Make) -> None:
    made = stubbed(budget_s=299.0)
    made.bench.base_s = 300.0
    with pytest.raises(InputError, match=r"5 min is too small here.*\(draw with the model before\) has used it up"):
        made.search.run()
    assert made.bench.clock.now() == 300.0
    assert made.search.log.base is None
