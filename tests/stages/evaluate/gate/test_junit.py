from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from underpaint.stages.evaluate.gate.junit import junit
from underpaint.stages.evaluate.gate.run import run_gate
from underpaint.stages.evaluate.gate.text import number, summary

Make = Callable[..., Path]


def test_failures_and_errors_are_told_apart(evaluation: Make, policy: Callable[..., Any]) -> None:
    folder = evaluation("b", fd=0.4, own_seed=2, edit=lambda r: r["metrics"][1].update(status="failed", value=None))
    suite = ET.fromstring(junit(run_gate(folder, evaluation("a"), policy())))[0]
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "2", "failures": "1", "errors": "1", "skipped": "0",
    }  # fmt: skip
    assert [case.get("name") for case in suite] == [
        "fd_pca16@evaluator-64:0a1b2c3d",
        "r_precision@evaluator-64:0a1b2c3d",
    ]
    assert suite[0][0].tag == "failure"
    assert (suite[1][0].tag, suite[1][0].get("type")) == ("error", "indeterminate")


def test_a_pass_has_its_numbers_beside_it(evaluation: Make, policy: Callable[..., Any]) -> None:
    folder = evaluation()
    suite = ET.fromstring(junit(run_gate(folder, folder, policy())))[0]
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    assert "required fd_pca16@evaluator-64:0a1b2c3d: pass" in (suite[0].findtext("system-out") or "")


def test_controls_that_do_not_hold_are_errors(evaluation: Make, policy: Callable[..., Any]) -> None:
    folder = evaluation(null_delta=0.1, bad_delta=0.0)
    controls = {"null": {"seed_sets": 1}, "known_bad": ["jpeg_10", "two_steps"]}
    suite = ET.fromstring(junit(run_gate(folder, folder, policy(controls=controls))))[0]
    names = [case.get("name") for case in suite if case.find("error") is not None]
    assert names == [
        "null control: fd_pca16@evaluator-64:0a1b2c3d",
        "null control: r_precision@evaluator-64:0a1b2c3d",
        "known-bad control: jpeg_10",
        "control: two_steps",
    ]


def test_letters_that_xml_cannot_hold_are_left_out(evaluation: Make, policy: Callable[..., Any]) -> None:
    folder = evaluation("b", edit=lambda r: r["metrics"][0].update(status="failed", value=None, message="\x00<&\x1b"))
    suite = ET.fromstring(junit(run_gate(folder, evaluation("a"), policy())))[0]
    assert suite[0][0].get("message") == "b: failed: <&"


def test_a_summary_has_about_ten_lines(evaluation: Make, policy: Callable[..., Any]) -> None:
    folder = evaluation()
    lines = summary(run_gate(folder, folder, policy())).splitlines()
    assert len(lines) <= 10
    assert "  pass          required   fd_pca16@evaluator-64:0a1b2c3d: worse by 0" in lines[1]
    assert "controls: 1 null holds, 1 of 1 known-bad caught" in lines


def test_numbers_show_the_digits_that_their_error_supports() -> None:
    assert number(0.123456, 0.01) == "0.123"
    assert number(1234.5, 20.0) == "1234"
    assert number(0.123456) == "0.1235"
    assert number(None) == "?"
