"""The sections of a gate's decision: the verdict, differences against their margins, what controls say of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from underpaint.core.page.layout import Section, badge, figure, legend, note
from underpaint.core.page.markup import Child, Markup, element, join, words
from underpaint.stages.evaluate.page import numbers, tables, text
from underpaint.stages.evaluate.page.forest import Row, Scale, forest_plot

Values = Mapping[str, Any]
TIERS = {"required": 0, "supporting": 1, "advisory": 2}
MODES = {"non_inferiority": "not worse", "equivalence": "equal", "limit": "limit"}
SENTENCES = {
    "pass": "{candidate} is good enough: against {baseline}, no required number is worse than the policy allows.",
    "fail": "{candidate} fails: against {baseline}, a required number is worse than the policy allows.",
    "indeterminate": "Undecided: these samples neither show that {candidate} is good enough nor that it fails against "
    "{baseline}.",
}  # fmt: skip


def name_of(outcome: Values, extractors: Values | None = None) -> str:
    """Return what a judged number is called.

    Args:
        outcome: Anything with ``id`` and ``group``.
        extractors: Cards, by ``name:digest8``.
    """
    metric, _, extractor = str(outcome["id"]).partition("@")
    shown = text.label(metric, extractor, extractors or {})
    return f"{shown}, {text.group_text(outcome['group'])}" if outcome.get("group") else shown


def _unit_of(outcome: Values) -> tuple[float, str]:
    """Return what a difference is multiplied by to be shown, and its unit."""
    if outcome.get("scale") == "log ratio":
        return 100.0, " %"
    share = text.is_share(str(outcome["id"]).partition("@")[0])
    if outcome.get("scale") == "value":
        return (100.0, " %") if share else (1.0, "")
    return (100.0, " points") if share else (1.0, "")


def _turned(outcome: Values, number: float | None) -> float | None:
    """Return a difference as it is shown; a log ratio becomes a percentage."""
    if number is None:
        return None
    factor, _ = _unit_of(outcome)
    return math.expm1(number) * factor if outcome.get("scale") == "log ratio" else number * factor


def _shown_error(outcome: Values) -> float | None:
    low, high = _turned(outcome, outcome.get("low")), _turned(outcome, outcome.get("high"))
    factor, _ = _unit_of(outcome)
    own = outcome.get("se")
    return own * factor if own and outcome.get("scale") != "log ratio" else numbers.error_of(None, low, high)


def delta_text(outcome: Values) -> str:
    """Write a difference with its unit."""
    delta = _turned(outcome, outcome.get("delta"))
    if delta is None:
        return "no number"
    signed = outcome.get("scale") != "value"
    return numbers.value_alone(delta, _shown_error(outcome), sign=signed) + _unit_of(outcome)[1]


def bounds_text(outcome: Values) -> str:
    """Write the bounds of a difference."""
    low, high = _turned(outcome, outcome.get("low")), _turned(outcome, outcome.get("high"))
    shown = numbers.span(low, high, _shown_error(outcome), sign=outcome.get("scale") != "value")
    return shown + _unit_of(outcome)[1] if shown else ""


def margin_text(outcome: Values) -> str:
    """Write the margin or the limit."""
    margin = _turned(outcome, outcome.get("margin"))
    if margin is None:
        return ""
    rounded = float(f"{margin:.3g}")
    return numbers.plain(rounded) + _unit_of(outcome)[1]


def _in_margins(outcome: Values, key: str) -> float | None:
    number, margin = outcome.get(key), outcome.get("margin")
    return None if number is None or not margin else number / margin


def deciding(gate: Values) -> Values | None:
    """Return the outcome that the verdict hangs on: of the required ones with that verdict, the worst."""
    same = [
        one
        for one in gate["outcomes"]
        if one["tier"] == "required" and one["verdict"] == gate["verdict"] and one.get("delta") is not None
    ]
    return max(same, key=lambda one: _in_margins(one, "high") or -math.inf, default=None)


def _deciding_sentence(gate: Values) -> str:
    outcome = deciding(gate)
    if outcome is None:
        return ""
    is_limit = outcome["mode"] == "limit"
    allowed = f"limit {margin_text(outcome)}" if is_limit else f"margin {margin_text(outcome)}, where more is worse"
    lead = "" if is_limit else "difference "
    return f"Deciding: {name_of(outcome)}, {lead}{delta_text(outcome)}, bounds {bounds_text(outcome)}, {allowed}."


def gate_panel(gate: Values) -> Markup:
    """Show the verdict in a sentence with the deciding bounds, and its reasons."""
    verdict = str(gate["verdict"])
    names = {"candidate": gate["candidate"]["name"], "baseline": gate["baseline"]["name"]}
    reasons = [element("li", words(reason)) for reason in gate.get("reasons", ())]
    needed = gate.get("samples_needed")
    more = f"About {numbers.plain(needed)} pictures would decide it." if needed else ""
    policy = f"Policy {gate['policy']}, look {gate['look']} of {gate['looks']}, exit code {gate['exit_code']}."
    return element(
        "div",
        badge(verdict, text.VERDICTS[verdict]),
        element("p", words(SENTENCES[verdict].format(**names)), class_="sentence"),
        element("p", words(f"{_deciding_sentence(gate)} {more}".strip())),
        element("ul", reasons) if reasons else None,
        element("p", words(policy), class_="note"),
        class_=f"verdict {verdict}",
    )


def _null_band(gate: Values, outcome: Values) -> tuple[float, float] | None:
    bands = [
        (one["low"], one["high"])
        for one in gate.get("controls", {}).get("outcomes", ())
        if one["kind"] == "null" and (one["id"], one["group"]) == (outcome["id"], outcome["group"])
    ]
    margin = outcome.get("margin")
    if not bands or not margin:
        return None
    return min(low for low, _ in bands) / margin, max(high for _, high in bands) / margin


def _row(gate: Values, outcome: Values) -> Row:
    return Row(
        label=name_of(outcome),
        value=_in_margins(outcome, "delta"),
        low=_in_margins(outcome, "low"),
        high=_in_margins(outcome, "high"),
        text=f"{delta_text(outcome)} · {text.VERDICTS[outcome['verdict']].lower()}",
        verdict=str(outcome["verdict"]),
        null=_null_band(gate, outcome),
    )


def _ordered(gate: Values) -> list[Values]:
    return sorted(gate["outcomes"], key=lambda one: TIERS[one["tier"]])


def differences(gate: Values) -> Section:
    """Draw every difference in units of its margin, and list all that was judged."""
    able = [one for one in _ordered(gate) if one.get("margin") and one.get("delta") is not None]
    judged = [one for one in able if one["mode"] != "limit"]
    rows = [_row(gate, one) for one in judged]
    reaches = [abs(end) for row in rows for end in (row.low, row.high, *(row.null or ())) if end is not None]
    reach = max(reaches, default=1.0)
    ends = max(1.5, min(4.0, reach * 1.08))
    scale = Scale(title="difference, in margins; right is worse", low=-ends, high=ends, line=0.0, margin=1.0)
    keys = [(one, text.VERDICTS[one].lower()) for one in text.VERDICTS if any(row.verdict == one for row in rows)]
    keys.append(("beyond", "worse than the margin allows"))
    if any(row.null for row in rows):
        keys.append(("null", "what chance alone does (the baseline with other seeds)"))
    plot = join(figure(lambda width: forest_plot(rows, scale, width=width)), legend(*keys)) if rows else None
    return Section(
        title="Differences",
        body=join(plot, outcome_table(gate)),
        lead="The candidate minus the baseline, turned so that right is always worse. A number passes when its whole "
        "interval stays left of the shaded margin.",
    )


def outcome_table(gate: Values) -> Markup:
    """List what was decided about each metric."""
    rows = []
    for one in _ordered(gate):
        remarks = [str(one.get("reason", ""))]
        if one.get("power") is not None:
            remarks.append(f"power {one['power'] * 100:.0f} %")
        if one.get("samples_needed"):
            remarks.append(f"needs about {numbers.plain(one['samples_needed'])}")
        remark = "; ".join(part for part in remarks if part)
        verdict = str(one["verdict"])
        heading = element(
            "th", words(name_of(one)), element("span", words(remark), class_="note") if remark else None, scope="row"
        )
        figures = [delta_text(one), bounds_text(one) or "–", margin_text(one) or "–", numbers.plain(one.get("n", 0))]
        rows.append(
            element(
                "tr",
                heading,
                tables.cell(badge(verdict, text.VERDICTS[verdict])),
                tables.cell(f"{one['tier']}, {MODES[one['mode']]}"),
                [tables.cell(figure_, class_="number") for figure_ in figures],
            )
        )
    head = ("Metric", "Verdict", "Rule", "Difference", "Bounds", "Margin", "n")
    return tables.table("What was decided about each number", head, rows, numeric=(3, 4, 5, 6))


def gate_controls(gate: Values) -> Section | None:
    """Show what the policy says about the controls."""
    matrix = gate.get("controls") or {}
    outcomes = matrix.get("outcomes", ())
    warnings: list[Child] = []
    for key, said in (
        ("untrusted", "The baseline does not pass against itself on: {}. These numbers cannot decide."),
        ("insensitive", "These known-bad copies fail on no required number: {}. The policy is not strict enough."),
        ("missing", "The policy names controls that the baseline's report does not hold: {}."),
    ):
        if matrix.get(key):
            names = text.listing([text.readable(str(one)) for one in matrix[key]])
            warnings.append(note(words(said.format(names)), kind="warn"))
    if not outcomes and not warnings:
        return None
    body = join(warnings, _matrix(outcomes) if outcomes else None)
    lead = "The same policy, asked about controls: the baseline with other seeds must pass, spoiled copies must fail."
    return Section(title="Is the policy itself sound?", body=body, lead=lead)


def _matrix(outcomes: Sequence[Values]) -> Markup:
    kinds = {one["control"]: one["kind"] for one in outcomes}
    controls = sorted(kinds.items(), key=lambda item: (item[1] != "null", item[0]))
    by_place = {(one["id"], one["group"], one["control"]): one for one in outcomes}
    rows = []
    for place in dict.fromkeys((one["id"], one["group"]) for one in outcomes):
        cells = []
        for control, _ in controls:
            one = by_place.get((*place, control))
            shown = badge(one["verdict"], text.VERDICTS[one["verdict"]]) if one else "–"
            cells.append(tables.cell(shown))
        name = name_of({"id": place[0], "group": place[1]})
        rows.append(element("tr", element("th", words(name), scope="row"), cells))
    musts = {"null": "must pass", "known_bad": "must fail"}
    head = ("Metric", *(f"{text.readable(control)} ({musts[kind]})" for control, kind in controls))
    return tables.table("What the policy says about each control", head, rows)


def gate_sections(gate: Values) -> list[Section]:
    """Return the sections of a decision.

    Args:
        gate: A ``GateResult`` as plain values.
    """
    remarks = list(gate.get("notes", ()))
    about = Section(title="Worth knowing", body=join(note(words(str(one))) for one in remarks)) if remarks else None
    return [one for one in (differences(gate), gate_controls(gate), about) if one is not None]
