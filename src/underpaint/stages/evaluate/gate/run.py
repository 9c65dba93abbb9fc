"""The gate: is a candidate as good as a baseline, by a policy that was written before?

Three outcomes: *pass* means proven to be good enough on every required metric, *fail* means proven to be worse, and
everything else is *indeterminate*, with what would decide it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from underpaint.core.errors import ComparisonError
from underpaint.core.policy import MetricRule, Policy
from underpaint.core.progress import Progress, silent
from underpaint.core.progress import Report as Reporter
from underpaint.metrics.sequential import NORMAL, holm, obrien_fleming
from underpaint.stages.evaluate.catalog.efficiency_metrics import EFFICIENCY
from underpaint.stages.evaluate.comparing.comparable import check_protocols
from underpaint.stages.evaluate.comparing.evaluated import Evaluated, read_evaluation
from underpaint.stages.evaluate.drawing.wishes import MAIN
from underpaint.stages.evaluate.gate.controls import judge_controls
from underpaint.stages.evaluate.gate.lineage import check_lineage
from underpaint.stages.evaluate.gate.trial import Look, Trial, difference_trial, limit_trial, settle
from underpaint.stages.evaluate.gate.verdict import EXIT_CODES, ControlMatrix, GateResult, Outcome, Side
from underpaint.stages.evaluate.gate.wanted import thin_slices, wanted
from underpaint.stages.evaluate.record import Verdict

MAKE_CONTROLS = (
    "evaluate the baseline with a suite that draws them: underpaint evaluate MODEL --suite full ... (those that alter "
    "networks need a model, not its graph or its pictures)"
)
NO_CONTROLS = "the policy names no controls, so nothing shows that it can tell good from bad"
Key = tuple[str, str]


def look_at(pictures: int, policy: Policy, number: int | None = None) -> Look:
    """Return which look a number of pictures is.

    Args:
        pictures: Pictures of the main part.
        policy: The policy; its ``n_max`` is reached at the last look.
        number: Which look it is; None to tell from the number of pictures, so that whoever looks early pays for it.
    """
    share = min(1.0, pictures / policy.n_max)
    number = number or max(1, math.ceil(policy.looks * share - 1e-9))
    if not 1 <= number <= policy.looks:
        raise ComparisonError(f"the policy has {policy.looks} looks, got look {number}; give 1 to {policy.looks}")
    z = obrien_fleming(policy.looks, policy.alpha)[number - 1]
    return Look(number=number, total=policy.looks, z=z, share=share)


def _pictures(evaluated: Evaluated) -> int:
    """Return the number of pictures of the main part, or of all parts if there is no main one."""
    main = sum(picture.part == MAIN for picture in evaluated.pictures.values())
    return main or len(evaluated.pictures)


def _trials_of(rule: MetricRule, candidate: Evaluated, baseline: Evaluated, policy: Policy, look: Look) -> list[Trial]:
    pairs = wanted(rule, candidate, baseline)
    if not pairs:
        group = "" if rule.group == "worst" else rule.group
        outcome = Outcome(id=rule.id, group=group, tier=rule.tier, mode=rule.mode, z=look.z, look=look.number)
        return [Trial(rule=rule, outcome=outcome.model_copy(update={"reason": "a report does not hold it"}))]
    return [
        limit_trial(rule, (candidate, first), look)
        if second is None
        else difference_trial(rule, (candidate, first), (baseline, second), policy, look)
        for first, second in pairs
    ]


def _settle_all(trials: Sequence[Trial], policy: Policy, look: Look, earlier: dict[Key, Outcome]) -> list[Outcome]:
    """Decide about every metric, with Holm's correction over the required ones; what passed at a look has passed."""
    required = [trial for trial in trials if trial.rule.tier == "required"]
    rejected = holm([trial.p for trial in required], 1.0 - NORMAL.cdf(look.z))
    proven = dict(zip([id(trial) for trial in required], rejected, strict=True))
    outcomes = []
    for trial in trials:
        before = earlier.get((trial.outcome.id, trial.outcome.group))
        passed = before is not None and before.verdict == "pass"
        outcomes.append(before if passed else settle(trial, proven.get(id(trial), True), policy, look))
    return outcomes


def _caps(controls: ControlMatrix) -> list[str]:
    """Return why the verdict cannot be a pass, whatever the metrics say."""
    reasons = []
    if controls.untrusted:
        reasons.append(
            "untrusted: with other seeds the baseline does not pass against itself on "
            f"{', '.join(controls.untrusted)}; widen the margin, or draw more pictures"
        )
    if controls.insensitive:
        reasons.append(
            f"insensitive: no required metric fails on {', '.join(controls.insensitive)}; add a metric that sees it, "
            "or narrow a margin"
        )
    if controls.missing:
        reasons.append(f"the baseline's report lacks controls: {', '.join(controls.missing)}; {MAKE_CONTROLS}")
    return reasons


def conclude(outcomes: Sequence[Outcome], caps: Sequence[str], untrusted: Sequence[str]) -> tuple[Verdict, list[str]]:
    """Return the whole verdict, with its reasons.

    Args:
        outcomes: What was decided about each metric.
        caps: Why it cannot be a pass.
        untrusted: Metrics whose failure says nothing.
    """
    required = [outcome for outcome in outcomes if outcome.tier == "required"]
    failed = [o for o in required if o.verdict == "fail" and o.name not in untrusted]
    if failed:
        return "fail", [f"{o.name} is worse{', beyond the margin' if o.beyond_margin else ''}" for o in failed]
    open_ = [f"{o.name}: {o.reason or o.verdict}" for o in required if o.verdict != "pass"]
    supporting = [f"{o.name} (supporting) is worse" for o in outcomes if (o.tier, o.verdict) == ("supporting", "fail")]
    reasons = [*open_, *supporting, *caps]
    if reasons:
        return "indeterminate", reasons
    return "pass", [f"all {len(required)} required metrics are within their margins"]


def _needed(outcomes: Sequence[Outcome], pictures: int) -> int | None:
    """Return how many pictures of the main part would decide what is undecided."""
    undecided = [o for o in outcomes if o.tier == "required" and o.verdict == "indeterminate" and o.se]
    drawn = [o for o in undecided if o.id.partition("@")[0] not in EFFICIENCY]
    if not drawn or any(o.samples_needed is None for o in drawn):
        return None
    return max(math.ceil(pictures * (o.samples_needed or 0) / max(1, o.n)) for o in drawn)


def _older(written: datetime | None, candidate: Evaluated) -> bool | None:
    try:
        created = datetime.fromisoformat(candidate.report.created)
    except ValueError:
        return None
    return None if written is None else written <= (created if created.tzinfo else created.replace(tzinfo=UTC))


def _notes(older: bool | None, policy: Policy) -> list[str]:
    notes = []
    if older is False:
        notes.append("the policy file is newer than the candidate's evaluation: were its margins set without looking?")
    if policy.controls.null is None and not policy.controls.known_bad:
        notes.append(NO_CONTROLS)
    return notes


def _seed_notes(candidate: Evaluated) -> list[str]:
    protocol = candidate.report.protocol
    if protocol.num_seeds < 2:
        return []
    return [
        f"{protocol.num_seeds} pictures a prompt: more seeds of the same prompts add less than more prompts, so the "
        "pictures said to be needed are too few if they are seeds"
    ]


def _thin_notes(policy: Policy, candidate: Evaluated, baseline: Evaluated) -> list[str]:
    thin = {rule.id: thin_slices(rule, candidate, baseline) for rule in policy.metrics}
    return [f"{id_}: too few pictures to judge {', '.join(groups)}" for id_, groups in thin.items() if groups]


def _side(evaluated: Evaluated) -> Side:
    report = evaluated.report
    return Side(
        name=report.subject.name,
        identity=report.subject.identity,
        evaluation=evaluated.digest,
        created=report.created,
    )


def run_gate(
    candidate_folder: Path,
    baseline_folder: Path,
    policy: Policy,
    *,
    look: int | None = None,
    earlier: GateResult | None = None,
    policy_written: datetime | None = None,
    report: Reporter = silent,
) -> GateResult:
    """Decide about a candidate.

    Args:
        candidate_folder: Its evaluation artifact.
        baseline_folder: The baseline's, with the controls.
        policy: What must not get worse.
        look: Which look this is; None to tell from the number of pictures and the policy's ``n_max``.
        earlier: The result of the look before; what passed there has passed.
        policy_written: When the policy was written, with time zone; None if unknown.
        report: Receives progress.

    Raises:
        ArtifactError: A folder is no sound evaluation.
        ComparisonError: The two may not be compared, or lack a required number.
        PolicyError: A rule does not fit the reports.
    """
    report(Progress(task="gate", done=0, total=3, unit="steps", note="read the evaluations"))
    candidate, baseline = read_evaluation(candidate_folder), read_evaluation(baseline_folder)
    check_lineage(candidate, baseline)
    check_protocols(candidate, baseline, policy.pair_on)
    pictures = min(_pictures(candidate), _pictures(baseline))
    now = look_at(pictures, policy, look)
    report(Progress(task="gate", done=1, total=3, unit="steps", note="compare"))
    trials = [trial for rule in policy.metrics for trial in _trials_of(rule, candidate, baseline, policy, now)]
    before = {(o.id, o.group): o for o in earlier.outcomes} if earlier else {}
    outcomes = _settle_all(trials, policy, now, before)
    report(Progress(task="gate", done=2, total=3, unit="steps", note="look at the controls"))
    controls = judge_controls(trials, baseline.report, policy)
    verdict, reasons = conclude(outcomes, _caps(controls), controls.untrusted)
    report(Progress(task="gate", done=3, total=3, unit="steps"))
    older = _older(policy_written, candidate)
    return GateResult(
        verdict=verdict,
        exit_code=EXIT_CODES[verdict],
        candidate=_side(candidate),
        baseline=_side(baseline),
        policy=policy.name,
        policy_digest=policy.digest(),
        policy_older_than_candidate=older,
        look=now.number,
        looks=now.total,
        outcomes=tuple(outcomes),
        controls=controls,
        reasons=tuple(reasons),
        notes=(*_notes(older, policy), *_seed_notes(candidate), *_thin_notes(policy, candidate, baseline)),
        samples_needed=_needed(outcomes, pictures),
    )


def _hopeless(result: GateResult) -> bool:
    """Tell whether more pictures cannot decide: nothing required is open, or its power stays too low to the end."""
    undecided = [o for o in result.outcomes if o.tier == "required" and o.verdict == "indeterminate"]
    return not undecided or any(o.reason.startswith("underpowered") for o in undecided)


def gate_by_looks(
    evaluate_at: Callable[[int], tuple[Path, Path]],
    policy: Policy,
    *,
    policy_written: datetime | None = None,
    report: Reporter = silent,
) -> GateResult:
    """Decide with as few pictures as it takes: look, and draw more until it is decided or hopeless.

    Args:
        evaluate_at: Evaluates candidate and baseline with a number of pictures, and returns the two artifacts; what
            smaller numbers have drawn is best drawn again from a cache.
        policy: What must not get worse, with its looks and most pictures.
        policy_written: When the policy was written; None if unknown.
        report: Receives progress.

    Returns:
        The result of the last look that was taken.
    """
    result = None
    for number in range(1, policy.looks + 1):
        candidate, baseline = evaluate_at(math.ceil(policy.n_max * number / policy.looks))
        result = run_gate(
            candidate,
            baseline,
            policy,
            look=number,
            earlier=result,
            policy_written=policy_written,
            report=report,
        )
        if result.verdict != "indeterminate" or _hopeless(result):
            break
    assert result is not None
    return result
