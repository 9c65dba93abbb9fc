"""The gate as a judge: it tells whether it could accept anything, which planted copies pass, and what changed."""

from __future__ import annotations

from typing import Any

import pytest

from underpaint.cli.optimize_judge import TRIED, _change, _problems, _told, _verdict_on
from underpaint.core.optimization import Change
from underpaint.core.policy import Controls, Policy
from underpaint.stages.evaluate.gate.run import _notes
from underpaint.stages.evaluate.gate.verdict import ControlMatrix, ControlOutcome, GateResult, Outcome, Side

SIDE = Side(name="m", identity="0" * 64, evaluation="1" * 64, created="2026-01-01T00:00:00+00:00")


def outcome(id_: str, **fields: Any) -> Outcome:
    return Outcome.model_validate(
        {"id": id_, "tier": "required", "mode": "non_inferiority", "z": 1.6, "look": 1, **fields}
    )


def control(name: str, id_: str, verdict: str) -> ControlOutcome:
    values = {"control": name, "kind": "known_bad", "id": id_, "delta": 0.2, "low": 0.1, "high": 0.3}
    return ControlOutcome.model_validate({**values, "verdict": verdict})


def result(**matrix: Any) -> GateResult:
    outcomes = (outcome("fd"), outcome("kid"), outcome("recall", tier="supporting"))
    return GateResult(
        verdict="indeterminate",
        exit_code=2,
        candidate=SIDE,
        baseline=SIDE,
        policy="p",
        policy_digest="2" * 64,
        look=1,
        looks=1,
        outcomes=outcomes,
        controls=ControlMatrix(**matrix),
    )


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ({"fd": "pass", "kid": "pass"}, "pass"),
        ({"fd": "pass", "kid": "fail"}, "fail"),
        ({"fd": "pass", "kid": "indeterminate"}, "indeterminate"),
        ({"fd": "pass", "kid": "pass", "recall": "fail"}, "pass"),
        ({"recall": "pass"}, "indeterminate"),
        ({}, "indeterminate"),
    ],
)
def test_a_planted_copy_passes_if_all_required_metrics_do(verdicts: dict[str, str], expected: str) -> None:
    found = result(outcomes=tuple(control("int3", id_, verdict) for id_, verdict in verdicts.items()))
    assert _verdict_on("int3", found) == expected


def test_what_could_accept_nothing_is_said_of_planted_copies_as_of_the_policy_s_own_controls() -> None:
    assert list(_problems(result())) == []
    said = list(_problems(result(untrusted=("fd",), insensitive=("jpeg_10", "skip"), missing=("blur_2", "int3"))))
    assert said == [
        "with other seeds the model does not pass against itself on fd",
        "no required metric fails on jpeg_10, skip",
        "the controls blur_2, int3 could not be drawn",
    ]


@pytest.mark.parametrize(
    "fields", [{}, {"delta": 1.0, "low": None, "high": 2.0}, {"delta": 1.0, "low": float("-inf"), "high": 2.0}]
)
def test_a_metric_without_numbers_has_no_change(fields: dict[str, Any]) -> None:
    assert _change(outcome("fd", **fields)) is None


def test_a_change_keeps_its_margin() -> None:
    found = _change(outcome("fd", delta=0.01, low=-0.02, high=0.04, n=880, margin=0.1))
    assert found == Change(delta=0.01, low=-0.02, high=0.04, n=880, margin=0.1)


def test_a_verdict_tells_of_the_controls_that_were_tried_before_and_not_that_there_are_none() -> None:
    bare = Policy.model_construct(controls=Controls())
    found = result().model_copy(update={"notes": tuple(_notes(False, bare))})
    assert len(found.notes) == 2
    assert _told(found)["notes"] == [found.notes[0], TRIED]
    assert GateResult.model_validate(_told(found)).verdict == found.verdict
