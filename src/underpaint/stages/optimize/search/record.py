"""The records of a search: every trial with its reason, what was judged, and the whole as ``frontier.json``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from underpaint.core.config import Config
from underpaint.core.optimization import Judgement, OptimizationRecipe, Readiness
from underpaint.stages.optimize.search.config import SearchConfig

SCHEMA = "underpaint.frontier/1"
State = Literal["refused", "failed", "killed", "infeasible", "noisy", "dominated", "rejected", "feasible", "accepted"]
Origin = Literal["start", "alone", "changed", "random", "repair"]
Number = Annotated[float, Field(allow_inf_nan=False)]
Ratio = tuple[Number, Number, Number]
"""Estimate, lower and upper end."""
Quality = tuple[Number, Number, Number, int]
"""Change (above 0 is worse), lower and upper end, pictures."""


class Reason(Config):
    """Why a trial ended as it did.

    Args:
        code: A word for programs.
        text: A sentence for people.
    """

    code: str
    text: str


class Cost(Config):
    """What a candidate costs beside the model before, which was timed in turn with it.

    Args:
        latency_ratio: Of median times of a picture, wall clock.
        cpu_ratio: Of median processor times.
        latency_ms: Median time of a picture.
        base_ms: That of the model before, in the same minutes.
        peak_rss_mb: Most memory of its process.
        disk_mb: Size of its files.
        pairs: Pictures that each was timed with.
        noisy: The machine was busy, so that processor time decides.
    """

    latency_ratio: Ratio
    cpu_ratio: Ratio
    latency_ms: Number
    base_ms: Number
    peak_rss_mb: Number
    disk_mb: Number
    pairs: int
    noisy: bool = False

    @property
    def ratio(self) -> float:
        """The ratio that decides about this trial alone."""
        return (self.cpu_ratio if self.noisy else self.latency_ratio)[0]


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
        seconds: Time that this took.
    """

    row: Literal["base"] = "base"
    latency_ms: Number
    cpu_ms: Number
    peak_rss_mb: Number
    disk_mb: Number
    values: dict[str, Number]
    limits: dict[str, Limit]
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


class Attempt(Config):
    """A row for each candidate that was judged.

    Args:
        trial: Its id.
        judgement: What the judge says.
        seconds: Time that this took.
    """

    row: Literal["attempt"] = "attempt"
    trial: str
    judgement: Judgement
    seconds: Number


Row = Annotated[Begun | Base | Ready | Tried | Stopped | Attempt, Field(discriminator="row")]


class Host(Config):
    """The machine.

    Args:
        fingerprint: All that decides how fast and how exactly it computes.
        host_class: Its class.
    """

    fingerprint: dict[str, Any]
    host_class: str


class Budget(Config):
    """Time in seconds."""

    asked: Number
    used: Number


class Attempts(Config):
    """How often the held-out prompts were looked at.

    Args:
        used: Candidates judged.
        most: Most that may be.
    """

    used: int
    most: int


class Frontier(Config):
    """A whole search.

    Args:
        schema_id: Name and version of this format.
        base: Name of the model before.
        base_address: How it was named to the command.
        base_digest: Its digest.
        base_cost: What it costs.
        limits: Metric to what was bearable on the search's prompts.
        judge_digest: Identity of the judge: policy, prompts, metrics.
        policy: Name of the policy.
        host: The machine.
        data_digests: Role to digest of what was read.
        config: Settings.
        budget: Time.
        attempts: Looks at the held-out prompts.
        margins: The judge's metrics to the largest change that is good enough, as far as any candidate was judged.
        readiness: Whether the judge could tell good from bad.
        frontier: Ids of trials that nothing beats in time and loss.
        chosen: Id of the trial that was accepted; None if none was.
        ended: Why the search ended, in a sentence.
        trials: All of them.
    """

    schema_id: Literal["underpaint.frontier/1"] = SCHEMA
    base: str
    base_address: str
    base_digest: str
    base_cost: Base
    limits: dict[str, Limit]
    judge_digest: str
    policy: str
    host: Host
    data_digests: dict[str, str]
    config: SearchConfig
    budget: Budget
    attempts: Attempts
    margins: dict[str, Number]
    readiness: Readiness
    frontier: tuple[str, ...]
    chosen: str | None
    ended: str
    trials: tuple[Trial, ...]

    @property
    def accepted(self) -> Trial | None:
        """The trial that was accepted."""
        return next((trial for trial in self.trials if trial.id == self.chosen), None)
