"""The records of a gate's decision, as ``gate.json`` holds it."""

from __future__ import annotations

from typing import Literal

from underpaint.core.config import Config
from underpaint.core.policy import Mode, Tier
from underpaint.stages.evaluate.record import Verdict

EXIT_CODES: dict[Verdict, int] = {"pass": 0, "fail": 1, "indeterminate": 2}


class Outcome(Config):
    """What was decided about one metric. Signs are turned so that a positive difference is worse.

    Args:
        id: The metric as the reports name it.
        group: Slice; empty for all samples.
        tier: What hangs on it.
        mode: How it was judged.
        scale: ``difference``, ``log ratio``, or ``value`` for a limit, where ``margin`` is the limit.
        candidate: The candidate's number.
        baseline: The baseline's number; None for a limit.
        delta: Candidate minus baseline, turned; for a limit the candidate's number itself without its bias, not turned.
        relative: The difference as a share of the baseline's number, turned; None where that is not above 0.
        se: Standard error of ``delta``.
        low: Lower bound at this look.
        high: Upper bound.
        margin: The largest difference that passes, in the unit of ``delta``.
        z: Bound of this look.
        look: Which look this was.
        n: Pictures or repetitions on each side.
        paired_on: What pictures were paired on; empty if the sides were taken as independent.
        power: How likely an equally good candidate passes with these samples; None for a limit.
        samples_needed: Samples with which it passes with the policy's power; None if no number is enough or known.
        verdict: What was decided.
        beyond_margin: It is proven to be worse by more than the margin.
        reason: Why nothing was decided, or what a reader must know.
    """

    id: str
    group: str = ""
    tier: Tier
    mode: Mode
    scale: Literal["difference", "log ratio", "value"] = "difference"
    candidate: float | None = None
    baseline: float | None = None
    delta: float | None = None
    relative: float | None = None
    se: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float | None = None
    z: float
    look: int
    n: int = 0
    paired_on: tuple[str, ...] = ()
    power: float | None = None
    samples_needed: int | None = None
    verdict: Verdict = "indeterminate"
    beyond_margin: bool = False
    reason: str = ""

    @property
    def name(self) -> str:
        """Id and slice."""
        return f"{self.id} {self.group}".strip()


class ControlOutcome(Config):
    """What the policy says about a control, on one metric: a field of the matrix control by metric.

    Args:
        control: ``null-1``, ``jpeg_10``, ...
        kind: ``null`` must pass, ``known_bad`` must fail.
        id: The metric.
        group: Slice.
        delta: Control minus baseline, turned.
        low: Lower bound.
        high: Upper bound.
        verdict: What the policy says.
    """

    control: str
    kind: Literal["null", "known_bad"]
    id: str
    group: str = ""
    delta: float
    low: float
    high: float
    verdict: Verdict


class ControlMatrix(Config):
    """All controls, and what they say about the policy.

    Args:
        outcomes: Control by metric.
        untrusted: Metrics on which the baseline does not pass against itself.
        insensitive: Known-bad controls that fail on no required metric.
        missing: Controls that the policy names and the baseline's report does not hold.
    """

    outcomes: tuple[ControlOutcome, ...] = ()
    untrusted: tuple[str, ...] = ()
    insensitive: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class Side(Config):
    """One of the two evaluations.

    Args:
        name: For people.
        identity: Of what was evaluated.
        evaluation: Digest of the evaluation artifact.
        created: When it was evaluated.
    """

    name: str
    identity: str
    evaluation: str
    created: str


class GateResult(Config):
    """A whole decision.

    Args:
        schema_id: Name and version of this format.
        verdict: ``pass``, ``fail`` or ``indeterminate``.
        exit_code: 0, 1 or 2.
        candidate: What was judged.
        baseline: Against what.
        policy: Name of the policy.
        policy_digest: SHA-256 of the policy's settings.
        policy_older_than_candidate: Whether the policy was written before the candidate was evaluated; None if unknown.
        look: Which look this was.
        looks: Of how many.
        outcomes: The decision on each metric.
        controls: What the controls say.
        reasons: Why the verdict is what it is, the most important first.
        notes: What a reader should know besides.
        samples_needed: Pictures that would decide what is undecided; None if nothing is, or no number is enough.
    """

    schema_id: Literal["underpaint.gate/1"] = "underpaint.gate/1"
    verdict: Verdict
    exit_code: int
    candidate: Side
    baseline: Side
    policy: str
    policy_digest: str
    policy_older_than_candidate: bool | None = None
    look: int
    looks: int
    outcomes: tuple[Outcome, ...]
    controls: ControlMatrix = ControlMatrix()
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    samples_needed: int | None = None
