from __future__ import annotations

from typing import Any

import pytest

from underpaint.stages.evaluate.record import Bounds, ControlRecord, Measurement
from underpaint.stages.evaluate.scores import findings


def number(metric: str, value: float | None, **fields: Any) -> Measurement:
    return Measurement(id=f"{metric}@x:1", metric=metric, value=value, **fields)


def control(name: str, delta: float, *, kind: str = "known_bad", id_: str = "kid@x:1", **fields: Any) -> ControlRecord:
    return ControlRecord.model_validate(
        {"control": name, "kind": kind, "id": id_, "delta": delta, "se": 1.0, "n": 100, **fields}
    )


def test_composition_names_interval_and_ceiling_where_there_are_any():
    interval = Bounds(low=0.2, high=0.3, method="test")
    full = findings.composition_finding([number("composition_accuracy", 0.25, interval=interval, ceiling=0.8)])
    assert "25 % come out right (95 % interval 20 % to 30 %)" in full and "accept 80 % of the real" in full
    bare = findings.composition_finding([number("composition_accuracy", 0.25)])
    assert bare == "Of combinations that training never showed, 25 % come out right."
    open_ended = Bounds(low=None, high=0.3, method="test")
    text = findings.composition_finding([number("composition_accuracy", 0.25, interval=open_ended)])
    assert "unknown to 30 %" in text


def levels(*pairs: tuple[float | None, float | None]) -> list[Measurement]:
    return [
        number("composition_accuracy", value, ceiling=ceiling, group=f"level=l{index}")
        for index, (value, ceiling) in enumerate(pairs)
    ]


def test_the_weakest_level_is_the_one_furthest_from_its_own_ceiling():
    text = findings.weakest_finding(levels((0.3, 0.9), (0.25, 0.4), (0.6, 0.9)))
    assert "weakest kind of combination is 'l0' (30 % right, real drawings 90 %)" in text
    assert "strongest is 'l2'" in text


@pytest.mark.parametrize(
    "found",
    [
        levels((0.3, 0.9), (0.5, 0.9)),
        levels((0.3, 0.9), (0.5, 0.9), (0.1, 0.2)),  # judged too badly to be worth a sentence
        levels((0.3, 0.9), (0.5, 0.9), (None, 0.9)),
        levels((0.3, 0.9), (0.5, 0.9), (0.5, None)),
    ],
)
def test_few_levels_that_can_be_judged_are_no_finding(found):
    assert findings.weakest_finding(found) == ""


def test_the_attribute_furthest_below_its_ceiling_is_named_not_the_lowest_one():
    text = findings.head_finding(
        [
            number("tone_accuracy", 0.4, ceiling=0.45, se=0.01),
            number("color_accuracy", 0.6, ceiling=0.9, se=0.01),
            number("composition_accuracy", 0.1, ceiling=0.9, se=0.01),
            number("attribute_accuracy", 0.1, ceiling=0.9, se=0.01),
            number("style_accuracy", 0.0, ceiling=0.9, se=0.01, group="style=flat"),
            number("gender_accuracy", None, ceiling=0.9),
        ]
    )
    assert text.startswith("Furthest below what real drawings reach is the color: right in 60 %")
    assert "against 90 % on real drawings" in text


def test_a_gap_within_chance_is_no_fault_and_no_ceiling_is_no_finding():
    text = findings.head_finding([number("color_accuracy", 0.88, ceiling=0.9, se=0.02)])
    assert text.startswith("No single attribute stands out")
    assert findings.head_finding([number("color_accuracy", 0.5)]) == ""


@pytest.mark.parametrize(
    ("precision", "recall", "said"),
    [
        (0.8, 0.3, "parts of the real variety are missing"),
        (0.3, 0.8, "does not look real"),
        (0.5, 0.52, "weigh about the same"),
    ],
)
def test_precision_and_recall_are_weighed(precision, recall, said):
    text = findings.balance_finding([number("precision", precision), number("recall", recall)])
    assert said in text and f"Precision is {precision:.2f} and recall {recall:.2f}" in text


def test_precision_alone_is_no_finding():
    assert findings.balance_finding([number("precision", 0.5)]) == ""
    assert findings.balance_finding([number("precision", 0.5), number("recall", None, status="too_few")]) == ""


@pytest.mark.parametrize(("low", "flagged"), [(0.01, True), (0.0, False), (-0.01, False), (None, False)])
def test_copies_are_flagged_only_beyond_chance(low, flagged):
    interval = Bounds(low=low, high=0.1, method="test")
    text = findings.novelty_finding([number("nearest_ratio_flagged", 0.05, interval=interval)])
    assert ("Look at the pairs" in text) is flagged and ("within chance" in text) is not flagged


def test_copies_without_a_number_are_no_finding():
    assert findings.novelty_finding([number("nearest_ratio_flagged", None, status="too_few")]) == ""


def test_speed_adds_what_is_known():
    warm = number("latency_p50_ms", 51.2)
    assert findings.speed_finding([warm]) == "A picture takes 51 ms."
    more = [warm, number("latency_cold_ms", 1234.0), number("cost_per_1000", 0.012, unit="EUR")]
    expected = "A picture takes 51 ms, the first one 1.2 s from the shell; 1,000 pictures cost about 0.012 EUR"
    assert findings.speed_finding(more) == f"{expected} at the prices given."
    missing = [warm, number("latency_cold_ms", None, status="too_few"), number("cost_per_1000", None, status="failed")]
    assert findings.speed_finding(missing) == "A picture takes 51 ms."
    assert findings.speed_finding(more[1:]) == ""


def test_noticed_faults_are_named_in_singular_and_plural():
    one = findings.control_finding([control("blur_2", 9.0)])
    assert one == "The control holds: the fault that was put in on purpose (blur_2) is noticed."
    two = findings.control_finding([control("blur_2", 9.0), control("jpeg_10", 9.0)])
    assert two == "The controls hold: every fault that was put in on purpose (blur_2, jpeg_10) is noticed."


def test_missed_faults_are_named_in_singular_and_plural():
    one = findings.control_finding([control("blur_2", 0.5), control("jpeg_10", 9.0)])
    assert one == "The numbers do not notice this fault: blur_2. Do not rely on them for such a change."
    two = findings.control_finding([control("blur_2", 0.5), control("jpeg_10", -9.0)])  # better is not noticed
    assert two == "The numbers do not notice these faults: blur_2, jpeg_10. Do not rely on them for such changes."


def test_where_higher_is_better_a_fall_is_noticed():
    fallen = control("shuffled_prompts", -9.0, id_="r_precision@x:1")
    assert "holds" in findings.control_finding([fallen])
    risen = fallen.model_copy(update={"delta": 9.0})
    assert "do not notice" in findings.control_finding([risen])


def test_the_more_numbers_are_looked_at_the_further_one_must_move():
    alone = [control("blur_2", 2.5)]
    assert "holds" in findings.control_finding(alone)
    among_many = alone + [control("blur_2", 0.0, group=f"level={n}") for n in range(30)]
    assert "do not notice" in findings.control_finding(among_many)
    exact = [control("blur_2", 9.0, se=0.0)]  # an error of 0 proves nothing
    assert "do not notice" in findings.control_finding(exact)


def null(delta: float, name: str = "kid", **fields: Any) -> ControlRecord:
    return control("null-1", delta, kind="null", id_=f"{name}@x:1", **fields)


def test_a_null_control_that_moved_is_said_in_singular_and_plural():
    one = findings.control_finding([null(-3.6)])
    assert one.startswith("With other seeds alone, this number moved by more than 3.5 standard errors: kid@x:1.")
    assert "its error is too small" in one
    two = findings.control_finding([null(4.0), null(4.0, "fd", group="style=flat"), null(0.0, "recall")])
    assert "these numbers moved" in two and "kid@x:1, fd@x:1 (style=flat)." in two and "their errors are" in two
    both = findings.control_finding([null(4.0), control("blur_2", 9.0)])
    assert "other seeds" in both and "The control holds" in both


def test_a_null_control_within_chance_is_silent():
    assert findings.control_finding([null(3.4)]) == "" and findings.control_finding([null(3.4, se=0.0)]) == ""
    many = [null(3.6), *(null(0.0, group=f"level={n}") for n in range(200))]
    assert findings.control_finding(many) == ""  # 3.6 of 201 numbers is chance
    assert "moved by more than 3.7" in findings.control_finding([null(4.0), *many[1:]])


def test_findings_come_in_order_and_silence_is_left_out():
    metrics = [number("latency_p50_ms", 51.2), number("composition_accuracy", 0.25)]
    found = findings.findings_of(metrics, [control("blur_2", 9.0)])
    assert [text.split()[0] for text in found] == ["Of", "A", "The"]
    assert findings.findings_of([], []) == []
