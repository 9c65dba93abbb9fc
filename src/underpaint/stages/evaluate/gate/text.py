"""A gate's result in a few lines for people."""

from __future__ import annotations

import math

from underpaint.stages.evaluate.comparing.text import number
from underpaint.stages.evaluate.gate.verdict import GateResult, Outcome

LINES = 6
WORDS = {"pass": "PASS", "fail": "FAIL", "indeterminate": "INDETERMINATE"}


def _percent(value: float) -> str:
    return f"{100 * value:+.1f} %"


def describe_difference(outcome: Outcome) -> str:
    """Write a difference with its bounds and margin; as a percentage of the baseline where that can be said."""
    delta, low, high, margin = outcome.delta, outcome.low, outcome.high, outcome.margin
    if delta is None or low is None or high is None:
        return "no difference known"
    if outcome.scale == "value":
        return f"{number(delta, outcome.se)} (to {number(high, outcome.se)}), limit {number(margin)}"
    share = 1.0
    if outcome.scale == "log ratio":
        shown = [_percent(math.expm1(value)) for value in (delta, low, high)]
        bound = None if margin is None else _percent(math.expm1(margin))
    elif outcome.relative is not None and outcome.baseline and delta:
        share = outcome.relative / delta
        shown = [_percent(value * share) for value in (delta, low, high)]
        bound = None if margin is None else _percent(margin * share)
    else:
        shown = [number(value, outcome.se) for value in (delta, low, high)]
        bound = None if margin is None else number(margin, outcome.se)
    return f"worse by {shown[0]} ({shown[1]} to {shown[2]})" + (f", margin {bound}" if bound else "")


def describe_outcome(outcome: Outcome) -> str:
    """Write one metric's outcome on one line."""
    numbers = f"{number(outcome.candidate)} against {number(outcome.baseline)}"
    how = f"n {outcome.n}{' paired' if outcome.paired_on else ''}"
    text = f"{outcome.tier} {outcome.name}: {outcome.verdict}; {describe_difference(outcome)}; {how}"
    text = text if outcome.baseline is None else f"{text}; {numbers}"
    return f"{text}; {outcome.reason}" if outcome.reason else text


def _controls_line(result: GateResult) -> str:
    controls = result.controls
    if not controls.outcomes and not controls.missing:
        return "controls: none asked for"
    null = {o.control for o in controls.outcomes if o.kind == "null"}
    bad = {o.control for o in controls.outcomes if o.kind == "known_bad"}
    caught = len(bad) - len(controls.insensitive)
    parts = [
        f"{len(null)} null {'holds' if not controls.untrusted else 'with untrusted metrics'}",
        f"{caught} of {len(bad)} known-bad caught",
    ]
    return f"controls: {', '.join(parts)}" + (f"; missing: {', '.join(controls.missing)}" if controls.missing else "")


def _first(outcomes: tuple[Outcome, ...]) -> list[Outcome]:
    """Return the outcomes worth a line: those that decide first, what failed or is open before what passed."""
    tiers, verdicts = ("required", "supporting", "advisory"), ("fail", "indeterminate", "pass")
    return sorted(outcomes, key=lambda o: (tiers.index(o.tier), verdicts.index(o.verdict)))


def summary(result: GateResult) -> str:
    """Return about ten lines: verdict, metrics, controls, reasons."""
    lines = [
        f"{WORDS[result.verdict]}: {result.candidate.name} against {result.baseline.name}, policy {result.policy}, "
        f"look {result.look} of {result.looks}"
    ]
    shown = _first(result.outcomes)
    lines += [
        f"  {outcome.verdict:13} {outcome.tier:10} {outcome.name}: {describe_difference(outcome)}, n {outcome.n}"
        for outcome in shown[:LINES]
    ]
    if len(shown) > LINES:
        counts = ", ".join(f"{sum(o.verdict == v for o in shown[LINES:])} {v}" for v in WORDS)
        lines.append(f"  and {len(shown) - LINES} more: {counts}")
    lines.append(_controls_line(result))
    lines += [f"because: {reason}" for reason in result.reasons[:3]]
    if len(result.reasons) > 3:
        lines.append(f"because: {len(result.reasons) - 3} more reasons (--json shows all)")
    if result.samples_needed is not None:
        lines.append(f"about {result.samples_needed} pictures would decide about an equally good candidate")
    return "\n".join([*lines, *(f"note: {note}" for note in result.notes)])
