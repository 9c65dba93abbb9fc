"""Finding in a report the numbers that a policy speaks of."""

from __future__ import annotations

from underpaint.core.errors import ComparisonError, PolicyError
from underpaint.core.policy import WORST, MetricRule
from underpaint.stages.evaluate.comparing.comparable import check_comparable
from underpaint.stages.evaluate.comparing.evaluated import Evaluated
from underpaint.stages.evaluate.record import Measurement

Pair = tuple[Measurement, Measurement | None]
NO_NUMBER = ("too_few", "not_applicable")


def _fits(rule: MetricRule, measurement: Measurement) -> bool:
    """Tell whether a number is the metric of a rule; a rule without digest takes any extractor of the name."""
    _, _, wanted = rule.id.partition("@")
    name = measurement.extractor if ":" in wanted else measurement.extractor.partition(":")[0]
    return measurement.metric == rule.metric and name == wanted


def _in_group(rule: MetricRule, measurement: Measurement) -> bool:
    return bool(measurement.group) if rule.group == WORST else measurement.group == rule.group


def find(evaluated: Evaluated, rule: MetricRule) -> list[Measurement]:
    """Return the numbers that a rule speaks of: one, or one a slice for ``group: worst``.

    Raises:
        PolicyError: Several extractors have the name that the rule gives, or the rule calls the wrong way better.
    """
    found = [m for m in evaluated.report.metrics if _fits(rule, m) and _in_group(rule, m)]
    if len(extractors := sorted({m.extractor for m in found})) > 1:
        raise PolicyError(
            f"{rule.id!r} is ambiguous in {evaluated.folder}: {', '.join(extractors)}; give the digest in the policy"
        )
    for measurement in found:
        if measurement.direction not in (rule.direction, "none"):
            raise PolicyError(
                f"the policy calls {rule.direction} values of {rule.id!r} better, but {measurement.direction} ones "
                f"are; write direction: {measurement.direction}"
            )
    return found


def _missing(evaluated: Evaluated, rule: MetricRule) -> ComparisonError:
    held = [m for m in evaluated.report.metrics if m.metric == rule.metric]
    names = sorted({f"{m.id} {m.group}".strip() for m in held or evaluated.report.metrics})
    what = "it holds" if held else "it holds other metrics:"
    wanted = f"{rule.id} {rule.group}".strip()
    return ComparisonError(
        f"{evaluated.folder} holds no {wanted!r}; {what} {', '.join(names[:8]) or 'none'}"
        f"{', ...' if len(names) > 8 else ''}; mend the id in the policy, or evaluate with a suite that measures it"
    )


def _thin(candidate: list[Measurement], baseline: list[Measurement]) -> dict[str, Measurement]:
    """Return the slices with too few samples on a side, each with the number that says so."""
    return {m.group: m for m in [*baseline, *candidate] if m.status in NO_NUMBER}


def thin_slices(rule: MetricRule, candidate: Evaluated, baseline: Evaluated) -> list[str]:
    """Return the slices that ``group: worst`` leaves out because a side has too few samples, each with its reason."""
    if rule.group != WORST:
        return []
    thin = _thin(find(candidate, rule), [] if rule.mode == "limit" else find(baseline, rule))
    return [f"{group} ({m.status}, n {m.n})" for group, m in sorted(thin.items())]


def _slices(candidate: list[Measurement], baseline: list[Measurement]) -> tuple[list[Measurement], list[Measurement]]:
    """Return the slices with enough samples; those with too few are noted, and not gated."""
    thin = _thin(candidate, baseline)
    return [m for m in candidate if m.group not in thin], [m for m in baseline if m.group not in thin]


def wanted(rule: MetricRule, candidate: Evaluated, baseline: Evaluated) -> list[Pair]:
    """Return the pairs of numbers that a rule compares; a limit looks at the candidate alone.

    Returns:
        Nothing for a supporting or advisory metric that a report does not hold.

    Raises:
        ComparisonError: A report does not hold a required number, or the two were not measured in the same way.
        PolicyError: The rule is ambiguous, or calls the wrong way better.
    """
    first, second = find(candidate, rule), [] if rule.mode == "limit" else find(baseline, rule)
    if rule.group == WORST:
        first, second = _slices(first, second)
    for evaluated, found in ((candidate, first), (baseline, second)):
        if not found and not (evaluated is baseline and rule.mode == "limit"):
            if rule.tier == "required":
                raise _missing(evaluated, rule)
            return []
    if rule.mode == "limit":
        return [(measurement, None) for measurement in first]
    partners = {measurement.group: measurement for measurement in second}
    if lost := {m.group for m in first} ^ partners.keys():
        raise ComparisonError(
            f"{rule.id}: the slice {min(lost)!r} stands in one of the two reports only; evaluate both with one suite"
        )
    for measurement in first:
        check_comparable(measurement, partners[measurement.group])
    return [(measurement, partners[measurement.group]) for measurement in first]
