from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.artifact import verify
from underpaint.core.config import parse_json
from underpaint.core.errors import ArtifactError, InputError
from underpaint.stages.optimize.advise import queueing, run
from underpaint.stages.optimize.advise.advice import PUBLISHED, Advice, published_schema, schema_text
from underpaint.stages.optimize.advise.asked import Asked
from underpaint.stages.optimize.advise.figure import Figure
from underpaint.stages.optimize.advise.measured import Measured
from underpaint.stages.optimize.advise.page import page_of
from underpaint.stages.optimize.advise.prices import Prices
from underpaint.stages.optimize.advise.run import advise
from underpaint.stages.optimize.advise.text import described
from underpaint.stages.optimize.advise.training import cost_of_training, hours_told
from underpaint.stages.optimize.advise.wording import amount, spanned
from underpaint.stages.optimize.advise.writing import write_advice

DAY = date(2026, 1, 15)
ASKED = Asked(per_month=1e6, latency_ms=300.0, peak_to_mean=4.0)
Give = Callable[..., Advice]


@pytest.fixture
def give(
    tiny: Any, prices_values: dict[str, Any], make_measured: Callable[..., Measured], monkeypatch: pytest.MonkeyPatch
) -> Give:
    """Advise on the tiny model with a few replays."""
    few = queueing.promised

    def promised(measured: Measured, latency_ms: float, report: Any) -> queueing.Promise:
        return few(measured, latency_ms, report=report, replays=2)

    monkeypatch.setattr(run, "promised", promised)

    def call(*found: Measured, asked: Asked = ASKED, today: date = DAY, **changes: Any) -> Advice:
        prices = Prices.parse(prices_values | changes, source="test")
        mine = [one.model_copy(update={"model_digest": tiny.digest}) for one in found]
        return advise(asked, tiny, prices, mine, today)

    return call


def test_machines_are_whole_and_as_many_as_the_busiest_time_needs(
    give: Give, make_measured: Callable[..., Measured]
) -> None:
    row = give(make_measured(), asked=ASKED.model_copy(update={"per_month": 5e7})).rows[0]
    assert row.machines is not None
    assert row.rate is not None
    assert row.p95_ms is not None
    peak = 5e7 * 4 / (730.5 * 3600)
    assert row.machines.value == -(-peak // row.rate.value)
    assert row.p95_ms.value <= 300.0


def test_a_class_that_was_not_measured_has_no_figure_and_says_what_to_do(
    give: Give, make_measured: Callable[..., Measured]
) -> None:
    advice = give(make_measured())
    row = advice.rows[-1]
    assert (row.machine, row.status) == ("gpu", "not_measured")
    assert [name for name in type(row).model_fields if isinstance(getattr(row, name), Figure)] == []
    assert "--measure-only" in row.reason
    text = described(advice)
    assert "not measured" in text
    assert [curve.machine for curve in advice.curves] == ["server"]


def test_every_figure_has_an_interval_and_names_its_source(give: Give, make_measured: Callable[..., Measured]) -> None:
    even = ASKED.model_copy(update={"peak_to_mean": 1.0})
    advice = give(make_measured(), make_measured("cuda-sm90", 10.0), asked=even)
    for row in advice.rows:
        figures = [getattr(row, name) for name in type(row).model_fields if isinstance(getattr(row, name), Figure)]
        assert len(figures) >= 9
        assert all(one.sources and one.low <= one.value <= (one.high or one.value) for one in figures)
        assert row.p95_ms is not None
        for word in ("--volume", "--peak-to-mean", "--latency", "a x86-avx2" if row.machine == "server" else "sm90"):
            assert any(word in source for source in row.p95_ms.sources), word
    assert "gpu" in advice.sentence or "server" in advice.sentence
    assert [even.above for even in advice.break_evens] == ["server"]
    assert advice.break_evens[0].volume.sources


def test_a_latency_that_no_machine_keeps_is_refused_and_one_that_some_do_is_not(
    give: Give, make_measured: Callable[..., Measured]
) -> None:
    quick = ASKED.model_copy(update={"latency_ms": 20.0})
    with pytest.raises(InputError, match=r"(?s)no machine that was measured keeps 20 ms.*takes 50 ms.*--latency"):
        give(make_measured(), asked=quick)
    advice = give(make_measured(), make_measured("cuda-sm90", 5.0), asked=quick)
    assert [(row.machine, row.status) for row in advice.rows] == [("gpu", "ok"), ("server", "too_slow")]
    with pytest.raises(InputError, match="nothing to compare"):
        give(make_measured("arm-base"))


def test_where_no_cost_is_known_there_is_no_advice_and_of_one_of_two_there_is(
    give: Give, make_measured: Callable[..., Measured], prices_values: dict[str, Any]
) -> None:
    del prices_values["machines"][0]["busy_watts"]
    with pytest.raises(InputError, match=r"(?s)cost of no machine.*busy_watts neither stated nor counted"):
        give(make_measured())
    advice = give(make_measured(), make_measured("cuda-sm90", 10.0))
    assert [(row.machine, row.money is None) for row in advice.rows] == [("gpu", False), ("server", True)]
    assert [curve.machine for curve in advice.curves] == ["gpu"]
    assert advice.rows[0].reason == ""


def test_what_costs_nothing_has_a_page_too(
    give: Give, make_measured: Callable[..., Measured], prices_values: dict[str, Any]
) -> None:
    prices_values["electricity_per_kwh"]["value"] = 0.0
    prices_values["machines"][0]["purchase"]["value"] = 0.0
    page = page_of(give(make_measured()), "underpaint advise")
    assert page.count("<svg") == 2


def test_the_way_to_the_user_takes_its_part_of_the_latency(
    give: Give, make_measured: Callable[..., Measured], prices_values: dict[str, Any]
) -> None:
    near = give(make_measured())
    prices_values["machines"][0]["network_ms"] = {"value": 50.0, "high": 100.0, "source": "ping", "date": "2026-01-01"}
    far = give(make_measured())
    assert near.rows[0].rate is not None
    assert far.rows[0].rate is not None
    assert far.rows[0].p95_ms is not None
    assert far.rows[0].rate.value < near.rows[0].rate.value
    assert far.rows[0].p95_ms.low > 100.0 + 49.0


def test_the_training_stands_apart_and_is_shared_by_all_pictures_of_the_model_life(
    prices_values: dict[str, Any],
) -> None:
    prices = Prices.parse(prices_values, source="test")
    cost, _ = cost_of_training(ASKED, prices, {})
    assert cost is not None
    kwh = 100 * 140 / 1000 * 1.5
    assert cost.kwh is not None
    assert cost.kwh.value == pytest.approx(kwh)
    assert cost.money.value == pytest.approx(100 * 2400 / (4 * 8766) + kwh * 0.3)
    assert not any("carbon" in source for source in cost.money.sources)
    assert not any("electricity:" in source for source in cost.kwh.sources)
    assert any("--volume" in source for source in cost.money_per_1000.sources)
    assert cost.money_per_1000.value == pytest.approx(cost.money.value / (1e6 * 10 / 1000))
    del prices_values["training"]["hours"]
    told, _ = cost_of_training(ASKED, Prices.parse(prices_values, source="test"), {"flow": {"minutes": 90}})
    assert told is not None
    assert told.hours.value == 1.5
    nothing, why = cost_of_training(ASKED, Prices.parse(prices_values, source="test"), {})
    assert nothing is None
    assert "training.hours" in why


def test_hours_of_all_parts_are_added() -> None:
    assert hours_told({"a": {"minutes": 30}, "b": {"seconds": 1800}, "c": {"minutes": True}, "d": 5}) == 1.0


def test_example_prices_and_old_ones_are_pointed_out(give: Give, make_measured: Callable[..., Measured]) -> None:
    assert give(make_measured()).warnings == ()
    found = give(make_measured(noise=("others ran",)), today=date(2027, 6, 1), example=True).warnings
    assert [text.split(" ")[0] for text in found] == ["these", "11", "measured"]


def test_a_measurement_of_another_model_is_refused(
    tiny: Any, prices_values: dict[str, Any], make_measured: Callable[..., Measured]
) -> None:
    with pytest.raises(ArtifactError, match="not of"):
        advise(ASKED, tiny, Prices.parse(prices_values, source="test"), [make_measured()], DAY)


def test_the_folder_is_whole_and_its_record_is_read_back(
    give: Give, make_measured: Callable[..., Measured], tmp_path: Path
) -> None:
    advice = give(make_measured())
    write_advice(advice, tmp_path / "advice", command="underpaint advise <tiny>")
    manifest = verify(tmp_path / "advice", kind="advice")
    assert manifest.parents["model"] == advice.model_digest
    values = parse_json((tmp_path / "advice" / "advice.json").read_text())
    assert Advice.parse(values, source="test") == advice


def test_the_page_loads_nothing_and_escapes_what_people_wrote(
    give: Give, make_measured: Callable[..., Measured], prices_values: dict[str, Any], tmp_path: Path
) -> None:
    prices_values["machines"][1]["name"] = "<script>gpu</script>"
    advice = give(make_measured(), make_measured("cuda-sm90", 10.0))
    write_advice(advice, tmp_path / "advice", command="underpaint advise <tiny>")
    page = (tmp_path / "advice" / "advice.html").read_text()
    assert "&lt;script&gt;gpu" in page
    assert "<script>gpu" not in page
    assert "underpaint advise &lt;tiny&gt;" in page
    assert page.count("<svg") == 4  # two plots in two widths
    assert not any(word in page for word in ("src=", "@import", 'href="http', "url("))


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_schemas_are_those_of_the_records(name: str) -> None:
    assert schema_text(name).strip() != ""
    assert published_schema(name) == parse_json(schema_text(name))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (123456.0, "123,456"),
        (12.34, "12.3"),
        (0.01234, "0.0123"),
        (0.00001, "0.00001"),
        (3.814e-7, "0.000000381"),
        (99.96, "100"),
    ],
)
def test_amounts_have_three_digits(value: float, text: str) -> None:
    assert amount(value) == text


def test_an_interval_is_written_where_it_has_a_width() -> None:
    assert spanned(Figure(value=2.0, low=2.0, high=2.0)) == "2"
    assert spanned(Figure(value=2.0, low=1.0, high=3.0)) == "2 (1 to 3)"
    assert spanned(Figure(value=2.0, low=1.0)) == "2 (from 1)"
    assert spanned(None) == "–"
