from __future__ import annotations

from typing import Any

from underpaint.stages.evaluate.page.sweep import sweep_page
from underpaint.stages.evaluate.record import Measurement, Report
from underpaint.stages.evaluate.sweep.record import Effect, Point, SweepReport

KID = "kid@x:1"


def page_of(report: Report, *, maybe: bool, effects: list[Effect]) -> str:
    def point(label: str, kid: float, **fields: Any) -> Point:
        metrics = [
            Measurement(id=KID, metric="kid", extractor="x:1", direction="lower", value=kid),
            Measurement(id="latency_p50_ms", metric="latency_p50_ms", direction="lower", value=50.0, unit="ms"),
        ]
        return Point(settings={}, label=label, metrics=metrics, **fields)

    made = SweepReport(
        created=report.created,
        command="underpaint sweep",
        subject=report.subject,
        protocol=report.protocol,
        environment={},
        quality=KID,
        points=[point("own settings", 0.1, on_front=True), point("steps 4", 0.11, maybe_on_front=maybe)],
        effects=effects,
    )
    return sweep_page(made.model_dump(mode="json"))


def test_a_cell_that_the_front_cannot_exclude_is_marked(report: Report):
    page = page_of(report, maybe=True, effects=[])
    assert "maybe front" in page and "steps 4 (maybe on the front)" in page and "Of the others, 1 may belong" in page
    plain = page_of(report, maybe=False, effects=[])
    assert "maybe" not in plain and "may belong" not in plain


def test_an_effect_has_its_error_and_says_when_it_is_within_chance(report: Report):
    proven = Effect(factor="steps", level=4.0, id=KID, mean=0.05, cells=2, se=0.01, p_holm=0.0001)
    page = page_of(report, maybe=False, effects=[proven])
    assert "+0.050 ± 0.010" in page and ">within chance<" not in page
    assert ">within chance<" in page_of(report, maybe=False, effects=[proven.model_copy(update={"p_holm": 0.4})])
    old = proven.model_copy(update={"se": None, "p_holm": None})
    assert ">within chance<" not in page_of(report, maybe=False, effects=[old])
