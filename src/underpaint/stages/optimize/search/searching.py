"""The search: base, judge, trials, judgements, in this order, each a row of the log before the next begins.

Everything that is decided follows from the rows and the settings, so a search that was ended at any moment goes on by
the same rules. Time is counted from the rows too: what an ended process had begun and not written down costs nothing,
and is measured anew, a race with other times.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from underpaint.core.errors import PolicyError
from underpaint.core.optimization import Judge, OptimizationRecipe
from underpaint.core.progress import Progress, Report, silent
from underpaint.runtime.clock import Clock, SystemClock
from underpaint.stages.optimize.search.bench import Bench, Examined
from underpaint.stages.optimize.search.budget_words import LARGER, in_words
from underpaint.stages.optimize.search.config import SearchConfig
from underpaint.stages.optimize.search.frontier import accepted, ladder, left_out, next_judged, raced, runners
from underpaint.stages.optimize.search.proposing import Proposal, Proposer
from underpaint.stages.optimize.search.record import (
    RACE_LOST,
    UNTRIED,
    Attempt,
    Base,
    Raced,
    Ready,
    Reason,
    Stopped,
    Trial,
    Tried,
)
from underpaint.stages.optimize.search.spending import Spending, within_budget
from underpaint.stages.optimize.search.trial_log import TrialLog
from underpaint.stages.optimize.search.unchanged import insist_on


@dataclass(kw_only=True)
class Search:
    """One search at work.

    Args:
        config: Settings.
        bench: Looks at recipes.
        judge: Decides.
        log: What was done.
        clock: What time is read from.
        report: Receives progress.
    """

    config: SearchConfig
    bench: Bench
    judge: Judge
    log: TrialLog
    clock: Clock = field(default_factory=SystemClock)
    report: Report = silent

    def run(self) -> str:
        """Search until something is accepted, no time is left, or there is nothing left to try.

        Returns:
            Why it ended, in a sentence.

        Raises:
            InputError: The budget is too small for one trial and one judgement.
            PolicyError: The judge could accept nothing, whatever came.
            ArtifactError: A candidate is not what it was when it was looked at.
        """
        base = self.log.base or self._measure_base()
        self.spending.check()
        self._check_judge(self.log.ready or self._prepare_judge())
        self._record_refused()
        stopped = self.log.stopped or self._stop(self._try_recipes(base))
        if self.log.raced is None:
            self._race(base)
        return self._judge_best(stopped.why)

    @cached_property
    def spending(self) -> Spending:
        """What was spent, and what the rest takes."""
        return Spending(config=self.config, judge=self.judge, log=self.log)

    def _measure_base(self) -> Base:
        began = self.clock.now()
        self.spending.check_pace(self.bench.picture_s(self.report))
        base = self.bench.base(within_budget(self.report, self.config.budget_s, self.clock))
        base = base.model_copy(update={"seconds": self.clock.now() - began})
        self.log.add(base)
        return base

    def _prepare_judge(self) -> Ready:
        self.report(Progress(task="try the gate on the model before and on bad copies", done=0))
        began = self.clock.now()
        readiness = self.judge.prepare(self.report)
        ready = Ready(readiness=readiness, seconds=self.clock.now() - began)
        self.log.add(ready)
        return ready

    def _check_judge(self, ready: Ready) -> None:
        said = {"pass": "accepts", "indeterminate": "does not refuse"}
        planted = ready.readiness.planted.items()
        problems = [
            f"it {said[verdict]} {name}, which is known to be bad" for name, verdict in planted if verdict in said
        ]
        problems += ready.readiness.problems
        if problems:
            raise PolicyError(
                f"with this policy nothing can be accepted: {'; '.join(problems)}; mend the policy's margins or number "
                "of pictures, and search again with another --out"
            )

    def _record_refused(self) -> None:
        known = {trial.recipe_digest for trial in self.log.trials}
        for step, refusal in self.bench.space.refused:
            recipe = OptimizationRecipe(steps=(step,))
            if recipe.digest() not in known:
                reason = Reason(code=refusal.code, text=f"{refusal.reason}; {refusal.remedy}")
                examined = Examined(rung=0, state="refused", reason=reason)
                self._add(Proposal(recipe=recipe, origin="alone"), examined, 0.0)

    def _try_recipes(self, base: Base) -> str:
        """Look at recipes while there is time besides what the last decision needs; return why it ended."""
        reserve = self.spending.reserve_s()
        proposer = Proposer(self.bench.space, self.bench.host_class, self.config.seed)
        while True:
            left = self.config.budget_s - reserve - self.log.seconds
            looked = sum(trial.state not in UNTRIED for trial in self.log.trials)
            if looked and left < self.spending.any_trial_s():
                return self._used_up(looked, reserve)
            if looked >= self.config.most_trials:
                return f"{looked} recipes were looked at, the most that were asked for"
            proposal = proposer.next(self.log.trials)
            if proposal is None:
                return f"all {looked} recipes of the space that could be thought up were looked at"
            needed_s = self.spending.trial_s(proposal.recipe)
            if looked and left < needed_s:
                self._add(proposal, _no_time(needed_s, left), 0.0)
            else:
                self._try(proposal, base, left, looked)

    def _used_up(self, looked: int, reserve_s: float) -> str:
        """Say that no recipe is begun any more, though a part of the budget is left."""
        kept = f"{in_words(reserve_s)} of {in_words(self.config.budget_s)} were kept for the race and the gate"
        return f"the time for recipes was used up after {looked} of them, and {kept}"

    def _stop(self, why: str) -> Stopped:
        stopped = Stopped(why=why)
        self.log.add(stopped)
        return stopped

    def _try(self, proposal: Proposal, base: Base, left: float, number: int) -> None:
        note = " + ".join(map(str, proposal.recipe.steps))
        self.report(Progress(task="try recipes", done=number, unit="recipes", note=note))
        began = self.clock.now()
        examined = self.bench.examine(proposal.recipe, base, left, self.report)
        self._add(proposal, examined, self.clock.now() - began)

    def _add(self, proposal: Proposal, examined: Examined, seconds: float) -> None:
        trial = Trial(
            id=f"t-{len(self.log.trials) + 1:03d}",
            parent=proposal.parent,
            origin=proposal.origin,
            recipe=proposal.recipe,
            recipe_digest=proposal.recipe.digest(),
            rung=examined.rung,
            state=examined.state,
            reason=examined.reason,
            cost=examined.cost,
            quality=examined.quality,
            loss=examined.loss,
            seconds=seconds,
            candidate=examined.candidate,
        )
        self.log.add(Tried(trial=trial))

    def _race(self, base: Base) -> None:
        """Time the best candidates, the rivals and the model before in one run, so that all are told apart by it."""
        self.report(Progress(task="time the best beside the rivals", done=0))
        began = self.clock.now()
        entered = runners(self.log.trials, self.config.gain)
        found = self.bench.race(entered, base, self.spending.race_time(), self.report)
        found = found.model_copy(update={"seconds": self.clock.now() - began})
        self.log.add(found.model_copy(update={"looks": self.spending.looks(found)}))

    def _judge_best(self, ended: str) -> str:
        """Let the judge decide about as many as the time allows, the safest first; return why the search ended."""
        trials = raced(self.log.trials, self.log.raced)
        while chosen := next_judged(trials, self.log.attempts, self.config.gain, self.log.raced):
            if self.log.attempts and self.config.budget_s - self.log.seconds < self.spending.judgement_s():
                ended = f"no time was left for another decision; {ended}"
                break
            self._judge(chosen, len(ladder(trials, self.config.gain, self.log.raced)))
        ended = f"{self._hurried(left_out(trials, self.config.gain, self.log.raced))}{ended}"
        passed = accepted(trials, self.log.attempts, self.log.raced)
        if passed is None:
            return _nothing(trials, self.log.attempts, ended)
        beyond = [attempt.trial for attempt in self.log.attempts if attempt.judgement.verdict != "pass"]
        but = f", and {beyond[0]}, which loses more, did not" if beyond else ""
        return f"{passed.trial} passed the gate{but}; before it, {ended}"

    def _hurried(self, left_out: Sequence[Trial]) -> str:
        """Say what of the race and of the looks there was no time for, the beginning of a sentence; empty for nothing.

        A race that was lost on the way is said before it.

        Args:
            left_out: Who would have been judged too.
        """
        race = self.log.raced
        short = [_missed(race, self.config.starts)] if race is not None and race.missed_starts else []
        if left_out:
            short.append(f"the judge was not asked about {', '.join(trial.id for trial in left_out)}")
        hurried = f"for want of time {' and '.join(short)}, so {LARGER}; " if short else ""
        return f"{_lost(race)}{hurried}"

    def _judge(self, trial: Trial, of: int) -> None:
        """Let the judge decide about the very model that was looked at, and see that it is the same afterwards.

        Args:
            trial: Who is judged.
            of: How many are, if all pass.
        """
        self.report(Progress(task="judge", done=len(self.log.attempts), total=of, note=trial.name))
        began = self.clock.now()
        made = self.bench.candidate(trial.recipe, self.report)
        insist_on(trial.candidate, made, f"was looked at as {trial.id}")
        judgement = self.judge.judge(made.folder, self.report)
        insist_on(made.digest, self.bench.candidate(trial.recipe, self.report), f"was judged as {trial.id}")
        seconds = self.clock.now() - began
        self.log.add(Attempt(trial=trial.id, candidate=made.digest, judgement=judgement, seconds=seconds))


def _missed(race: Raced, starts: int) -> str:
    """Say how many starts of a race there was time for, and who took too long if there were none."""
    if race.missed_starts < starts:
        return f"the race had {starts - race.missed_starts} of {starts} starts"
    why = race.reason.text.removesuffix(f"; {LARGER}") if race.reason is not None else ""
    return f"there was no race ({why})" if why else "there was no race"


def _lost(race: Raced | None) -> str:
    """Say why nobody's time in a race counts, if somebody was lost, the beginning of a sentence."""
    if race is None or race.reason is None or race.reason.code != RACE_LOST:
        return ""
    return f"the race was not finished, so no time in it counts (one was lost: {race.reason.text}); "


def _no_time(needed_s: float, left_s: float) -> Examined:
    took = "its steps or some of them together took too long before"
    if not math.isinf(needed_s):
        took = f"its trial takes about {in_words(needed_s)}"
    text = f"{took}, and {in_words(left_s)} are left for trials"
    return Examined(rung=0, state="infeasible", reason=Reason(code="budget.time", text=f"{text}; {LARGER}"))


def _nothing(trials: Sequence[Trial], attempts: Sequence[Attempt], ended: str) -> str:
    feasible = sum(trial.state == "feasible" for trial in trials)
    if attempts:
        refused = attempts[-1].trial
        return (
            f"{refused}, which loses least of those that were to be judged, was refused, and what loses more is not "
            f"asked about; {ended}"
        )
    if feasible:
        return f"none of the {feasible} candidates that draw well enough is faster; {ended}"
    return f"no recipe is faster and draws well enough; {ended}"
