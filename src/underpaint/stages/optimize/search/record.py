"""The rows of a search's log: the model before, every trial with its reason, the race of the best, what was judged."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from underpaint.core.config import Config
from underpaint.core.installing import portable
from underpaint.core.optimization import Judgement, OptimizationRecipe, Readiness
from underpaint.stages.optimize.search.config import ATTEMPTS, USUAL_LOADING_S, SearchConfig

State = Literal["refused", "failed", "killed", "infeasible", "dominated", "rejected", "feasible", "accepted"]
UNTRIED = ("refused", "infeasible")
"""States of recipes that were not made."""
Origin = Literal["start", "alone", "changed", "random", "repair"]
Timer = Literal["wall", "processor"]
"""The clock that ranks the trials of a search; one for all of them."""
Number = Annotated[float, Field(allow_inf_nan=False)]
Ratio = tuple[Number, Number, Number]
"""Estimate, lower and upper end."""
Quality = tuple[Number, Number, Number, int]
"""Change (above 0 is worse), lower and upper end, pictures."""


RACE_LOST = "race.lost"
"""Code of the reason of a race in which somebody was lost on the way."""


class Reason(Config):
    """Why a trial ended as it did; logs are published, so the folder that underpaint came from is left out.

    Args:
        code: A word for programs.
        text: A sentence for people.
    """

    code: str
    text: Annotated[str, AfterValidator(portable)]


class Cost(Config):
    """What a candidate costs beside the model before, which was timed in turn with it.

    Args:
        latency_ratio: Of times of a picture, wall clock.
        cpu_ratio: Of processor times.
        latency_ms: Median time of a picture.
        base_ms: That of the model before, in the same minutes.
        peak_rss_mb: Most memory of its process.
        disk_mb: Size of its files.
        pairs: Pictures that each was timed with.
        starts: Processes that drew them, one after the other; over several, the interval treats each as one sample.
        noisy: The machine was busy, so that wall clocks cannot be trusted.
    """

    latency_ratio: Ratio
    cpu_ratio: Ratio
    latency_ms: Number
    base_ms: Number
    peak_rss_mb: Number
    disk_mb: Number
    pairs: int
    starts: int = 1
    noisy: bool = False

    def by(self, timer: Timer) -> Ratio:
        """Return the ratio by the clock that ranks all trials."""
        return self.latency_ratio if timer == "wall" else self.cpu_ratio

    def may_save(self, gain: float) -> bool:
        """Tell whether a clock that can be trusted says that it is faster, whichever will rank the trials in the end.

        Args:
            gain: Largest ratio of times that counts as faster.
        """
        return self.cpu_ratio[0] < gain or (not self.noisy and self.latency_ratio[0] < gain)


class Trial(Config):
    """One recipe that was looked at.

    Args:
        id: ``t-001``, ...
        parent: The trial that it was made from; None for none.
        origin: How it came up.
        recipe: The steps.
        recipe_digest: Of the recipe.
        rung: The last that it reached, 0 to 3.
        state: How it ended.
        reason: Why.
        cost: None where it was not timed.
        quality: Metric to change; those of the last decision have the policy's names.
        loss: The worst change of a metric as a share of what is bearable; above 1 is rejected. None before pictures.
        seconds: Time that it took.
        candidate: Digest of the model that was looked at; None where none was made.
    """

    id: str
    parent: str | None = None
    origin: Origin
    recipe: OptimizationRecipe
    recipe_digest: str
    rung: int = Field(ge=0, le=3)
    state: State
    reason: Reason | None = None
    cost: Cost | None = None
    quality: dict[str, Quality] = {}
    loss: Number | None = None
    seconds: Number = 0.0
    candidate: str | None = None

    @property
    def name(self) -> str:
        """The steps on one line."""
        return " + ".join(map(str, self.recipe.steps)) or "nothing"


class Limit(Config):
    """What is bearable in a metric of the search's own prompts.

    Args:
        limit: The largest change that is let through.
        null: What other seeds change by themselves.
        bad: What weights of 3 bits change; None where they could not be drawn.
        glance_bad: That on the prompts of the first glance.
    """

    limit: Number
    null: Number
    bad: Number | None
    glance_bad: Number | None


class Begun(Config):
    """The first row: what is searched, with what.

    Args:
        key: Digest of all the others; a log with another one belongs to another search.
        config: Settings.
        base: Digest of the model before.
        judge: Identity of the judge.
        data: Digest of the data set.
        host: Digest of the machine's fingerprint.
        host_class: Its class.
    """

    row: Literal["begun"] = "begun"
    key: str
    config: SearchConfig
    base: str
    judge: str
    data: str
    host: str
    host_class: str


class Base(Config):
    """The second row: the model before, measured.

    Args:
        latency_ms: Median time of a picture.
        cpu_ms: Median processor time.
        peak_rss_mb: Most memory of its process.
        disk_mb: Size of its files.
        values: Metric to its value on the search's prompts.
        limits: Metric to what is bearable.
        loading_s: Time to start a process that draws with it; logs from before it was measured lack it.
        seconds: Time that this took.
    """

    row: Literal["base"] = "base"
    latency_ms: Number
    cpu_ms: Number
    peak_rss_mb: Number
    disk_mb: Number
    values: dict[str, Number]
    limits: dict[str, Limit]
    loading_s: Number = USUAL_LOADING_S
    seconds: Number


class Ready(Config):
    """The third row: whether the judge could accept anything."""

    row: Literal["ready"] = "ready"
    readiness: Readiness
    seconds: Number


class Tried(Config):
    """A row for each trial."""

    row: Literal["trial"] = "trial"
    trial: Trial


class Stopped(Config):
    """A row for the end of the trials: from here on, candidates are judged.

    Args:
        why: In a clause.
    """

    row: Literal["stopped"] = "stopped"
    why: str


class Beside(Config):
    """How long a candidate takes beside a rival, which was timed in the same turns.

    Args:
        latency_ratio: Of times of a picture, wall clock; below 1 the candidate is faster.
        cpu_ratio: Of processor times.
    """

    latency_ratio: Ratio
    cpu_ratio: Ratio

    def by(self, timer: Timer) -> Ratio:
        """Return the ratio by the clock that ranks all trials."""
        return self.latency_ratio if timer == "wall" else self.cpu_ratio


class Rival(Config):
    """A model that a search is measured against besides the one before: an export that is there already.

    Args:
        name: What it is called.
        model_digest: Its digest.
        cost: What it costs beside the model before; None where it could not be timed.
        loss: As in ``Trial``, on the same captions.
        beside: Trial to how long its candidate takes beside the rival.
        reason: Why it could not be timed.
    """

    name: str
    model_digest: str
    cost: Cost | None = None
    loss: Number | None = None
    beside: dict[str, Beside] = {}
    reason: Reason | None = None


class Raced(Config):
    """A row for the race of the best candidates with the rivals and the model before: all in turn, in one run.

    Args:
        costs: Trial to what its candidate costs beside the model before, in this run.
        rivals: All rivals.
        looks: How many of the fastest are shown to the judge, fixed by the time that was left after the race.
        missed_starts: Starts that no time was left for; where all are missed, too few were finished and none counts.
        reason: Why nobody's time counts; None for a race that was run.
        seconds: Time that this took.
    """

    row: Literal["raced"] = "raced"
    costs: dict[str, Cost] = {}
    rivals: tuple[Rival, ...] = ()
    looks: int = Field(default=ATTEMPTS, ge=1, le=ATTEMPTS)
    missed_starts: int = Field(default=0, ge=0)
    reason: Reason | None = None
    seconds: Number = 0.0


class Attempt(Config):
    """A row for each candidate that was judged.

    Args:
        trial: Its id.
        candidate: Digest of the model that was judged; empty in logs from before it was kept, which proves nothing.
        judgement: What the judge says.
        seconds: Time that this took.
    """

    row: Literal["attempt"] = "attempt"
    trial: str
    candidate: str = ""
    judgement: Judgement
    seconds: Number


Row = Annotated[Begun | Base | Ready | Tried | Stopped | Raced | Attempt, Field(discriminator="row")]
