"""The gate's result as JUnit XML, which every CI system shows: one case a gated metric and a control.

What is indeterminate is an ``error``, since ``skipped`` would look green.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from underpaint.stages.evaluate.gate.text import describe_outcome
from underpaint.stages.evaluate.gate.verdict import ControlMatrix, GateResult, Outcome

ILLEGAL = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])
"""Characters that XML 1.0 cannot hold."""


def _clean(text: str) -> str:
    return text.translate(ILLEGAL)


def _case(suite: ET.Element, name: str, verdict: str, message: str, text: str = "") -> None:
    case = ET.SubElement(suite, "testcase", classname=suite.attrib["name"], name=_clean(name))
    if verdict in ("fail", "indeterminate"):
        tag = "failure" if verdict == "fail" else "error"
        ET.SubElement(case, tag, message=_clean(message), type=verdict).text = _clean(text or message)
    elif text:
        ET.SubElement(case, "system-out").text = _clean(text)


def _metric(suite: ET.Element, outcome: Outcome) -> None:
    text = describe_outcome(outcome)
    verdict = outcome.verdict
    if outcome.tier == "supporting" and verdict == "fail":
        verdict = "indeterminate"
    _case(suite, outcome.name, verdict, outcome.reason or text, text)


def _controls(suite: ET.Element, controls: ControlMatrix) -> None:
    for name in controls.untrusted:
        _case(suite, f"null control: {name}", "indeterminate", "the baseline does not pass against itself")
    for name in controls.insensitive:
        _case(suite, f"known-bad control: {name}", "indeterminate", "no required metric fails on it")
    for name in controls.missing:
        _case(suite, f"control: {name}", "indeterminate", "the baseline's report does not hold it")


def junit(result: GateResult) -> str:
    """Return a result as JUnit XML.

    Args:
        result: A gate's result; advisory metrics are left out.
    """
    suite = ET.Element("testsuite", name=_clean(f"underpaint gate {result.policy}"))
    for outcome in result.outcomes:
        if outcome.tier != "advisory" and (outcome.tier == "required" or outcome.verdict != "indeterminate"):
            _metric(suite, outcome)
    _controls(suite, result.controls)
    counts = {
        "tests": len(suite),
        "failures": len(suite.findall("testcase/failure")),
        "errors": len(suite.findall("testcase/error")),
        "skipped": 0,
    }
    suite.attrib.update({key: str(count) for key, count in counts.items()})
    root = ET.Element("testsuites", suite.attrib)
    root.append(suite)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'
