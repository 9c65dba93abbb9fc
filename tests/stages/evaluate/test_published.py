from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from underpaint.stages.evaluate.published import published_schema, report_schema, text_of
from underpaint.stages.evaluate.record import Bounds, ControlRecord, Curve, Measurement, Protocol, Report, SubjectRecord

SUBJECT = {"name": "m", "identity": "0" * 64, "kind": "model"}
PROTOCOL = {"prompts_digest": "0" * 64, "num_prompts": 1, "num_seeds": 1, "suite": "quick", "size": 64}
SMALLEST = {"created": "", "command": "", "subject": SUBJECT, "protocol": PROTOCOL, "metrics": []}
KID = {"id": "kid", "metric": "kid", "value": 0.1}


def with_metric(**more: Any) -> dict[str, Any]:
    return {**SMALLEST, "metrics": [{**KID, **more}]}


def problems(value: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(published_schema())
    return [error.message for error in validator.iter_errors(value)]


def test_the_published_schema_is_the_one_of_the_records() -> None:
    assert text_of(published_schema()) == text_of(report_schema()), "python -m underpaint.stages.evaluate.published"
    jsonschema.Draft202012Validator.check_schema(published_schema())


def test_a_whole_report_is_valid() -> None:
    report = Report(
        created="2026-01-02T03:04:05Z",
        command="underpaint evaluate",
        subject=SubjectRecord.model_validate(SUBJECT),
        protocol=Protocol.model_validate(PROTOCOL),
        metrics=[
            Measurement(id="kid", metric="kid", value=0.1, interval=Bounds(low=None, high=0.2, method="x")),
            Measurement(id="mind", metric="mind", status="too_few", message="too few"),
        ],
        curves=[Curve(id="c", kind="n", x=[1], y=[2])],
        controls=[ControlRecord(control="null-1", kind="null", id="kid", delta=0.0, se=0.1, n=9)],
        efficiency={"latency": {"p50": 1.0}},
    )
    assert problems(json.loads(report.model_dump_json())) == []


@pytest.mark.parametrize(
    "value", [SMALLEST, with_metric(), with_metric(interval={"low": None, "high": 1, "method": ""})]
)
def test_what_the_schema_accepts_the_records_accept(value: dict[str, Any]) -> None:
    assert problems(value) == []
    assert problems(json.loads(Report.model_validate(value).model_dump_json())) == []


@pytest.mark.parametrize(
    "value",
    [
        {},
        {**SMALLEST, "extra": 1},
        {**SMALLEST, "schema_id": "underpaint.evaluation/2"},
        with_metric(status="fine"),
        with_metric(direction="up"),
        with_metric(value="much"),
        with_metric(interval={"low": 0}),
    ],
)
def test_what_one_side_refuses_the_other_refuses(value: dict[str, Any]) -> None:
    assert problems(value)
    with pytest.raises(ValidationError):
        Report.model_validate(value)
