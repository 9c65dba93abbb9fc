"""One clock ranks all trials, overlapping times are equal, and what the judge refused beats nothing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from underpaint.core.optimization import Judgement, OptimizationRecipe
from underpaint.stages.optimize.search.frontier import (
    accepted,
    beats,
    front,
    ladder,
    next_judged,
    raced,
    runners,
    settled,
    timer_of,
)
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


def test_a_step_that_changes_neither_time_nor_pictures_takes_no_turn() -> None:
    safe, fast = trial("safe", 0.60, 0.1), trial("fast", 0.41, 0.3, wide=0.1)
    padded = [trial(f"p{k}", 0.40 + k / 100, 0.3, steps=2 + k, wide=0.1) for k in range(3)]
    other = trial("other", 0.40, 0.29, steps=2, wide=0.1)
    assert ids(ladder([*padded, safe, fast], 0.98)) == ["safe", "fast"]
    assert "safe" in ids(runners([*padded, safe, fast], 0.98))
    assert ids(ladder([other, safe, fast], 0.98)) == ["safe", "other", "fast"], "it loses less"
    slow, faster = trial("slow", 0.985, 0.3, wide=0.02), trial("faster", 0.975, 0.3, steps=2, wide=0.02)
    assert ids(ladder([slow, faster], 0.98)) == ids(runners([slow, faster], 0.98)) == ["faster"], "slow takes no turn"


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
    lucky, safe = trial("e", 0.45, 0.1, steps=2), trial("f", 0.6, 0.15)
    assert ids(front([lucky, safe])) == ["e"]
    assert ids(runners([lucky, safe], 0.98)) == ["e", "f"], "the other may have been unlucky at its time"
    ranked = raced([first, second, third], Raced(costs={"b": other}))
    assert ids(front(ranked)) == ["b", "c"] and ids(ranked) == ["a", "b", "c"]
    assert raced([first], None) == [first]


def test_what_is_faster_than_the_rival_may_be_judged_though_another_is_as_fast_by_its_trial_and_loses_less() -> None:
    same, faster = trial("a", 0.427, 0.15, wide=0.02), trial("b", 0.411, 0.17, wide=0.02)
    over = {
        one.id: Beside(latency_ratio=(ratio, ratio - 0.02, ratio + 0.02), cpu_ratio=(2.0, 2.0, 2.0))
        for one, ratio in ((same, 1.0), (faster, 0.96))
    }
    race = Raced(rivals=(Rival(name="export", model_digest="e", cost=same.cost, beside=over),))

    def judged(among: Raced | None) -> list[str]:
        return ids(ladder([same, faster], 0.98, among))

    assert judged(None) == judged(Raced()) == ["a"], "as fast as the other, and loses less"
    assert judged(race) == ["a", "b"], "it may be judged though another is as fast and loses less"
    slower = Rival(name="faster", model_digest="f", cost=same.cost, beside={"b": over["a"]})
    assert judged(Raced(rivals=(*race.rivals, slower))) == ["a"], "it outruns one of two"


def test_the_three_fastest_of_the_front_are_judged_from_what_loses_least_on_until_one_does_not_pass() -> None:
    trials = [trial("a", 0.4, 0.5), trial("b", 0.5, 0.4), trial("c", 0.6, 0.3), trial("d", 0.7, 0.2)]

    def judged(*attempts: Attempt) -> str | None:
        found = next_judged(trials, attempts, 0.98)
        return found and found.id

    assert ids(ladder(trials, 0.98)) == ["c", "b", "a"]
    assert judged() == "c" and judged(attempt("c", "pass")) == "b"
    assert judged(attempt("c", "pass"), attempt("b", "pass")) == "a"
    assert judged(attempt("c", "fail")) is None and judged(attempt("c", "indeterminate")) is None
    assert judged(attempt("c", "pass"), attempt("b", "pass"), attempt("a", "pass")) is None


def test_where_time_is_short_the_fastest_is_judged_and_never_what_did_not_run_in_the_race() -> None:
    trials = [trial("a", 0.4, 0.5), trial("b", 0.5, 0.4), trial("c", 0.6, 0.3), trial("d", 0.7, 0.2)]
    costs = {one.id: one.cost for one in trials if one.cost is not None}

    def judged(looks: int, *ran: str) -> list[str]:
        return ids(ladder(trials, 0.98, Raced(costs={name: costs[name] for name in ran}, looks=looks)))

    assert judged(1, "a", "b", "c") == ["a"]
    assert judged(2, "a", "b", "c") == ["b", "a"], "the safest of the two fastest comes first"
    assert judged(3, "a", "d") == ["d", "a"], "the others did not run"
    assert judged(2) == ["b", "a"], "a race that was not finished leaves what the trials say"


def test_the_fastest_of_those_that_passed_is_accepted() -> None:
    trials = [trial("a", 0.4, 0.5), trial("b", 0.5, 0.3)]
    assert accepted(trials, []) is None and accepted(trials, [attempt("b", "fail")]) is None
    first, second = attempt("b", "pass"), attempt("a", "pass")
    assert accepted(trials, [first, second]) == second
    assert accepted(trials, [first, attempt("a", "fail")]) == first


def test_of_equals_that_passed_what_loses_less_is_accepted_unless_another_alone_outruns_the_rival() -> None:
    same, faster = trial("a", 0.427, 0.15, wide=0.02), trial("b", 0.411, 0.17, wide=0.02)
    passed = [attempt("a", "pass"), attempt("b", "pass")]
    assert accepted([same, faster], passed) == passed[0]
    over = {
        one.id: Beside(latency_ratio=(ratio, ratio - 0.02, ratio + 0.02), cpu_ratio=(2.0, 2.0, 2.0))
        for one, ratio in ((same, 1.0), (faster, 0.96))
    }
    race = Raced(rivals=(Rival(name="export", model_digest="e", cost=same.cost, beside=over),))
    assert accepted([same, faster], passed, race) == passed[1]
