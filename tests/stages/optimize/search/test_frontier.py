"""One clock ranks all trials, overlapping times are equal, and what the judge refused beats nothing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from underpaint.core.optimization import Judgement, OptimizationRecipe
from underpaint.stages.optimize.search.frontier import beats, front, next_judged, raced, runners, settled, timer_of
from underpaint.stages.optimize.search.record import Attempt, Beside, Cost, Raced, Rival, Trial
from underpaint.stages.optimize.transforms.checking import step_of

STEP = step_of("steps.count", "sampler", steps=4)


def trial(
    id_: str,
    wall: float,
    loss: float,
    *,
    cpu: float | None = None,
    noisy: bool = False,
    steps: int = 1,
    wide: float = 0.01,
) -> Trial:
    ratios = {
        name: (value, value * (1 - wide), value * (1 + wide))
        for name, value in (("latency_ratio", wall), ("cpu_ratio", wall if cpu is None else cpu))
    }
    sizes = {"latency_ms": 1.0, "base_ms": 1.0, "peak_rss_mb": 1.0, "disk_mb": 1.0, "pairs": 20}
    recipe = OptimizationRecipe(steps=(STEP,) * steps)
    cost = Cost.model_validate({**ratios, **sizes, "noisy": noisy})
    values = {"origin": "start", "recipe": recipe, "recipe_digest": recipe.digest(), "cost": cost, "loss": loss}
    return Trial.model_validate({"id": id_, "rung": 2, "state": "feasible", **values})


def attempt(id_: str, verdict: str) -> Attempt:
    return Attempt(trial=id_, judgement=Judgement.model_validate({"verdict": verdict}), seconds=1.0)


def ids(trials: list[Trial]) -> list[str]:
    return [one.id for one in trials]


def test_one_noisy_trial_makes_processor_time_rank_all() -> None:
    slow_cpu, fast_cpu = trial("a", 0.5, 0.2, cpu=0.8), trial("b", 0.6, 0.2, cpu=0.6)
    assert ids(front([slow_cpu, fast_cpu])) == ["a"]
    noisy = trial("b", 0.6, 0.2, cpu=0.6, noisy=True)
    assert ids(front([slow_cpu, noisy])) == ["b"]
    assert next_judged([trial("c", 0.5, 0.1, cpu=1.1), trial("d", 2.0, 0.3, cpu=1.0, noisy=True)], (), 0.98) is None


def test_one_noisy_rival_makes_processor_time_rank_all() -> None:
    fast_wall, fast_cpu = trial("a", 0.5, 0.2, cpu=0.8), trial("b", 0.6, 0.2, cpu=0.6)

    def ranked(*, noisy: bool) -> tuple[str, str | None, list[str]]:
        export = trial("export", 0.9, 0.1, noisy=noisy).cost
        race = Raced(rivals=(Rival(name="export", model_digest="e", cost=export), Rival(name="lost", model_digest="l")))
        timer, found = timer_of([fast_wall, fast_cpu], race), next_judged([fast_wall, fast_cpu], (), 0.98, race)
        return timer, found and found.id, [one.state for one in settled([fast_wall, fast_cpu], (), timer)]

    assert ranked(noisy=False) == ("wall", "a", ["feasible", "dominated"])
    assert ranked(noisy=True) == ("processor", "b", ["dominated", "feasible"])


def test_overlapping_times_are_equal_and_fewer_steps_then_less_loss_decide() -> None:
    more, fewer = trial("a", 0.50, 0.2, steps=2, wide=0.1), trial("b", 0.52, 0.3, wide=0.1)
    assert ids(front([more, fewer])) == ["b", "a"]
    assert ids(front([trial("a", 0.50, 0.3, wide=0.1), trial("b", 0.52, 0.2, wide=0.1)])) == ["b"]
    assert ids(front([trial("a", 0.50, 0.2, steps=2), trial("b", 0.60, 0.1)])) == ["a", "b"]


@pytest.mark.parametrize("seed", range(20))
def test_nothing_on_the_front_beats_another_and_all_else_is_beaten_by_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    trials = [
        trial(str(k), rng.uniform(0.3, 0.9), rng.choice([0.1, 0.2, 0.3]), steps=int(rng.integers(1, 4)), wide=0.15)
        for k in range(12)
    ]
    best = front(trials)
    assert best
    assert not any(beats(one, other, "wall") for one, other in itertools.permutations(best, 2))
    assert all(any(beats(one, other, "wall") for one in best) for other in trials if other not in best)


def test_what_only_a_refused_candidate_beats_is_not_called_dominated() -> None:
    refused, beaten, better = trial("a", 0.4, 0.5), trial("b", 0.5, 0.6), trial("c", 0.6, 0.1)
    ended = settled([refused, beaten, better], [attempt("a", "fail")])
    assert [one.state for one in ended] == ["rejected", "feasible", "feasible"]
    assert ids(front(ended)) == ["b", "c"]
    assert [one.state for one in settled([refused, beaten, better], ())] == ["feasible", "dominated", "feasible"]
    assert settled([refused, beaten], [attempt("a", "pass")])[1].state == "dominated"


def test_a_trial_is_dropped_for_its_time_only_if_no_clock_that_can_be_trusted_says_it_is_faster() -> None:
    """Which clock ranks is known at the end alone."""

    def may_save(wall: float, cpu: float, *, noisy: bool = False) -> bool:
        cost = trial("a", wall, 0.1, cpu=cpu, noisy=noisy).cost
        assert cost is not None
        return cost.may_save(0.98)

    assert may_save(0.9, 1.2) and may_save(1.2, 0.9) and may_save(1.2, 0.9, noisy=True)
    assert not may_save(1.0, 1.0) and not may_save(0.9, 1.2, noisy=True)


def test_who_ran_in_the_race_is_ranked_by_it() -> None:
    first, second, third = trial("a", 0.50, 0.2), trial("b", 0.55, 0.2), trial("c", 0.9, 0.1)
    other = trial("b", 0.45, 0.2).cost
    assert other is not None
    assert ids(runners([third, second, first], 0.98)) == ["a", "c"]
    equal = trial("d", 0.51, 0.3, wide=0.1)
    assert ids(front([first, equal])) == ["a"]
    assert ids(runners([first, equal, third], 0.98)) == ["a", "c", "d"], "it may be the faster one in one run"
    ranked = raced([first, second, third], Raced(costs={"b": other}))
    assert ids(front(ranked)) == ["b", "c"] and ids(ranked) == ["a", "b", "c"]
    assert raced([first], None) == [first]


def test_what_is_faster_than_the_rival_is_judged_before_what_is_not_though_their_times_overlap() -> None:
    same, faster = trial("a", 0.427, 0.15, wide=0.02), trial("b", 0.411, 0.17, wide=0.02)
    over = {
        one.id: Beside(latency_ratio=(ratio, ratio - 0.02, ratio + 0.02), cpu_ratio=(2.0, 2.0, 2.0))
        for one, ratio in ((same, 1.0), (faster, 0.96))
    }
    race = Raced(rivals=(Rival(name="export", model_digest="e", cost=same.cost, beside=over),))

    def judged(*attempts: Attempt, among: Raced | None = race) -> str | None:
        found = next_judged([same, faster], attempts, 0.98, among)
        return found and found.id

    assert judged(among=None) == judged(among=Raced()) == "a", "as fast as the other, and loses less"
    assert judged() == "b" and judged(attempt("b", "fail")) == "a"
    slower = Rival(name="faster", model_digest="f", cost=same.cost, beside={"b": over["a"]})
    assert judged(among=Raced(rivals=(*race.rivals, slower))) == "a", "it outruns one of two"


def test_after_a_refusal_what_loses_more_is_not_judged() -> None:
    trials = [trial("a", 0.4, 0.5), trial("b", 0.5, 0.6), trial("c", 0.6, 0.1)]
    found = next_judged(trials, [attempt("a", "fail")], 0.98)
    assert found is not None and found.id == "c"
