"""A month's figures against arithmetic on paper: 730.5 hours, and ten pictures a second that one machine can draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from underpaint.stages.optimize.advise.break_even import break_even, break_evens, volumes_around
from underpaint.stages.optimize.advise.figure import Figure
from underpaint.stages.optimize.advise.measured import Measured, Power
from underpaint.stages.optimize.advise.month import Costing, chosen_peak, chosen_volume, inputs_of, month, used_by
from underpaint.stages.optimize.advise.prices import Prices
from underpaint.stages.optimize.advise.queueing import Promise, Replays

HOURS = 730.5
TEN = Figure(value=10.0, low=10.0, high=12.5, unit="1/s", sources=("measured",))


def costing_of(
    values: dict[str, Any], measured: Measured, which: int = 0, peak: float = 2.0, rate: Figure = TEN
) -> Costing:
    prices = Prices.parse(values, source="test")
    promise = Promise(rate=rate, cap=1, replays=Replays(measured, 1000.0, 0, replays=1, requests=10))
    machine = prices.machines[which]
    return Costing(machine=machine, inputs=inputs_of(machine, measured, promise, prices), peak_to_mean=peak)


def test_an_own_machine_costs_its_share_and_the_electricity_of_rest_and_work(
    prices_values: dict[str, Any], make_measured: Callable[..., Measured]
) -> None:
    costing = costing_of(prices_values, make_measured())
    volume = 10.0 * HOURS * 3600  # mean 10 a second, peak 20: two machines, busy half of the time in all
    given = {name: figure.value for name, figure in costing.inputs.items()}
    found = month(costing.machine, given, volume, 2.0)
    drawn_h = volume * 0.05 / 3600
    rest_kwh, drawn_kwh = 1.5 * 2 * HOURS * 40 / 1000, 1.5 * drawn_h * 100 / 1000
    assert found.machines == 2
    assert found.standing == pytest.approx(2 * 2400 / 48 + rest_kwh * 0.3)
    assert found.drawing == pytest.approx(drawn_kwh * 0.3)
    assert found.kwh == pytest.approx(rest_kwh + drawn_kwh)
    assert found.kg == pytest.approx((rest_kwh + drawn_kwh) * 0.3)
    assert found.kg_made == pytest.approx(2 * 960 / 48)


def bought(machine: dict[str, Any]) -> None:
    machine["electricity"] = "paid"


def there_anyway(machine: dict[str, Any]) -> None:
    for name in ("purchase", "life_years", "embodied_kg", "pue"):
        del machine[name]
    machine["dedicated"] = False


def rented(machine: dict[str, Any]) -> None:
    for name in ("purchase", "life_years", "embodied_kg"):
        del machine[name]
    machine["per_hour"] = {"value": 2.0, "source": "an offer", "date": "2026-01-01"}


def rented_without_current(machine: dict[str, Any]) -> None:
    rented(machine)
    machine["electricity"] = "paid"


def billed_by_work(machine: dict[str, Any]) -> None:
    rented(machine)
    machine["billed"] = "busy"


@pytest.mark.parametrize("change", [bought, there_anyway, rented, rented_without_current, billed_by_work])
def test_a_figure_names_an_input_if_and_only_if_it_changes_with_it(
    prices_values: dict[str, Any], make_measured: Callable[..., Measured], change: Callable[[dict[str, Any]], None]
) -> None:
    change(prices_values["machines"][0])
    costing = costing_of(prices_values, make_measured())
    given = {name: figure.value for name, figure in costing.inputs.items()}
    volume = 30.0 * HOURS * 3600
    before = month(costing.machine, given, volume, 2.0)
    for figure, used in used_by(costing.machine).items():
        if figure == "kg_made" and "embodied_kg" not in given:
            continue
        for name, value in given.items():
            after = month(costing.machine, given | {name: value * 0.7}, volume, 2.0)
            assert (getattr(after, figure) != getattr(before, figure)) == (name in used), (figure, name)
        sources = costing.sources(figure, chosen_volume(volume))
        inputs = {source for name in used & given.keys() for source in costing.inputs[name].sources}
        others = {source for one in costing.inputs.values() for source in one.sources} - inputs
        assert inputs <= set(sources)
        assert not others & set(sources)
        assert (chosen_peak(2.0).sources[0] in sources) == ("rate" in used)
        assert (chosen_volume(volume).sources[0] in sources) == bool(used)
        assert sources


def test_what_is_billed_by_work_costs_nothing_at_rest(
    prices_values: dict[str, Any], make_measured: Callable[..., Measured]
) -> None:
    costing = costing_of(prices_values, make_measured("cuda-sm90", 10.0), 1)
    figures = costing.figures(360_000.0, "EUR")
    money, standing, kwh = (figures[name] for name in ("money", "standing", "kwh"))
    assert money is not None
    assert standing is not None
    assert kwh is not None
    assert standing.value == 0.0
    assert money.value == pytest.approx(360_000 * 0.010 / 3600 * 2.0)  # its electricity is in the price
    assert kwh.value == pytest.approx(1.0 * 500 / 1000)


def test_of_a_machine_that_is_there_anyway_only_what_drawing_adds_is_counted(
    prices_values: dict[str, Any], make_measured: Callable[..., Measured]
) -> None:
    server = prices_values["machines"][0]
    for name in ("purchase", "life_years", "embodied_kg", "pue"):
        del server[name]
    server["dedicated"] = False
    figures = costing_of(prices_values, make_measured()).figures(72_000.0, "EUR")
    assert figures["kwh"] is not None
    assert figures["kwh"].value == pytest.approx(1.0 * 100 / 1000)
    assert figures["standing"] is not None
    assert figures["standing"].value == 0.0


def test_counted_power_comes_before_stated(
    prices_values: dict[str, Any], make_measured: Callable[..., Measured], counted: Power
) -> None:
    costing = costing_of(prices_values, make_measured(power=counted))
    assert [costing.inputs[f"{name}_watts"].value for name in ("idle", "busy")] == [20.0, 60.0]
    assert "package-0 alone" in costing.inputs["busy_watts"].sources[0]


def test_without_power_energy_is_unknown_and_so_is_money_where_it_is_paid(
    prices_values: dict[str, Any], make_measured: Callable[..., Measured]
) -> None:
    for machine in prices_values["machines"]:
        machine.pop("busy_watts")
    own = costing_of(prices_values, make_measured()).figures(1000.0, "EUR")
    rented = costing_of(prices_values, make_measured("cuda-sm90"), 1).figures(1000.0, "EUR")
    assert (own["kwh"], own["kg"], own["money"]) == (None, None, None)
    assert rented["kwh"] is None
    assert rented["money"] is not None


def test_money_of_a_month_grows_with_the_volume_and_its_ends_enclose_it(
    prices_values: dict[str, Any], make_measured: Callable[..., Measured]
) -> None:
    prices_values["machines"][0]["purchase"] |= {"low": 2000.0, "high": 3000.0}
    value, low, high = costing_of(prices_values, make_measured()).curve(volumes_around(1e6))
    assert (np.diff(value) >= 0).all()
    assert (low <= value).all()
    assert (value <= high).all()


def test_machines_are_whole_and_fewer_where_one_can_do_more(
    prices_values: dict[str, Any], make_measured: Callable[..., Measured]
) -> None:
    volume = 12.0 * HOURS * 3600  # peak of 24 a second
    machines = costing_of(prices_values, make_measured()).figures(volume, "EUR")["machines"]
    assert machines is not None
    assert (machines.value, machines.low, machines.high) == (3.0, 2.0, 3.0)


def test_the_break_even_volume_is_that_of_the_formula_while_one_machine_is_enough(
    prices_values: dict[str, Any], make_measured: Callable[..., Measured]
) -> None:
    fast = TEN.model_copy(update={"value": 1000.0, "low": 1000.0, "high": 1000.0})
    own = costing_of(prices_values, make_measured(), rate=fast)
    gpu = costing_of(prices_values, make_measured("cuda-sm90", 10.0), 1)
    found = break_even(own, gpu, volumes_around(1e6))
    assert found is not None
    standing = 2400 / 48 + 1.5 * HOURS * 40 / 1000 * 0.3
    own_each, gpu_each = 0.05 / 3600 * 1.5 * 100 / 1000 * 0.3, 0.010 / 3600 * 2.0
    assert (found.below, found.above) == ("gpu", "server")
    assert found.volume.value == pytest.approx(standing / (gpu_each - own_each), rel=1e-6)
    assert found.volume.high is not None
    assert break_evens([own, gpu], volumes_around(1e6)) == [found]
    assert break_even(gpu, own, volumes_around(1e6)) == found


def test_wide_prices_leave_a_break_even_that_is_never_sure(
    prices_values: dict[str, Any], make_measured: Callable[..., Measured]
) -> None:
    prices_values["machines"][1]["per_hour"] |= {"low": 0.001, "high": 9.0}
    own = costing_of(prices_values, make_measured())
    gpu = costing_of(prices_values, make_measured("cuda-sm90", 10.0), 1)
    found = break_even(own, gpu, volumes_around(1e6))
    assert found is not None
    assert found.volume.high is None
    assert found.volume.low < found.volume.value


def test_equal_machines_do_not_change_places(
    prices_values: dict[str, Any], make_measured: Callable[..., Measured]
) -> None:
    own = costing_of(prices_values, make_measured())
    assert break_even(own, own, volumes_around(1e6)) is None
