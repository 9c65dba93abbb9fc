"""What the parts of a search take, and may take: too small a budget is refused, and the end of it is kept free.

Before anything is measured, a picture takes as long as one of the quickest model there could be. Later, what was
measured and what trials and judgements took tells what the next ones take.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

from underpaint.core.errors import InputError
from underpaint.core.optimization import Effort, Judge, OptimizationRecipe, Step
from underpaint.core.progress import Progress, Report
from underpaint.runtime.clock import Clock
from underpaint.stages.optimize.search.budget_words import LARGER, in_words, minutes
from underpaint.stages.optimize.search.config import ATTEMPTS, USUAL_LOADING_S, SearchConfig
from underpaint.stages.optimize.search.frontier import EQUALS
from underpaint.stages.optimize.search.making_time import making_s
from underpaint.stages.optimize.search.race_time import RaceTime
from underpaint.stages.optimize.search.record import Base, Raced, Trial
from underpaint.stages.optimize.search.timing import WARM_UPS
from underpaint.stages.optimize.search.trial_log import TrialLog

OVERHEAD = 1.3
"""Time of drawing and looking at a picture, as a multiple of drawing it."""
TRIAL_OVERHEAD_S = 8.0
"""Making, writing and loading a candidate."""
RESERVED = 1 / 3
"""Share of the budget for the last decision, if it takes that much."""
QUICKEST_S, USUAL_S = 0.005, 0.1
"""A picture of the quickest model there could be, and of one that takes longer than most."""
RUNNERS = 3
"""A candidate, the model before and a rival: who runs in a usual race at least."""
RACE_SHARE = 0.1
"""Share of the budget that the race may take, however late it begins."""


def check_plan(config: SearchConfig, effort: Effort) -> None:
    """Refuse a budget that could hold no search, whatever the model, before anything is measured.

    Args:
        config: Settings.
        effort: Of the judge.

    Raises:
        InputError: It is too small for the cheapest trial and one judgement.
    """
    before, trial = _measured_pictures(config) + effort.base, config.glance + 4 * config.pairs
    racing, loading_s = raced_pictures(config), race_loading_s(config, USUAL_LOADING_S)
    least = TRIAL_OVERHEAD_S + 2 * loading_s + QUICKEST_S * (before + trial + 2 * racing + effort.each)
    if config.budget_s >= least:
        return
    looking = before + config.prompts + 4 * config.pairs + effort.each
    usual = TRIAL_OVERHEAD_S + RUNNERS * loading_s + USUAL_S * (OVERHEAD * looking + RUNNERS * racing)
    why = (
        f"the one before draws {before} pictures, the cheapest trial {trial}, the race {2 * racing} and the decision "
        f"{effort.each}, which takes {in_words(least)} even at {QUICKEST_S * 1000:.0f} ms a picture"
    )
    raise _too_small(
        config.budget_s, "for any model", why, f"at {USUAL_S * 1000:.0f} ms give --budget {minutes(usual)}"
    )


def _too_small(budget_s: float, where: str, why: str, remedy: str) -> InputError:
    """Return the error that refuses a budget."""
    return InputError(f"a budget of {in_words(budget_s)} is too small {where}: {why}; {remedy}")


def raced_pictures(config: SearchConfig) -> int:
    """Return how many pictures everyone in the race of the best draws."""
    return config.starts * (WARM_UPS + config.rounds)


def race_loading_s(config: SearchConfig, loading_s: float) -> float:
    """Return how long loading one entrant of the race takes: once to see that it draws, and once for each start.

    Args:
        config: Settings.
        loading_s: Loading it once.
    """
    return (config.starts + 1) * loading_s


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
            why = f"measuring the model before ({progress.task}) has used it up, and nothing was tried yet"
            raise _too_small(budget_s, "here", why, f"{LARGER}, or let less run beside it")
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
        race, goes_on = self.race_s(1), ", and the search goes on from what was measured"
        self._insist(self._picture_s, self._base.seconds, self.any_trial_s(), race, goes_on)

    def check_pace(self, picture_s: float) -> None:
        """Refuse such a budget by the time of a few pictures, before measuring the model uses it up.

        Args:
            picture_s: Of the model before, in seconds.

        Raises:
            InputError: So it is.
        """
        config = self.config
        measured = picture_s * _measured_pictures(config)
        race = RUNNERS * _running_s(config, picture_s, USUAL_LOADING_S)
        self._insist(picture_s, measured, _plain_s(config, picture_s), race)

    def _insist(self, picture_s: float, measured: float, trial: float, race: float, then: str = "") -> None:
        effort = self.judge.effort()
        deciding = picture_s * OVERHEAD * (effort.base + effort.each)
        least = measured + trial + race + deciding
        if self.config.budget_s < least:
            why = (
                f"measuring the model before takes {in_words(measured)}, one trial {in_words(trial)}, a race "
                f"{in_words(race)}, and deciding with {effort.base + effort.each} pictures {in_words(deciding)}"
            )
            raise _too_small(self.config.budget_s, "here", why, f"give --budget {minutes(least)} or more{then}")

    def any_trial_s(self) -> float:
        """Return about how long a trial takes."""
        plain_s = _plain_s(self.config, self._picture_s)
        return statistics.median([trial.seconds for trial in self._timed()] or [plain_s])

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

    def looks(self, race: Raced) -> int:
        """Return how many candidates there is time to judge after the race: one at least, however late it is.

        Judging takes as much longer than it was planned as the race just did. A race that ended early leaves one.

        Args:
            race: The race, which is not in the log yet.
        """
        if race.missed_starts:
            return 1
        planned_s = (len(race.costs) + len(race.rivals) + 1) * self._entrant_s()
        slower = max(1.0, race.seconds / planned_s) if race.costs else 1.0
        left_s = self.config.budget_s - self.log.seconds - race.seconds
        return max(1, min(ATTEMPTS, int(left_s // (slower * self.judgement_s()))))

    def race_s(self, candidates: int = ATTEMPTS + EQUALS) -> float:
        """Return about how long the race of the best takes.

        Args:
            candidates: How many run beside the model before and a rival.
        """
        return (candidates + RUNNERS - 1) * self._entrant_s()

    def race_time(self) -> RaceTime:
        """Return what the race may take: all but one decision, and a tenth of the budget at least.

        Where that tenth is more than is left besides the decision, the search ends later than its budget.
        """
        return RaceTime(
            left_s=self.config.budget_s - self.log.seconds,
            decision_s=self.judgement_s(),
            least_s=RACE_SHARE * self.config.budget_s,
            picture_ms=self._base.latency_ms,
        )

    def _entrant_s(self) -> float:
        return _running_s(self.config, self._picture_s, self._base.loading_s)

    def reserve_s(self) -> float:
        """Return what is kept for the race and for deciding: for one candidate, and more if a third holds that."""
        needed = self.judgement_s()
        deciding = max(needed, min(needed * ATTEMPTS, self.config.budget_s * RESERVED))
        return deciding + min(self.race_s(), self.config.budget_s * RESERVED)


def _measured_pictures(config: SearchConfig) -> int:
    """Return how many pictures measuring the model before draws."""
    return 3 * config.prompts + config.pairs


def _running_s(config: SearchConfig, picture_s: float, loading_s: float) -> float:
    """Return about how long one entrant of the race takes; none is slower than the model before."""
    return raced_pictures(config) * picture_s + race_loading_s(config, loading_s)


def _plain_s(config: SearchConfig, picture_s: float) -> float:
    """Return about how long the trial of a recipe takes that is made at once."""
    return picture_s * (config.prompts + 4 * config.pairs) + TRIAL_OVERHEAD_S
