from __future__ import annotations

import json

import pytest

from underpaint.core.errors import InputError
from underpaint.metrics.estimate import Interval
from underpaint.stages.evaluate.efficiency import cost
from underpaint.stages.evaluate.efficiency.outcome import measured, refused
from underpaint.stages.evaluate.efficiency.prices import EXAMPLE, Prices, read_prices
from underpaint.stages.evaluate.record import Measurement, Method


def between(low: float, high: float) -> Interval:
    return Interval(low=low, high=high, level=0.95, method="test")


THROUGHPUT = measured("throughput_at_slo_per_s", 10.0, n=59, interval=between(10.0, 20.0))


def energy(method: Method = "counter") -> Measurement:
    return measured("energy_j_per_image", 3600.0, n=5, interval=between(1800.0, 7200.0), energy_method=method)


@pytest.fixture
def prices() -> Prices:
    return read_prices().model_copy(update={"machine_per_hour": 1.8, "utilization": 0.5, "per_kwh": 0.2, "pue": 1.5})


def test_the_cost_is_the_plans_formula_with_the_worst_ends(prices):
    one = cost.cost_of_pictures(THROUGHPUT, energy(), prices)
    assert one.value == pytest.approx(1000 * 1.8 / (3600 * 10 * 0.5) + 1.0 * 0.2)
    assert one.interval is not None
    assert one.interval.low == pytest.approx(0.05 + 0.1) and one.interval.high == pytest.approx(0.1 + 0.4)
    assert one.unit == "USD" and "example prices of 2025" in one.message and one.energy_method == "counter"


def test_energy_is_not_needed_where_the_machine_includes_it(prices):
    free = prices.model_copy(update={"per_kwh": 0.0})
    missing = refused("energy_j_per_image", "too_few", "windows too short")
    assert cost.cost_of_pictures(THROUGHPUT, missing, free).value == pytest.approx(0.1)
    one = cost.cost_of_pictures(THROUGHPUT, missing, prices)
    assert one.status == "too_few" and "windows too short" in one.message


def test_no_throughput_is_no_cost(prices):
    none = measured("throughput_at_slo_per_s", 0.0, n=59, interval=between(0.0, 1.0), message="no rate")
    one = cost.cost_of_pictures(none, energy(), prices)
    assert one.status == "not_applicable" and one.value is None and "no rate" in one.message


def test_carbon_is_energy_times_building_times_grid(prices):
    one = cost.carbon_of_pictures(energy("modelled"), prices)
    assert one.value == pytest.approx(1.0 * 1.5 * 480.0) and one.energy_method == "modelled"
    assert one.interval is not None and one.interval.low == pytest.approx(360.0)
    assert "world 2023" in one.message


def test_training_counts_the_hours_of_the_manifest(prices):
    figures = {"tokenizer": {"minutes": 30.0}, "generator": {"seconds": 3600.0, "parameters": {"minutes": 9}}, "n": 3}
    assert cost.training_hours(figures) == {"tokenizer": 0.5, "generator": 1.0}
    assert cost.cost_of_training(figures, prices).value == pytest.approx(1.5 * 1.8)
    dearer = prices.model_copy(update={"training_machine_per_hour": 4.0})
    assert cost.cost_of_training(figures, dearer).value == pytest.approx(6.0)
    assert cost.cost_of_training({}, prices).status == "not_applicable"


def test_breaking_even():
    assert cost.break_even_images(10.0, 1.0, 2.0) == pytest.approx(10_000)
    assert cost.break_even_images(10.0, 2.0, 1.0) is None
    assert cost.break_even_images(0.0, 1.0, 1.0) == 0.0
    assert cost.break_even_images(5.0, 1.0, 1.0) is None


def test_details_say_when_drawing_has_cost_as_much_as_training(prices):
    details = cost.measure_cost(THROUGHPUT, energy(), {"minutes": 60.0}, prices).details
    assert details["cost"]["images_that_cost_as_much_as_training"] == pytest.approx(1.8 / 0.3 * 1000)
    assert details["carbon"]["year"] == 2023


def test_the_example_says_that_it_is_one():
    prices = read_prices()
    assert prices.example and "replace" in prices.note and prices.carbon.source and prices.pue_source


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"utilization": 0.0}, "utilization"),
        ({"utilization": 1.2}, "utilization"),
        ({"currency": "dollars"}, "currency"),
        ({"machine_per_hour": -1.0}, "machine_per_hour"),
        ({"date": "soon"}, "date"),
        ({"pue": 0.9}, "pue"),
        ({"discount": 0.1}, "discount"),
        ({"schema_id": "underpaint.prices/2"}, "schema_id"),
    ],
)
def test_impossible_prices_are_refused_by_name(tmp_path, change, message):
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(json.loads(EXAMPLE.read_text()) | change))
    with pytest.raises(InputError, match=message):
        read_prices(path)


@pytest.mark.parametrize("text", [None, "{", "[]", "NaN"])
def test_what_is_no_file_of_prices_is_refused(tmp_path, text):
    path = tmp_path / "prices.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match="no file of prices"):
        read_prices(path)
