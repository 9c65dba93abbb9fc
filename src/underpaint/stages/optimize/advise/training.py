"""What the training of a model costs, apart from drawing with it: hours times the machine's hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from underpaint.stages.optimize.advise.advice import TrainingCost
from underpaint.stages.optimize.advise.asked import HOURS, Asked
from underpaint.stages.optimize.advise.figure import Figure, exactly, worked_out
from underpaint.stages.optimize.advise.month import chosen_volume
from underpaint.stages.optimize.advise.prices import Machine, Prices

PER_HOUR: dict[str, float] = {"minutes": 60.0, "seconds": 3600.0}
"""Key of a manifest that tells a duration, to how many of its units make an hour."""
HAVING = ("hours", "per_hour", "purchase", "life_years")
"""Inputs of what the machine costs."""
ENERGY = ("hours", "watts", "pue")
"""Inputs of its energy."""


def hours_told(figures: Mapping[str, Any]) -> float:
    """Return the hours that the parts of a training took, as a model's manifest tells; 0 if it does not.

    Args:
        figures: Of the manifest; parts may lie one level deeper.
    """
    parts = [figures, *(part for part in figures.values() if isinstance(part, dict))]
    return sum(_hours(part) for part in parts)


def _hours(part: Mapping[str, Any]) -> float:
    for key, units in PER_HOUR.items():
        value = part.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return value / units
    return 0.0


def cost_of_training(asked: Asked, prices: Prices, figures: Mapping[str, Any]) -> tuple[TrainingCost | None, str]:
    """Return what the training costs, or why nothing is known of it.

    Args:
        asked: For the pictures that it is shared by.
        prices: Prices.
        figures: Of the model's manifest.
    """
    plan = prices.training
    if plan is None:
        return None, "the prices file has no part 'training'"
    machine = next(one for one in prices.machines if one.name == plan.machine)
    told = hours_told(figures)
    if plan.hours is None and not told:
        return None, "the model's manifest does not tell how long training took; state training.hours"
    if machine.pays_electricity and machine.busy_watts is None:
        return None, f"{machine.name} states no busy_watts, and its electricity is paid apart"
    source = ("training: the model's manifest; the last training alone, without trials",)
    hours = (
        Figure(value=told, low=told, high=told, unit="h", method="measured", sources=source)
        if plan.hours is None
        else plan.hours.figure("training", "h")
    )
    return _costed(asked, prices, machine, hours, plan.used_for_months), ""


def _costed(asked: Asked, prices: Prices, machine: Machine, hours: Figure, months: float) -> TrainingCost:
    inputs, pays = _inputs(prices, machine, hours), machine.pays_electricity
    kwh = kg = None
    if machine.busy_watts is not None:
        energy = _only(inputs, ENERGY)
        kwh = worked_out(_kwh, "kWh", **energy)
        carbon = energy | _only(inputs, ("g_per_kwh",))
        kg = worked_out(lambda **given: _kwh(**given) * given["g_per_kwh"] / 1000.0, "kg CO2e", **carbon)
    costs = _only(inputs, (*HAVING, *ENERGY, "price_kwh") if pays else HAVING)
    money = worked_out(lambda **given: _money(pays, **given), prices.currency, **costs)
    costs |= {"volume": chosen_volume(asked.per_month), "months": _months(months)}
    shared = worked_out(lambda **given: _money(pays, **given) / _thousands(**given), prices.currency, **costs)
    return TrainingCost(hours=hours, money=money, kwh=kwh, kg=kg, money_per_1000=shared, months=months)


def _inputs(prices: Prices, machine: Machine, hours: Figure) -> dict[str, Figure]:
    given = {
        "hours": hours,
        "price_kwh": prices.electricity_per_kwh.figure("electricity", f"{prices.currency}/kWh"),
        "g_per_kwh": prices.carbon_g_per_kwh.figure("carbon of electricity", "g/kWh"),
    }
    stated = {
        "watts": (machine.busy_watts, "busy power"),
        "per_hour": (machine.per_hour, "per hour"),
        "purchase": (machine.purchase, "purchase"),
        "life_years": (machine.life_years, "life"),
        "pue": (machine.pue, "PUE"),
    }
    return given | {
        name: one.figure(f"{what} of {machine.name}", "") for name, (one, what) in stated.items() if one is not None
    }


def _only(inputs: Mapping[str, Figure], names: Sequence[str]) -> dict[str, Figure]:
    return {name: inputs[name] for name in names if name in inputs}


def _months(months: float) -> Figure:
    return exactly(months, "months", source=f"use of the model: {months:g} months, training.used_for_months")


def _thousands(**given: Any) -> np.ndarray:
    return given["volume"] * given["months"] / 1000.0


def _kwh(**given: Any) -> np.ndarray:
    return given["hours"] * given.get("watts", 0.0) * given.get("pue", 1.0) / 1000.0


def _money(pays_electricity: bool, **given: Any) -> np.ndarray:
    """Return rent or the share of the purchase, and electricity where it is paid apart."""
    years = given.get("life_years", 1.0)
    hour = given.get("per_hour", 0.0) + given.get("purchase", 0.0) / (years * HOURS["year"])
    return given["hours"] * hour + (_kwh(**given) * given["price_kwh"] if pays_electricity else 0.0)
