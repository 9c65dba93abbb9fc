"""Money and carbon of 1,000 pictures, and money of the training beside it.

``1000 price_hour / (3600 throughput_at_slo utilization) + kWh price_kwh``, and ``kWh PUE intensity``. Intervals are
those of throughput and energy, carried to the ends that are worst together.
"""

from __future__ import annotations

from typing import Any

from underpaint.metrics.estimate import Interval
from underpaint.stages.evaluate.efficiency.outcome import Part, exactly, measured, refused
from underpaint.stages.evaluate.efficiency.prices import Prices
from underpaint.stages.evaluate.record import Measurement, Status

PICTURES = 1000
J_PER_KWH = 3.6e6
SECONDS_PER_HOUR = 3600.0
Ends = tuple[float, float, float]
"""Lower end, value, upper end."""


def kwh_per_1000(energy: Measurement) -> Ends | None:
    """Return the energy of 1,000 pictures in kWh with its ends; None if it was not measured."""
    ends = _ends(energy)
    if ends is None:
        return None
    low, value, high = (joules * PICTURES / J_PER_KWH for joules in ends)
    return low, value, high


def machine_cost(per_hour: float, throughput: float, utilization: float) -> float:
    """Return the machine's price of 1,000 pictures.

    Args:
        per_hour: Price of an hour.
        throughput: Pictures a second that are promised.
        utilization: Share of it that is used.
    """
    return PICTURES * per_hour / (SECONDS_PER_HOUR * throughput * utilization)


def _ends(number: Measurement) -> Ends | None:
    if number.value is None or number.interval is None:
        return None
    low, high = number.interval.low, number.interval.high
    return None if low is None or high is None else (low, number.value, high)


def _missing(number: Measurement) -> tuple[Status, str]:
    status: Status = number.status if number.status != "ok" else "not_applicable"
    return status, f"it needs {number.metric}: {number.message or 'which has no interval'}"


def cost_of_pictures(throughput: Measurement, energy: Measurement, prices: Prices) -> Measurement:
    """Return the cost of 1,000 pictures.

    Args:
        throughput: Pictures a second at the promised latency.
        energy: Joules a picture; not needed where electricity costs nothing apart.
        prices: What an hour and a kWh cost.
    """
    rate = _ends(throughput)
    if rate is None or rate[0] <= 0.0:
        return refused("cost_per_1000", *_missing(throughput), n=throughput.n)
    kwh = kwh_per_1000(energy) if prices.per_kwh > 0.0 else (0.0, 0.0, 0.0)
    if kwh is None:
        return refused("cost_per_1000", *_missing(energy), n=energy.n)
    machine = [machine_cost(prices.machine_per_hour, speed, prices.utilization) for speed in reversed(rate)]
    low, value, high = (m + k * prices.per_kwh for m, k in zip(machine, kwh, strict=True))
    interval = Interval(
        low=low, high=high, level=0.95, method="ends of throughput and energy", conditional_on="prices, utilization"
    )
    return measured(
        "cost_per_1000",
        value,
        n=throughput.n,
        interval=interval,
        unit=prices.currency,
        message=dated(prices),
        energy_method=energy.energy_method if prices.per_kwh > 0.0 else None,
    )


def dated(prices: Prices) -> str:
    """Say which prices these are."""
    label = "example prices" if prices.example else "prices"
    return f"{label} of {prices.date.isoformat()}, {prices.region}: {prices.machine}"


def carbon_of_pictures(energy: Measurement, prices: Prices) -> Measurement:
    """Return the greenhouse gases of 1,000 pictures in grams; how sure it is follows from how energy was measured."""
    kwh = kwh_per_1000(energy)
    if kwh is None:
        return refused("carbon_g_per_1000", *_missing(energy), n=energy.n)
    low, value, high = (k * prices.pue * prices.carbon.g_per_kwh for k in kwh)
    interval = Interval(low=low, high=high, level=0.95, method="ends of energy", conditional_on="intensity, PUE")
    message = f"{prices.carbon.g_per_kwh:g} g a kWh, {prices.carbon.region} {prices.carbon.year}; without manufacture"
    return measured(
        "carbon_g_per_1000",
        value,
        n=energy.n,
        interval=interval,
        message=message,
        energy_method=energy.energy_method,
    )


def training_hours(figures: dict[str, Any]) -> dict[str, float]:
    """Return the hours that each part of a training took, as a model's manifest tells in ``minutes`` or ``seconds``.

    Args:
        figures: Of the manifest; parts may lie one level deeper.
    """
    parts = {"training": figures} | {name: part for name, part in figures.items() if isinstance(part, dict)}
    hours = {name: _hours(part) for name, part in parts.items()}
    return {name: spent for name, spent in hours.items() if spent is not None}


def _hours(part: dict[str, Any]) -> float | None:
    for key, per_hour in (("minutes", 60.0), ("seconds", SECONDS_PER_HOUR)):
        value = part.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value) / per_hour
    return None


def cost_of_training(figures: dict[str, Any], prices: Prices) -> Measurement:
    """Return the cost of the training's machine hours."""
    hours = training_hours(figures)
    if not hours:
        return refused("training_cost", "not_applicable", "the model's manifest does not tell how long training took")
    per_hour = prices.machine_per_hour
    per_hour = per_hour if prices.training_machine_per_hour is None else prices.training_machine_per_hour
    value = sum(hours.values()) * per_hour
    message = f"{sum(hours.values()):.3g} hours of the last training, not of its trials; {dated(prices)}"
    return measured("training_cost", value, n=1, interval=exactly(value), unit=prices.currency, message=message)


def break_even_images(extra: float, cost_per_1000: float, baseline_per_1000: float) -> float | None:
    """Return after how many pictures a model has earned what it cost more than a baseline; None if it never does.

    Args:
        extra: What it costs more before the first picture, for example its training.
        cost_per_1000: Its cost of 1,000 pictures.
        baseline_per_1000: The baseline's.
    """
    saved = (baseline_per_1000 - cost_per_1000) / PICTURES
    if extra <= 0.0 and saved >= 0.0:
        return 0.0
    return extra / saved if saved > 0.0 else None


def measure_cost(throughput: Measurement, energy: Measurement, figures: dict[str, Any], prices: Prices) -> Part:
    """Work out cost and carbon.

    Args:
        throughput: Pictures a second at the promised latency.
        energy: Joules a picture.
        figures: Of the model's manifest.
        prices: Prices and intensities.
    """
    cost, carbon = cost_of_pictures(throughput, energy, prices), carbon_of_pictures(energy, prices)
    training = cost_of_training(figures, prices)
    both = cost.value and training.value
    details = {
        "carbon": {
            "g_per_1000": carbon.value,
            "intensity": prices.carbon.g_per_kwh,
            "region": prices.carbon.region,
            "year": prices.carbon.year,
            "source": prices.carbon.source,
            "pue": prices.pue,
            "embodied": "not included",
        },
        "cost": {
            "per_1000": cost.value,
            "currency": prices.currency,
            "prices": prices.model_dump(mode="json"),
            "training": training.value,
            "training_hours": training_hours(figures),
            "images_that_cost_as_much_as_training": (training.value or 0.0) / cost.value * PICTURES
            if cost.value and both
            else None,
        },
    }
    return Part(measurements=[cost, carbon, training], details=details)
