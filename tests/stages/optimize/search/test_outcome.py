"""What is said of a rival follows from the race and the gate, and "nothing better" names what was not looked at."""

from __future__ import annotations

from typing import Any

import pytest

from underpaint.core.optimization import Judgement, OptimizationRecipe
from underpaint.stages.optimize.search.coverage import covered, space_in_words
from underpaint.stages.optimize.search.frontier_file import Outcome, Region
from underpaint.stages.optimize.search.outcome import outcome_of
from underpaint.stages.optimize.search.record import Attempt, Beside, Cost, Ratio, Reason, Rival, Trial
from underpaint.stages.optimize.search.space import Space
from underpaint.stages.optimize.transforms.checking import arranged, step_of

SPACE = (
    Region(transform="engine.onnx", slot="pipeline", choices=4, looked=2, state="tried"),
    Region(transform="prune.width", slot="transformer", choices=9, looked=0, state="not_reached", reason="no time"),
    Region(transform="cache.output", slot="sampler", choices=0, looked=0, state="refused", reason="no path"),
)
SIZES = {"latency_ms": 1.0, "base_ms": 1.0, "peak_rss_mb": 1.0, "disk_mb": 1.0, "pairs": 20}


def trial(number: int, recipe: OptimizationRecipe, **fields: Any) -> Trial:
    values = {"id": f"t-{number:03d}", "origin": "start", "rung": 2, "state": "feasible", **fields}
    return Trial.model_validate({**values, "recipe": recipe, "recipe_digest": recipe.digest()})


def timed(number: int, recipe: OptimizationRecipe | None = None) -> Trial:
    cost = Cost.model_validate({"latency_ratio": (0.4, 0.4, 0.4), "cpu_ratio": (0.4, 0.4, 0.4), **SIZES})
    return trial(number, recipe or arranged(step_of("steps.count", "sampler", steps=1)), cost=cost, loss=0.1)


def rival(wall: float, cpu: float | None = None) -> Rival:
    def near(value: float) -> tuple[float, float, float]:
        return value, value - 0.02, value + 0.02

    beside = Beside(latency_ratio=near(wall), cpu_ratio=near(wall if cpu is None else cpu))
    return Rival(name="export", model_digest="e", beside={"t-001": beside})


def attempt(verdict: str) -> Attempt:
    return Attempt(trial="t-001", judgement=Judgement.model_validate({"verdict": verdict}), seconds=1.0)


def test_a_model_that_passed_and_is_faster_with_its_whole_interval_is_said_to_be_faster() -> None:
    found = outcome_of(rival(0.94), timed(1), [timed(1)], [attempt("pass")], SPACE, "wall")
    assert found.finding == "faster" and found.ratio == pytest.approx((0.94, 0.92, 0.96))
    assert found.text == "faster than the exported export: 0.940 of its time (0.920 to 0.960), gate passed"


@pytest.mark.parametrize("wall", [0.985, 1.0, 1.3])
def test_an_interval_that_holds_1_is_nothing_better_and_the_space_is_listed(wall: float) -> None:
    found = outcome_of(rival(wall), timed(1), [timed(1)], [attempt("pass")], SPACE, "wall")
    assert found.finding == "nothing_better"
    assert found.text.startswith("nothing better than the exported export was found in this space: t-001 takes")
    assert "gate passed; recipes looked at: 1; 3 transforms in their slots: 1 tried, 1 do not fit" in found.text
    assert found.text.endswith("0 could not be made, 1 not reached within the budget")
    assert list(space_in_words(SPACE)) == [
        "tried: engine.onnx of pipeline (2 of 4 choices)",
        "do not fit this model or machine: cache.output of sampler",
        "not reached within the budget: prune.width of transformer",
    ]


def test_the_clock_that_ranks_decides() -> None:
    one = rival(0.9, cpu=1.1)
    said = [outcome_of(one, timed(1), [timed(1)], [attempt("pass")], SPACE, clock) for clock in ("wall", "processor")]
    assert [found.finding for found in said] == ["faster", "nothing_better"]


def test_what_the_gate_did_not_pass_is_not_better_however_fast() -> None:
    found = outcome_of(rival(0.5), None, [timed(1)], [attempt("indeterminate")], SPACE, "wall")
    assert found.finding == "nothing_better" and "(0.480 to 0.520), gate undecided" in found.text


def test_where_the_gate_was_not_asked_about_who_is_faster_nothing_is_shown() -> None:
    faster = rival(0.9)
    accepted = Beside(latency_ratio=(1.1, 1.1, 1.1), cpu_ratio=(1.1, 1.1, 1.1))
    both = faster.model_copy(update={"beside": {**faster.beside, "t-002": accepted}})
    passed = attempt("pass").model_copy(update={"trial": "t-002"})
    found = outcome_of(both, timed(2), [timed(1), timed(2)], [passed], SPACE, "wall")
    assert found.finding == "unknown" and "t-001 takes 0.900 of its time" in found.text
    asked = outcome_of(both, timed(2), [timed(1), timed(2)], [attempt("fail"), passed], SPACE, "wall")
    assert asked.finding == "nothing_better" and "gate failed" in asked.text


def test_nothing_is_shown_where_no_times_were_taken() -> None:
    lost = Rival(name="export", model_digest="e", reason=Reason(code="rival.not_timed", text="no such graph"))
    unraced = Rival(name="export", model_digest="e")
    for one, words in ((lost, "could not be timed (no such graph)"), (unraced, "t-001, which was accepted, was not")):
        found = outcome_of(one, timed(1), [timed(1)], [attempt("pass")], SPACE, "wall")
        assert found.finding == "unknown" and found.ratio is None and words in found.text


def short_of_time(wide: Ratio, verdict: str | None, missed_starts: int) -> Outcome:
    """Return what is shown where a race of twelve missed some starts, and the gate was asked or was not."""
    had = timed(1).cost
    assert had is not None
    cost = had.model_copy(update={"starts": 12 - missed_starts})
    beside = {"t-001": Beside(latency_ratio=wide, cpu_ratio=wide)}
    one = Rival(name="export", model_digest="e", cost=cost, beside=beside)
    chosen = timed(1) if verdict == "pass" else None
    attempts = [] if verdict is None else [attempt(verdict)]
    return outcome_of(one, chosen, [timed(1)], attempts, SPACE, "wall", (), missed_starts)


@pytest.mark.parametrize("verdict", ["pass", None])
def test_after_a_race_that_ended_early_an_interval_that_holds_1_shows_nothing(verdict: str | None) -> None:
    found = short_of_time((0.718, 0.419, 1.232), verdict, 8)
    assert found.finding == "unknown" and found.text == (
        "nothing is shown about the exported export: t-001 takes 0.718 of its time (0.419 to 1.232), and the race had "
        "4 of 12 starts; give a larger --budget"
    )
    assert short_of_time((0.718, 0.419, 1.232), verdict, 0).finding == "nothing_better", "the whole race was asked"


@pytest.mark.parametrize(
    ("wide", "verdict", "finding"),
    [
        ((0.7, 0.6, 0.8), "pass", "faster"),
        ((1.2, 1.1, 1.3), "pass", "nothing_better"),
        ((0.7, 0.4, 1.2), "fail", "nothing_better"),
        ((0.7, 0.4, 1.2), "indeterminate", "nothing_better"),
    ],
)
def test_what_lies_on_one_side_of_1_or_was_refused_is_known_after_a_few_starts_too(
    wide: Ratio, verdict: str, finding: str
) -> None:
    assert short_of_time(wide, verdict, 8).finding == finding


def test_where_no_recipe_was_timed_nothing_is_shown() -> None:
    steps = arranged(step_of("steps.count", "sampler", steps=1))
    found = outcome_of(rival(1.0).model_copy(update={"beside": {}}), None, [trial(1, steps)], [], SPACE, "wall")
    assert found.finding == "unknown" and "no recipe got as far as to be timed" in found.text


def test_where_one_that_draws_well_enough_could_not_run_nothing_is_shown_unless_the_gate_refused_it() -> None:
    alone = Rival(name="export", model_digest="e", cost=timed(1).cost)
    found = outcome_of(alone, None, [timed(1)], [], SPACE, "wall", ["t-001"])
    assert found.finding == "unknown" and found.text.endswith("t-001 could not run beside it")
    refused = outcome_of(alone, None, [timed(1)], [attempt("fail")], SPACE, "wall", ["t-001"])
    assert refused.finding == "nothing_better" and "t-001 did not run beside it, gate failed; recipes" in refused.text


def test_every_transform_in_every_slot_is_told_as_what_came_of_it(tiny_space: Space) -> None:
    first, second, third, *rest = tiny_space.axes
    late = Reason(code="budget.making", text="making it takes 150 s")
    broken = Reason(code="make.failed", text="no such operator")
    trials = [
        timed(1, arranged(first.options[0])),
        trial(2, arranged(second.options[0]), state="infeasible", rung=0, reason=late),
        trial(3, arranged(third.options[0]), state="failed", rung=0, reason=broken),
    ]
    found = covered(tiny_space, trials)
    assert [region.state for region in found[:3]] == ["tried", "not_reached", "failed"]
    assert (found[0].choices, found[0].looked) == (len(first.options), 1)
    assert found[1].reason == late.text and found[2].reason == "no such operator [make.failed]"
    assert {region.state for region in found[3 : 3 + len(rest)]} == {"not_reached"}
    assert [region.state for region in found[3 + len(rest) :]] == ["refused"] * len(tiny_space.refused)
    assert all(region.reason for region in found if region.state != "tried")
    parts = dict(line.split(": ") for line in space_in_words(found))
    assert parts["tried"] == f"{first.name} of {first.slot} (1 of {len(first.options)} choices)"
    assert parts["could not be made"].startswith(third.name)
    assert len(parts) == 4
