"""What the controls say about a policy: the baseline must pass against itself, and known-bad copies must fail."""

from __future__ import annotations

from collections.abc import Sequence

from underpaint.core.policy import Policy
from underpaint.metrics.sequential import Mode, decide, holm, obrien_fleming, p_value
from underpaint.stages.evaluate.gate.trial import Trial
from underpaint.stages.evaluate.gate.verdict import ControlMatrix, ControlOutcome
from underpaint.stages.evaluate.record import ControlRecord, Report

Judged = tuple[Trial, ControlRecord]


def _controllable(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that a control can speak about: differences of scores of pictures, with a margin."""
    return [
        trial
        for trial in trials
        if trial.linear and trial.outcome.margin is not None and trial.outcome.tier != "advisory"
    ]


def _records(trials: Sequence[Trial], report: Report, control: str) -> list[Judged]:
    known = {(record.id, record.group): record for record in report.controls if record.control == control}
    keyed = [(trial, known.get((trial.outcome.id, trial.outcome.group))) for trial in trials]
    return [(trial, record) for trial, record in keyed if record is not None]


def _outcome(trial: Trial, record: ControlRecord, policy: Policy, proven: bool) -> ControlOutcome:
    margin, mode = trial.outcome.margin, trial.rule.mode
    assert margin is not None
    assert mode != "limit"
    z = obrien_fleming(1, policy.alpha)[0]
    delta = trial.sign * record.delta
    decision = decide(delta, record.se, margin, z=z, mode=mode, proven=proven)
    return ControlOutcome(
        control=record.control,
        kind=record.kind,
        id=record.id,
        group=record.group,
        delta=delta,
        low=decision.low,
        high=decision.high,
        verdict=decision.verdict,
    )


def _judge(judged: Sequence[Judged], policy: Policy) -> list[ControlOutcome]:
    """Decide about one control on every metric, with Holm's correction over the required ones."""
    required = [pair for pair in judged if pair[0].outcome.tier == "required"]
    modes: list[Mode] = [
        "equivalence" if trial.rule.mode == "equivalence" else "non_inferiority" for trial, _ in required
    ]
    p_values = [p_value(t.sign * r.delta, r.se, mode) for (t, r), mode in zip(required, modes, strict=True)]
    proven = dict(zip([id(trial) for trial, _ in required], holm(p_values, policy.alpha), strict=True))
    return [_outcome(trial, record, policy, proven.get(id(trial), True)) for trial, record in judged]


def _null(trials: Sequence[Trial], report: Report, policy: Policy) -> tuple[list[ControlOutcome], list[str]]:
    """Judge the null controls; return what they say and what is missing."""
    if policy.controls.null is None:
        return [], []
    names = sorted({record.control for record in report.controls if record.kind == "null"})
    wanted, missing = policy.controls.null.seed_sets, []
    if len(names) < wanted:
        missing.append(f"null ({len(names)} of {wanted} seed sets)")
    outcomes = [outcome for name in names for outcome in _judge(_records(trials, report, name), policy)]
    covered = {(outcome.id, outcome.group) for outcome in outcomes}
    bare = [t.outcome.name for t in trials if (t.outcome.id, t.outcome.group) not in covered] if names else []
    return outcomes, [*missing, *(f"null of {name}" for name in bare)]


def judge_controls(trials: Sequence[Trial], report: Report, policy: Policy) -> ControlMatrix:
    """Judge the controls of the baseline's report under a policy.

    Args:
        trials: The metrics of the policy, with margins.
        report: The baseline's report.
        policy: The policy.
    """
    trials = _controllable(trials)
    null, missing = _null(trials, report, policy)
    outcomes, insensitive = list(null), []
    required = {(t.outcome.id, t.outcome.group) for t in trials if t.outcome.tier == "required"}
    for control in policy.controls.known_bad:
        judged = _judge(_records(trials, report, control), policy)
        outcomes += judged
        if not judged:
            missing.append(control)
        elif not any(o.verdict == "fail" and (o.id, o.group) in required for o in judged):
            insensitive.append(control)
    untrusted = dict.fromkeys(f"{o.id} {o.group}".strip() for o in null if o.verdict != "pass")
    return ControlMatrix(
        outcomes=tuple(outcomes), untrusted=tuple(untrusted), insensitive=tuple(insensitive), missing=tuple(missing)
    )
