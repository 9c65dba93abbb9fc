from __future__ import annotations

import json

import numpy as np
from safetensors.numpy import load_file

from underpaint.core.errors import DegenerateSamples, NotApplicable, TooFewSamples
from underpaint.metrics.estimate import Estimate, symmetric_interval
from underpaint.stages.evaluate.scores.ledger import INFLUENCE, ORDER, Ledger, attempt, measurement_of


def estimate(value: float = 0.25) -> Estimate:
    rows = np.array([0.5, -0.5, 0.0])
    return Estimate(
        value=value,
        n=3,
        m=2,
        se=0.1,
        interval=symmetric_interval(value, 0.1, method="tests"),
        influence=rows,
        reference_influence=np.array([1.0, -1.0]),
    )


def fails(error: Exception):
    def compute() -> Estimate:
        raise error

    return compute


def test_a_number_keeps_its_interval_unit_direction_and_version():
    made = measurement_of(attempt("kid", estimate, images=["a", "b", "c"], extractor="x:1", reference="r"))
    assert (made.id, made.value, made.direction, made.status) == ("kid@x:1", 0.25, "lower", "ok")
    assert made.interval is not None and made.interval.method == "tests" and made.interval.level == 0.95
    assert made.key == ("kid@x:1", "", 1, "r")


def test_what_cannot_be_computed_stays_with_its_reason_and_without_a_value():
    cases = {
        "too_few": TooFewSamples("needs 100"),
        "degenerate": DegenerateSamples("NaN in row 3"),
        "not_applicable": NotApplicable("no words"),
        "failed": np.linalg.LinAlgError("did not converge"),
    }
    for status, error in cases.items():
        made = measurement_of(attempt("kid", fails(error), images=["a"]))
        assert (made.status, made.value, made.message) == (status, None, str(error))


def test_a_value_that_is_not_finite_is_no_value():
    made = measurement_of(attempt("kid", lambda: estimate(float("nan")), images=["a"]))
    assert made.status == "degenerate" and made.value is None


def test_influences_come_back_in_order(tmp_path):
    ledger = Ledger()
    common = {"extractor": "x:1", "group": "style=flat", "reference_clusters": ["heart", "apple"]}
    ledger.add([attempt("kid", estimate, images=["a", "b", "c"], **common)])
    ledger.add([attempt("recall", fails(TooFewSamples("no")), images=["a"])])
    ledger.write(tmp_path)
    stored, order = load_file(tmp_path / INFLUENCE), json.loads((tmp_path / ORDER).read_text())
    assert stored["kid@x:1|style=flat"].tolist() == [0.5, -0.5, 0.0]
    assert stored["reference|kid@x:1|style=flat"].tolist() == [1.0, -1.0]
    assert order == {
        "kid@x:1|style=flat": ["a", "b", "c"],
        "reference|kid@x:1|style=flat": ["heart", "apple"],
    }
    assert [m.metric for m in ledger.measurements] == ["kid", "recall"]
