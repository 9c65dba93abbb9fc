"""The trial of one metric: its difference, turned so that positive is worse, its margin, and what follows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from underpaint.core.policy import MetricRule, Policy
from underpaint.metrics.estimate import normal_quantile
from underpaint.metrics.sequential import decide, obrien_fleming, p_value, power, samples_needed
from underpaint.stages.evaluate.catalog.efficiency_metrics import EFFICIENCY
from underpaint.stages.evaluate.comparing.evaluated import Evaluated
from underpaint.stages.evaluate.comparing.pairing import Difference, measured_difference
from underpaint.stages.evaluate.comparing.ratio import (
    center_of,
    disturbance,
    machine_differences,
    ratio_of,
    standard_error,
)
from underpaint.stages.evaluate.gate.margin import error_at, margin_of, obstacle
from underpaint.stages.evaluate.gate.verdict import Outcome
from underpaint.stages.evaluate.record import Measurement


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at the evidence.

    Args:
        number: Which one, from 1.
        total: Of how many.
        z: Its bound.
        share: How many of the policy's most pictures have been drawn, at most 1.
    """

    number: int
    total: int
    z: float
    share: float


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A metric on trial.

    Args:
        rule: What the policy asks.
        outcome: The numbers, with bounds; not decided yet.
        fixed_variance: The part of ``se**2`` that more pictures do not reduce.
        linear: Whether influences say what each picture adds to it, so that controls can speak about it.
    """

    rule: MetricRule
    outcome: Outcome
    fixed_variance: float = 0.0
    linear: bool = False

    @property
    def sign(self) -> float:
        """What turns a larger number into a worse one."""
        return 1.0 if self.rule.direction == "lower" else -1.0

    @property
    def p(self) -> float:
        """Probability of a difference this far on the bad side if there is none; 1 if nothing can be said."""
        outcome, rule = self.outcome, self.rule
        if outcome.reason or outcome.delta is None or outcome.se is None or outcome.margin is None:
            return 1.0
        if rule.mode == "limit":
            return p_value(self.sign * (outcome.delta - outcome.margin), outcome.se)
        return p_value(outcome.delta, outcome.se, rule.mode)


def _start(rule: MetricRule, measurement: Measurement, look: Look) -> Outcome:
    return Outcome(
        id=measurement.id,
        group=measurement.group,
        tier=rule.tier,
        mode=rule.mode,
        z=look.z,
        look=look.number,
        n=measurement.n,
        candidate=measurement.value,
    )


def _unusable(
    rule: MetricRule, candidate: tuple[Evaluated, Measurement], *others: tuple[Evaluated, Measurement]
) -> str:
    """Return why numbers cannot be judged; empty if they can."""
    for evaluated, number in (candidate, *others):
        if number.status != "ok" or number.value is None:
            return f"{evaluated.report.subject.name}: {number.status}: {number.message or 'no value'}"
        if number.metric in EFFICIENCY and (reason := disturbance(evaluated.report.environment, number.unit)):
            return f"{evaluated.report.subject.name} was measured on a machine that was not quiet: {reason}"
        if rule.accept_methods and number.energy_method not in rule.accept_methods:
            return (
                f"{evaluated.report.subject.name}: the energy was {number.energy_method or 'not said how'}; the policy "
                f"accepts {', '.join(rule.accept_methods)}"
            )
    methods = {number.energy_method for _, number in (candidate, *others)}
    return f"the energy was {' and '.join(sorted(map(str, methods)))}" if len(methods) > 1 else ""


def limit_trial(rule: MetricRule, candidate: tuple[Evaluated, Measurement], look: Look) -> Trial:
    """Put a number on trial against a limit, by the bounds of its own interval."""
    number, limit = candidate[1], rule.limit
    outcome = _start(rule, number, look).model_copy(update={"scale": "value", "margin": limit})
    if reason := _unusable(rule, candidate):
        return Trial(rule=rule, outcome=outcome.model_copy(update={"reason": reason}))
    se, value = standard_error(number, log=False), center_of(number)
    if se is None:
        reason = "the report gives no interval with two ends for it; measure again with more repetitions"
        return Trial(rule=rule, outcome=outcome.model_copy(update={"delta": value, "reason": reason}))
    low, high = value - look.z * se, value + look.z * se
    if number.interval is not None and number.interval.low is not None and number.interval.high is not None:
        reach = max(1.0, look.z / normal_quantile(0.5 + number.interval.level / 2))
        low, high = value - reach * (value - number.interval.low), value + reach * (number.interval.high - value)
    return Trial(rule=rule, outcome=outcome.model_copy(update={"delta": value, "se": se, "low": low, "high": high}))


def _difference(
    rule: MetricRule, candidate: tuple[Evaluated, Measurement], baseline: tuple[Evaluated, Measurement], policy: Policy
) -> Difference | str:
    """Return the difference of two numbers, or why it cannot be told."""
    efficiency = candidate[1].metric in EFFICIENCY
    if efficiency and (differences := machine_differences(candidate[0].report, baseline[0].report)):
        return f"measured on different machines: {'; '.join(differences)}; measure both on one machine"
    if not efficiency and (paired := measured_difference(candidate, baseline, policy.pair_on)) is not None:
        return paired
    relative = rule.margin is None or rule.margin.relative is not None
    return ratio_of(candidate[1], baseline[1], log=efficiency and relative)


def difference_trial(
    rule: MetricRule,
    candidate: tuple[Evaluated, Measurement],
    baseline: tuple[Evaluated, Measurement],
    policy: Policy,
    look: Look,
) -> Trial:
    """Put the difference of two numbers on trial.

    Raises:
        ComparisonError: The pictures behind them are not the same.
    """
    outcome = _start(rule, candidate[1], look).model_copy(update={"baseline": baseline[1].value})
    difference = _unusable(rule, candidate, baseline) or _difference(rule, candidate, baseline, policy)
    if isinstance(difference, str):
        return Trial(rule=rule, outcome=outcome.model_copy(update={"reason": difference}))
    return try_difference(rule, outcome, difference)


def try_difference(rule: MetricRule, start: Outcome, difference: Difference) -> Trial:
    """Put a difference on trial.

    Args:
        rule: What the policy asks.
        start: The outcome so far, with the look's ``z``.
        difference: Candidate minus baseline.
    """
    sign = 1.0 if rule.direction == "lower" else -1.0
    delta, margin = sign * difference.delta, margin_of(rule, difference)
    log, base = difference.scale == "log ratio", difference.base
    relative = sign * math.expm1(difference.delta) if log else (delta / base if base > 0 else None)
    se = error_at(rule, difference, margin)
    reach = start.z * se
    numbers = {
        "scale": difference.scale,
        "delta": delta,
        "relative": relative,
        "se": se,
        "low": delta - reach,
        "high": delta + reach,
        "margin": margin if isinstance(margin, float) else None,
        "n": difference.n,
        "paired_on": difference.paired_on,
        "reason": obstacle(difference, se, margin),
    }
    return Trial(
        rule=rule,
        outcome=start.model_copy(update=numbers),
        fixed_variance=difference.fixed_variance,
        linear=difference.linear,
    )


def settle_limit(trial: Trial, proven: bool) -> Outcome:
    """Decide about a limit: the bound on the bad side must lie within it."""
    outcome, sign = trial.outcome, trial.sign
    if outcome.reason or outcome.low is None or outcome.high is None or outcome.margin is None:
        return outcome
    best, worst = sorted((sign * (outcome.low - outcome.margin), sign * (outcome.high - outcome.margin)))
    if worst < 0:
        return outcome.model_copy(update={"verdict": "pass"})
    if best > 0 and proven:
        return outcome.model_copy(update={"verdict": "fail", "beyond_margin": True})
    return outcome.model_copy(update={"reason": "the interval holds the limit; measure with more repetitions"})


def settle(trial: Trial, proven: bool, policy: Policy, look: Look) -> Outcome:
    """Decide about one metric.

    Args:
        trial: The metric.
        proven: Whether its difference stays proven beside all other required metrics.
        policy: The policy.
        look: The look.
    """
    outcome, mode = trial.outcome, trial.rule.mode
    if mode == "limit":
        return settle_limit(trial, proven)
    if outcome.reason or outcome.delta is None or outcome.se is None or outcome.margin is None:
        return outcome
    decision = decide(outcome.delta, outcome.se, outcome.margin, z=look.z, mode=mode, proven=proven)
    decided = outcome.model_copy(
        update={
            "verdict": decision.verdict,
            "beyond_margin": decision.beyond_margin,
            "power": power(outcome.margin, outcome.se, look.z, mode),
            "samples_needed": samples_needed(
                outcome.n,
                outcome.se,
                outcome.margin,
                z=obrien_fleming(look.total, policy.alpha)[-1],
                power=policy.min_power,
                fixed=trial.fixed_variance,
                mode=mode,
            ),
        }
    )
    if decision.verdict != "indeterminate":
        return decided
    return decided.model_copy(update={"reason": why_undecided(trial, decided, proven, policy, look)})


def power_at_most(trial: Trial, outcome: Outcome, policy: Policy, look: Look) -> float:
    """Return how likely an equally good candidate passes at the last look, with the policy's most pictures."""
    mode = trial.rule.mode
    assert outcome.se is not None
    assert outcome.margin is not None
    assert mode != "limit"
    drawn = max(0.0, outcome.se**2 - trial.fixed_variance)
    share = look.share if trial.rule.metric not in EFFICIENCY else 1.0
    se = math.sqrt(drawn * share + trial.fixed_variance)
    return power(outcome.margin, se, obrien_fleming(look.total, policy.alpha)[-1], mode)


def why_undecided(trial: Trial, outcome: Outcome, proven: bool, policy: Policy, look: Look) -> str:
    """Say why nothing was decided and what would decide."""
    assert outcome.delta is not None
    assert outcome.margin is not None
    unit = "repetitions" if trial.rule.metric in EFFICIENCY else "pictures"
    needed = outcome.samples_needed
    enough = f"{needed} {unit} would decide" if needed else "no number of pictures would: the reference is too small"
    likely = power_at_most(trial, outcome, policy, look)
    if likely < policy.min_power:
        return (
            f"underpowered: an equally good candidate would pass with probability {likely:.2f} at most, the policy "
            f"asks for {policy.min_power:.2f}; {enough}"
        )
    if outcome.low is not None and outcome.low > 0 and outcome.delta > outcome.margin and not proven:
        return "worse by more than the margin, but not proven beside the other required metrics"
    worse = "looks worse by more than the margin" if outcome.delta > outcome.margin else "not proven to be good enough"
    return f"{worse}; {enough} about an equally good candidate with probability {policy.min_power:.2f}"
