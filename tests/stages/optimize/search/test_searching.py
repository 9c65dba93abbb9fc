"""A search keeps to its budget, accepts what the judge passes and nothing else, and goes on where it ended."""

from __future__ import annotations

import json
import math
import os
import random
import re
import signal
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from underpaint.core import installing
from underpaint.core.errors import InputError, PolicyError
from underpaint.core.optimization import OptimizationRecipe, Readiness, Refusal, Step
from underpaint.core.progress import silent
from underpaint.stages.optimize.search.config import LEAST_RACED
from underpaint.stages.optimize.search.frontier import accepted, left_out, raced
from underpaint.stages.optimize.search.outcome import outcome_of
from underpaint.stages.optimize.search.record import Attempt, Raced, Reason, Trial, Tried
from underpaint.stages.optimize.transforms.checking import arranged, step_of

Make = Callable[..., Any]
WEIGHTS = step_of("quant.int8_dynamic", "transformer")


def finish(made: Any) -> str:
    ended = made.search.run()
    made.search.log.close()
    return ended


def chosen_of(made: Any) -> str | None:
    log = made.search.log
    found = accepted(raced(log.trials, log.raced), log.attempts, log.raced)
    return found and found.trial


def judged_by(made: Any) -> list[str]:
    return [attempt.trial for attempt in made.search.log.attempts]


def test_the_safest_of_the_fastest_is_judged_first_and_the_fastest_of_those_that_pass_is_accepted(
    stubbed: Make,
) -> None:
    made = stubbed()
    ended = finish(made)
    by_id = {trial.id: trial for trial in made.trials}
    judged = [by_id[name] for name in judged_by(made)]
    feasible = [trial for trial in made.search.log.trials if trial.state == "feasible"]
    fastest = min(feasible, key=lambda one: one.cost.by("wall"))
    assert 1 < len(judged) <= 3 and [one.loss for one in judged] == sorted(one.loss for one in judged)
    assert {one.state for one in judged} == {"accepted"}
    chosen = by_id[str(chosen_of(made))]
    assert chosen == min(judged, key=lambda one: one.cost.by("wall"))
    assert chosen.cost.latency_ratio[1] <= fastest.cost.latency_ratio[2]
    assert (chosen.rung, chosen.reason.code) == (3, "judge.pass")
    assert chosen.quality["fd@evaluator-64"] == (0.01, -0.02, 0.04, 880)
    assert ended.startswith(f"{chosen.id} passed the gate; before it, ")


@pytest.mark.parametrize("verdict", ["fail", "indeterminate"])
def test_where_the_safest_does_not_pass_nothing_else_is_judged(stubbed: Make, verdict: str) -> None:
    made = stubbed(verdicts=(verdict,))
    ended = finish(made)
    assert not [trial for trial in made.trials if trial.state == "accepted"]
    assert len(made.judge.asked) == 1 and chosen_of(made) is None
    refused = [trial for trial in made.trials if trial.rung == 3]
    assert all(trial.state == "rejected" and trial.reason.code == f"judge.{verdict}" for trial in refused)
    assert "which loses least of those that were to be judged, was refused" in ended
    assert "for want of time" not in ended


def test_after_a_refusal_nothing_faster_is_judged_and_what_passed_before_is_accepted(stubbed: Make) -> None:
    made = stubbed(verdicts=("pass", "indeterminate", "pass"))
    ended = finish(made)
    first, second = judged_by(made)
    assert chosen_of(made) == first
    assert ended.startswith(f"{first} passed the gate, and {second}, which loses more, did not; before it, ")


def test_where_time_is_left_for_one_decision_it_is_about_the_fastest_and_not_the_safest(stubbed: Make) -> None:
    made = stubbed()
    made.let_the_race_take(500.0)
    finish(made)
    assert made.search.log.raced is not None and made.search.log.raced.looks == 1
    ran = [trial for trial in made.trials if trial.id in made.search.log.raced.costs]
    (judged,) = judged_by(made)
    assert len(ran) > 1 and judged == min(ran, key=lambda one: one.cost.by("wall")).id


@pytest.mark.parametrize(("slow_race_s", "starts"), [(500.0, 7), (830.0, LEAST_RACED), (1000.0, 0), (1600.0, 0)])
def test_however_few_starts_a_race_has_the_judge_is_asked_about_the_fastest(
    stubbed: Make, slow_race_s: float, starts: int
) -> None:
    made = stubbed()
    made.let_the_race_take(slow_race_s)
    finish(made)
    log = made.search.log
    assert log.raced is not None and log.raced.missed_starts == 12 - starts
    feasible = [trial for trial in log.trials if trial.state == "feasible"]
    assert judged_by(made) == [min(feasible, key=lambda one: one.cost.by("wall")).id]


@pytest.mark.parametrize(
    ("slow_race_s", "rival", "finding"),
    [(5.0, 0.5, "faster"), (5.0, 0.3, "nothing_better"), (830.0, 0.5, "faster"), (830.0, 0.3, "unknown")],
)
def test_what_a_race_of_the_fewest_starts_leaves_open_is_not_said_to_be_known(
    stubbed: Make, slow_race_s: float, rival: float, finding: str
) -> None:
    made = stubbed()
    made.let_the_race_take(slow_race_s)
    made.bench.rival = rival
    finish(made)
    log = made.search.log
    (export,) = log.raced.rivals
    chosen = next((trial for trial in made.trials if trial.id == chosen_of(made)), None)
    said = outcome_of(export, chosen, made.trials, log.attempts, (), "wall", (), log.raced.missed_starts)
    assert said.finding == finding
    assert (finding == "unknown") == said.text.endswith("the race had 4 of 12 starts; give a larger --budget")


@pytest.mark.parametrize("verdict", ["pass", "fail"])
def test_whom_the_judge_was_not_asked_about_for_want_of_time_is_named(stubbed: Make, verdict: str) -> None:
    made = stubbed(verdicts=(verdict,))
    made.let_the_race_take(500.0)
    ended = finish(made)
    log = made.search.log
    unasked = left_out(raced(log.trials, log.raced), made.search.config.gain, log.raced)
    named = ", ".join(one.id for one in unasked)
    short = f"the race had 7 of 12 starts and the judge was not asked about {named}"
    assert unasked and f"for want of time {short}, so give a larger --budget; " in ended


def test_a_longer_budget_after_the_race_changes_nobody_s_turn(stubbed: Make) -> None:
    """The order is fixed before the judge says anything, or its error would be more than the policy's."""
    first = stubbed()
    first.let_the_race_take(500.0)
    finish(first)
    again = stubbed(budget_s=3000.0)
    finish(again)
    assert judged_by(again) == judged_by(first) and again.judge.asked == []


def test_the_budget_holds_with_what_the_decision_takes(stubbed: Make) -> None:
    made = stubbed(budget_s=500.0)
    ended = finish(made)
    assert made.search.log.seconds <= 500.0
    assert made.search.log.attempts
    kept = re.search(r"; before it, the time for recipes was used up after \d+ of them, and (\d+) min of 8 min", ended)
    assert kept is not None, ended
    deciding = sum(row.seconds for row in made.search.log.rows if isinstance(row, Raced | Attempt))
    assert 0.0 < deciding <= 60.0 * float(kept[1]), "what was kept is what the decision needs, or more"


@pytest.mark.parametrize(
    ("slow_race_s", "said"),
    [(600.0, r"the race had \d of 12 starts"), (1e5, r"there was no race \(no time was left to load t-003\)")],
)
def test_a_race_that_takes_longer_than_planned_ends_with_the_starts_it_has_and_says_so(
    stubbed: Make, slow_race_s: float, said: str
) -> None:
    made = stubbed()
    made.let_the_race_take(slow_race_s)
    ended = finish(made)
    log = made.search.log
    assert log.seconds <= made.search.config.budget_s and len(log.attempts) == 1
    assert log.raced.missed_starts and re.search(f"for want of time {said}[^;]*, so give a larger --budget; ", ended)


def test_a_race_in_which_somebody_is_lost_is_said_with_the_reason(stubbed: Make) -> None:
    made = stubbed()
    made.bench.lost = "its process ended with signal 9"
    ended = finish(made)
    said = "the race was not finished, so no time in it counts (one was lost: its process ended with signal 9); "
    assert said in ended and "for want of time there" not in ended


def test_the_log_says_how_to_install_what_is_missing_without_the_folder_that_underpaint_came_from(
    stubbed: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in installing.FILES:
        (tmp_path / name).touch()
    noted = json.dumps({"url": tmp_path.as_uri(), "dir_info": {}})
    monkeypatch.setattr(installing, "_noted", lambda: noted)
    made = stubbed()
    step = Step(op="engine.openvino@1", slot="pipeline")
    remedy = f"install it with: {installing.pip_command('openvino')}"
    assert str(tmp_path) in remedy
    refusal = Refusal(code="engine.missing", reason="it is not installed", remedy=remedy)
    made.bench.space = replace(made.bench.space, refused=((step, refusal),))
    finish(made)
    (trial,) = [trial for trial in made.search.log.trials if trial.state == "refused"]
    end = "install it with: pip install -c constraints.txt '.[openvino]'"
    assert trial.reason is not None and trial.reason.text == f"it is not installed; {end}"


def test_where_pictures_take_longer_in_the_race_the_budget_holds_with_a_decision_that_does_too(stubbed: Make) -> None:
    made = stubbed()
    made.let_the_race_take(1e5)
    made.bench.race_picture_ms = 150.0
    judge = made.judge.judge

    def slow_judge(*told: Any) -> Any:
        made.bench.clock.sleep(2 * made.search.spending.judgement_s())
        return judge(*told)

    made.judge.judge = slow_judge
    finish(made)
    log = made.search.log
    assert len(log.attempts) == 1 and log.attempts[0].seconds > 150.0
    assert log.seconds <= made.search.config.budget_s < log.seconds + 60.0


def test_a_slow_race_takes_a_tenth_of_the_budget_where_trials_took_longer_than_planned(stubbed: Make) -> None:
    made = stubbed()
    made.let_the_race_take(1e5)
    clock = made.bench.clock
    made.bench.slow = lambda: clock.sleep(330.0 if clock.now() > 450.0 else 0.0)
    finish(made)
    log = made.search.log
    race_and_decision_s = log.raced.seconds + sum(one.seconds for one in log.attempts)
    assert log.raced.seconds == pytest.approx(0.1 * 900.0)
    assert log.seconds - race_and_decision_s < 900.0 < log.seconds, "the budget does not hold then"


def test_a_search_that_is_killed_in_a_race_that_ends_early_goes_on_by_the_same_rules(
    stubbed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(folder: str) -> Any:
        made = stubbed(folder)
        made.let_the_race_take(600.0)
        return made

    whole, killed = slow("whole"), slow("killed")
    ended = finish(whole)

    def race(*_: object) -> Raced:
        killed.bench.clock.sleep(200.0)
        raise KeyboardInterrupt

    monkeypatch.setattr(killed.bench, "race", race)
    with pytest.raises(KeyboardInterrupt):
        finish(killed)
    killed.search.log.close()
    again = slow("killed")
    assert finish(again) == ended
    assert again.search.log.path.read_bytes() == whole.search.log.path.read_bytes()


def test_what_took_long_is_not_made_again_where_no_time_is_left_and_the_rest_goes_on(stubbed: Make) -> None:
    made = stubbed(budget_s=777.0)
    dear = made.let_making_take(150.0, 0.0)
    finish(made)
    out_of_time = [trial for trial in made.trials if trial.reason and trial.reason.code == "budget.time"]
    assert out_of_time and all(dear in trial.recipe.steps for trial in out_of_time)
    assert made.trials[-1].recipe_digest not in {trial.recipe_digest for trial in out_of_time}
    assert made.search.log.seconds <= 777.0


def killed(recipe: OptimizationRecipe, code: str) -> Tried:
    reason = Reason(code=code, text="so it was")
    values = {"recipe": recipe, "recipe_digest": recipe.digest(), "origin": "start", "reason": reason, "seconds": 5.0}
    return Tried(trial=Trial.model_validate({"id": "t-001", "rung": 0, "state": "killed", **values}))


def test_a_step_is_blamed_for_what_it_took_alone_and_not_for_what_another_one_did(stubbed: Make) -> None:
    one, two, more = step_of("guidance.span", "sampler"), step_of("steps.count", "sampler", steps=2), WEIGHTS
    base = stubbed("base").bench.base(silent)
    both, everything = arranged(one, two), arranged(one, two, more)

    def too_long(before: Tried) -> list[bool]:
        made = stubbed(f"{before.trial.reason.code if before.trial.reason else ''}-{before.trial.recipe.name}")
        made.search.log.add(before)
        made.search.log.add(base)
        return [math.isinf(made.search.spending.trial_s(recipe)) for recipe in (arranged(one), both, everything)]

    assert too_long(killed(arranged(one), "budget.time")) == [True, True, True]
    assert too_long(killed(both, "budget.time")) == [False, True, True]
    assert too_long(killed(arranged(one), "draw.killed")) == [False, False, False]


def test_a_budget_too_small_for_one_trial_is_refused_with_the_least(stubbed: Make) -> None:
    made = stubbed(budget_s=60.0)
    with pytest.raises(InputError, match=r"a budget of 60 s is too small.*give --budget 5m or more") as error:
        made.search.run()
    made.search.log.close()
    assert not made.bench.examined, error.value
    enough = stubbed("enough", budget_s=300.0)
    enough.search.run()
    assert enough.bench.examined and enough.search.log.seconds <= 300.0


def test_such_a_budget_is_refused_by_the_time_of_a_few_pictures_before_it_is_used_up(stubbed: Make) -> None:
    made = stubbed(budget_s=300.0)
    made.bench.pace_s = 0.2
    with pytest.raises(InputError, match=r"a budget of 5 min is too small here: .*; give --budget 14m or more$"):
        made.search.run()
    assert made.bench.clock.now() == 0.0 and made.search.log.base is None


@pytest.mark.parametrize(
    ("readiness", "words"),
    [
        (Readiness(planted={"skip_last_scale": "pass"}), "it accepts skip_last_scale, which is known to be bad"),
        (Readiness(planted={"a": "fail", "b": "indeterminate"}), ": it does not refuse b, which is known to be bad;"),
        (Readiness(problems=("with other seeds the model does not pass",)), "with other seeds the model does not pass"),
    ],
)
def test_nothing_is_searched_where_the_judge_cannot_tell_good_from_bad(
    stubbed: Make, readiness: Readiness, words: str
) -> None:
    made = stubbed(readiness=readiness)
    with pytest.raises(PolicyError, match=words):
        made.search.run()
    assert not made.bench.examined


def test_refused_steps_stay_in_the_log_with_their_reason(stubbed: Make) -> None:
    made = stubbed()
    finish(made)
    refused = [trial for trial in made.trials if trial.state == "refused"]
    assert len(refused) == len(made.bench.space.refused) > 0
    assert all(trial.reason.code and trial.reason.text for trial in refused)


def test_no_recipe_is_looked_at_twice(stubbed: Make) -> None:
    made = stubbed()
    finish(made)
    assert len(made.bench.examined) == len(set(made.bench.examined)) > 10


def test_repairs_name_their_trial(stubbed: Make) -> None:
    made = stubbed(budget_s=1200.0)
    finish(made)
    repaired = [trial for trial in made.trials if trial.origin == "repair"]
    by_id = {trial.id: trial for trial in made.trials}
    assert repaired
    assert all(by_id[trial.parent].state == "rejected" for trial in repaired)


def test_a_log_that_is_cut_at_any_byte_leads_to_the_same_end(stubbed: Make, tmp_path: Path) -> None:
    whole = stubbed("whole", budget_s=500.0)
    ended = finish(whole)
    written = whole.search.log.path.read_bytes()
    cuts = random.Random(7).sample(range(len(written)), 20)
    for number, cut in enumerate([*cuts, len(written)]):
        folder = f"cut-{number}"
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "trials.jsonl").write_bytes(written[:cut])
        again = stubbed(folder, budget_s=500.0)
        assert finish(again) == ended
        assert again.search.log.path.read_bytes() == written
        kept = sum(line.endswith(b"\n") for line in written[:cut].splitlines(keepends=True))
        trials = [row.trial for row in again.search.log.rows[kept:] if isinstance(row, Tried)]
        made = [trial.recipe_digest for trial in trials if trial.state not in ("refused", "infeasible")]
        assert again.bench.examined == made, "nothing that was written is done again"


def run_until_killed(make: Make, after_s: float) -> bool:
    """Run the search of the folder in a child that is killed after a while; tell whether it was."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            make("killed", budget_s=500.0, slow=lambda: time.sleep(0.002)).search.run()
        finally:
            os._exit(0)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_a_search_killed_at_random_moments_ends_as_one_that_never_was(stubbed: Make) -> None:
    whole = stubbed("whole", budget_s=500.0)
    ended = finish(whole)
    chance = random.Random(11)
    killed = sum(run_until_killed(stubbed, chance.uniform(0.001, 0.04)) for _ in range(20))
    last = stubbed("killed", budget_s=500.0)
    assert finish(last) == ended
    assert last.search.log.path.read_bytes() == whole.search.log.path.read_bytes()
    assert killed > 0
