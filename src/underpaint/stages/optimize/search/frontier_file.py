"""A whole search as ``frontier.json``: what was asked, what was tried, refused and not reached, and what is shown."""

from __future__ import annotations

from typing import Any, Literal

from underpaint.core.config import Config
from underpaint.core.optimization import Readiness
from underpaint.stages.optimize.search.config import SearchConfig
from underpaint.stages.optimize.search.record import Base, Limit, Number, Ratio, Rival, Timer, Trial

SCHEMA = "underpaint.frontier/1"
Finding = Literal["faster", "nothing_better", "unknown"]


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


class Region(Config):
    """A transform in a slot, and what came of it.

    Args:
        transform: As ``engine.onnx``.
        slot: Where.
        choices: Steps that it offers here.
        looked: How many of them some recipe held that was made and looked at.
        state: Whether any was; if not, whether none fits, none could be made, or the budget did not reach.
        reason: Why none was looked at.
    """

    transform: str
    slot: str
    choices: int
    looked: int
    state: Literal["tried", "refused", "failed", "not_reached"]
    reason: str = ""


class Outcome(Config):
    """What a search shows about a rival.

    Args:
        rival: Its name.
        finding: Whether an accepted model is faster, nothing better was found, or nothing is known.
        ratio: Time of the accepted model over the rival's, by the clock that ranks; None where none is known.
        text: The same in plain words.
    """

    rival: str
    finding: Finding
    ratio: Ratio | None = None
    text: str


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
        timer: The clock that ranks all trials and rivals.
        rivals: Exports that were timed in the same run as the best candidates.
        outcomes: What is shown about each rival.
        space: Every transform in every slot, tried or not.
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
    timer: Timer = "wall"
    rivals: tuple[Rival, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    space: tuple[Region, ...] = ()

    @property
    def accepted(self) -> Trial | None:
        """The trial that was accepted."""
        return next((trial for trial in self.trials if trial.id == self.chosen), None)
