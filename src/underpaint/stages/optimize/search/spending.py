"""What the parts of a search take, and may take: too small a budget is refused, and the end of it is kept free.

Before anything is measured, a picture takes as long as one of the quickest model there could be. Later, what was
measured and what trials and judgements took tells what the next ones take. What
would take too long to make is not begun, and what does is ended.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

from underpaint.core.errors import InputError
from underpaint.core.optimization import Effort, Judge, OptimizationRecipe, Step
from underpaint.core.progress import Progress, Report
from underpaint.runtime.clock import Clock
from underpaint.stages.optimize.search.config import ATTEMPTS, SearchConfig
from underpaint.stages.optimize.search.drawing import CandidateFailed
from underpaint.stages.optimize.search.frontier import EQUALS
from underpaint.stages.optimize.search.record import Base, Reason, Trial
from underpaint.stages.optimize.search.trial_log import TrialLog

OVERHEAD = 1.3
"""Time of drawing and looking at a picture, as a multiple of drawing it."""
TRIAL_OVERHEAD_S = 8.0
"""Making, writing and loading a candidate."""
RESERVED = 1 / 3
"""Share of the budget for the last decision, if it takes that much."""
QUICKEST_S, USUAL_S = 0.005, 0.1
"""A picture of the quickest model there could be, and of one that takes longer than most."""
RACE_ROUNDS = 3
"""Rounds of the race of the best, as a multiple of the pairs of a trial."""
RACE_RUNS = 2
"""It is run again where the model before drifted."""
RACE_LOADING_S = 2.0
"""Loading an entrant."""
MAKING_PICTURES: dict[tuple[str, str], int] = {("engine.onnx", "int8"): 200, ("engine.openvino", "int8"): 3500}
"""What calibrating a graph takes besides a plain trial, in pictures of the model before, until one was made."""
TRAINED = ("recover", "train")
"""Parameters that are steps of training."""
TRAINED_PICTURES = 24
"""What a step of training costs, in pictures drawn."""
TRAINING_SHARE = 0.25
"""Share of the time left that one training may take."""
MAKING_SHARE = 0.3
"""Share of the time left that making one candidate may take, its training among it."""
LEAST_MAKING_S = 60.0
LARGER = "give a larger --budget"


def check_plan(config: SearchConfig, effort: Effort) -> None:
    """Refuse a budget that could hold no search, whatever the model, before anything is measured.

    Args:
        config: Settings.
        effort: Of the judge.

    Raises:
        InputError: It is too small for the cheapest trial and one judgement.
    """
    before, trial = 3 * config.prompts + config.pairs + effort.base, config.glance + 4 * config.pairs
    least = TRIAL_OVERHEAD_S + QUICKEST_S * (before + trial + effort.each)
    if config.budget_s >= least:
        return
    usual = TRIAL_OVERHEAD_S + USUAL_S * OVERHEAD * (before + config.prompts + 4 * config.pairs + effort.each)
    raise InputError(
        f"a budget of {in_words(config.budget_s)} is too small for any model: the one before draws {before} pictures, "
        f"the cheapest trial {trial} and the decision {effort.each}, which takes {in_words(least)} even at "
        f"{QUICKEST_S * 1000:.0f} ms a picture; at {USUAL_S * 1000:.0f} ms give --budget {minutes(usual)}"
    )


def within_budget(report: Report, budget_s: float, clock: Clock) -> Report:
    """Return what passes progress on, and refuses a budget that measuring the model before has used up alone.

    Args:
        report: Receives progress.
        budget_s: The budget, from now on.
        clock: What time is read from.
    """
    began = clock.now()

    def passed_on(progress: Progress) -> None:
        if clock.now() - began > budget_s:
            raise InputError(
                f"a budget of {in_words(budget_s)} is too small here: measuring the model before ({progress.task}) has "
                f"used it up, and nothing was tried yet; {LARGER}, or let less run beside it"
            )
        report(progress)

    return passed_on


def making_s(recipe: OptimizationRecipe, base: Base) -> float:
    """Return about how long calibrating takes that a recipe asks for, until something like it was made."""
    pictures = sum(MAKING_PICTURES.get((step.name, str(step.params.get("precision"))), 0) for step in recipe.steps)
    return pictures * base.latency_ms / 1000


def limit_s(seconds_left: float) -> float:
    """Return the longest time that making a candidate may take.

    Args:
        seconds_left: Time left for trials.
    """
    return max(LEAST_MAKING_S, MAKING_SHARE * seconds_left)


def too_long(recipe: OptimizationRecipe, base: Base, seconds_left: float) -> Reason | None:
    """Say why a recipe's training or calibration does not fit the time left, if it does not.

    Args:
        recipe: The recipe.
        base: The model before.
        seconds_left: Time left for trials.
    """
    steps = sum(int(str(step.params.get(name, 0))) for step in recipe.steps for name in TRAINED)
    needed = steps * TRAINED_PICTURES * base.latency_ms / 1000
    if steps and needed > TRAINING_SHARE * seconds_left:
        text = (
            f"its {steps} steps of training take about {needed / 60:.0f} min, and one training may take a quarter of "
            f"the {max(0.0, seconds_left) / 60:.0f} min that are left for trials; {LARGER}"
        )
        return Reason(code="budget.training", text=text)
    making, most = making_s(recipe, base), limit_s(seconds_left)
    if making <= most:
        return None
    text = f"making it takes about {in_words(making)}, and now {in_words(most)} may be spent on that; {LARGER}"
    return Reason(code="budget.making", text=text)


def watched(report: Report, seconds: float, clock: Clock) -> Report:
    """Return what passes progress on, and ends what takes too long.

    Args:
        report: Receives progress.
        seconds: The longest time, from now on.
        clock: What time is read from.
    """
    began = clock.now()

    def passed_on(progress: Progress) -> None:
        if clock.now() - began > seconds:
            text = f"making it ({progress.task}) took longer than {seconds:.0f} s, {MAKING_SHARE:.0%} of the time left"
            raise CandidateFailed(f"{text}; {LARGER}", killed=True)
        report(progress)

    return passed_on


@dataclass(frozen=True, kw_only=True)
class Spending:
    """What a search that has begun took, and what the rest of it will take.

    Args:
        config: Settings.
        judge: Decides in the end.
        log: What was done.
    """

    config: SearchConfig
    judge: Judge
    log: TrialLog

    @property
    def _base(self) -> Base:
        base = self.log.base
        assert base is not None, "the model before is measured first"
        return base

    @property
    def _picture_s(self) -> float:
        return self._base.latency_ms / 1000

    def check(self) -> None:
        """Refuse a budget that holds no trial and no judgement of this model.

        Raises:
            InputError: So it is.
        """
        if self.log.ready is not None:
            return
        effort, measured, trial, race = self.judge.effort(), self._base.seconds, self.any_trial_s(), self.race_s()
        deciding = self._picture_s * OVERHEAD * effort.base + self.judgement_s()
        least = measured + trial + race + deciding
        if self.config.budget_s < least:
            raise InputError(
                f"a budget of {in_words(self.config.budget_s)} is too small here: measuring the model before takes "
                f"{in_words(measured)}, one trial {in_words(trial)}, the race of the best {in_words(race)}, and "
                f"deciding with {effort.base + effort.each} pictures {in_words(deciding)}; give --budget "
                f"{minutes(least)} or more"
            )

    def any_trial_s(self) -> float:
        """Return about how long a trial takes."""
        return statistics.median([trial.seconds for trial in self._timed()] or [self._plain_s()])

    def _plain_s(self) -> float:
        return self._picture_s * (self.config.prompts + 4 * self.config.pairs) + TRIAL_OVERHEAD_S

    def trial_s(self, recipe: OptimizationRecipe) -> float:
        """Return about how long a recipe's trial takes: as its dearest step in the cheapest trial that had it.

        A recipe that holds all of one whose making took too long takes too long too; a step among others is not blamed.
        What was never tried takes what is planned for it.
        """
        if any(all(step in recipe.steps for step in trial.recipe.steps) for trial in self._ended()):
            return math.inf
        known = [self._step_s(step) for step in recipe.steps]
        new = [step for step, took in zip(recipe.steps, known, strict=True) if took is None]
        planned = self.any_trial_s() + making_s(OptimizationRecipe(steps=tuple(new)), self._base)
        least = [took for took in known if took is not None]
        return max([*least, planned] if new else least)

    def _step_s(self, step: Step) -> float | None:
        """Return what the cheapest trial with a step took; None if there was none."""
        return min((trial.seconds for trial in self._timed() if step in trial.recipe.steps), default=None)

    def _timed(self) -> list[Trial]:
        return [trial for trial in self.log.trials if trial.rung == 2]

    def _ended(self) -> list[Trial]:
        """Return the trials that were ended since making the candidate took too long."""
        killed = [trial for trial in self.log.trials if trial.state == "killed"]
        return [trial for trial in killed if trial.reason is not None and trial.reason.code == "budget.time"]

    def judgement_s(self) -> float:
        """Return about how long deciding about a candidate takes."""
        took = [attempt.seconds for attempt in self.log.attempts]
        return max(took, default=self._picture_s * OVERHEAD * self.judge.effort().each)

    def race_s(self) -> float:
        """Return about how long the race of the best takes; none is slower than the model before."""
        entrants = ATTEMPTS + EQUALS + 2
        return entrants * (RACE_RUNS * RACE_ROUNDS * self.config.pairs * self._picture_s + RACE_LOADING_S)

    def reserve_s(self) -> float:
        """Return what is kept for the race and for deciding: for one candidate, and more if a third holds that."""
        needed = self.judgement_s()
        deciding = max(needed, min(needed * ATTEMPTS, self.config.budget_s * RESERVED))
        return deciding + min(self.race_s(), self.config.budget_s * RESERVED)


def in_words(seconds: float) -> str:
    """Say a time for people."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def minutes(seconds: float) -> str:
    """Return a time as ``--budget`` takes it, rounded up."""
    return f"{int(seconds // 60) + 1}m"
