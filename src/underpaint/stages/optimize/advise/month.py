"""A month of drawing on one kind of machine: how many of them, what they cost, and what they use.

All of it is one function of numbers, so that the same arithmetic gives figures, their intervals and whole curves.

    machines = max(1, ceil(peak / rate))
    energy   = PUE (machines H W_idle + t V (W_busy - W_idle))

with ``V`` pictures of ``t`` seconds in ``H`` hours. Of a machine that is there anyway only the second term counts, and
of one that is billed by what it draws, ``PUE t V W_busy``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from underpaint.metrics.interval import student_quantile
from underpaint.stages.optimize.advise.asked import MONTH_HOURS
from underpaint.stages.optimize.advise.figure import Figure, Inputs, corners, enclosed, exactly, sources_of
from underpaint.stages.optimize.advise.measured import Measured
from underpaint.stages.optimize.advise.prices import Machine, Prices
from underpaint.stages.optimize.advise.queueing import Promise

J_PER_KWH = 3.6e6
MONTHS_OF_YEAR = 12.0
Which = Literal["idle", "busy"]
POWER: tuple[Which, ...] = ("idle", "busy")
NOTHING = "{name}: nothing of this kind is due, as the prices file says (per_hour, billed, dedicated, electricity)"
Array = Any
"""A number or an array of them."""


@dataclass(frozen=True, kw_only=True)
class Month:
    """What a month takes; arrays stand for many volumes or for many combinations of inputs.

    Args:
        machines: Number of machines.
        standing: Money that is due whether or not anything is drawn.
        drawing: Money that grows with every picture.
        kwh: Energy; NaN where no power is known.
        kg: Greenhouse gases of that energy in kg of CO2 equivalent.
        kg_made: The month's share of those of manufacture.
    """

    machines: Array
    standing: Array
    drawing: Array
    kwh: Array
    kg: Array
    kg_made: Array

    @property
    def money(self) -> Array:
        """All money of the month."""
        return self.standing + self.drawing


def inputs_of(machine: Machine, measured: Measured, promise: Promise, prices: Prices) -> dict[str, Figure]:
    """Return the figures that a machine's month is made of.

    Args:
        machine: The machine.
        measured: The measurement of its class.
        promise: What it can be asked for.
        prices: Prices of electricity.
    """
    found = {
        "rate": promise.rate,
        "seconds": seconds_of(measured, promise),
        "price_kwh": prices.electricity_per_kwh.figure("electricity", f"{prices.currency}/kWh"),
        "g_per_kwh": prices.carbon_g_per_kwh.figure("carbon of electricity", "g/kWh"),
    }
    for name, unit in (("purchase", prices.currency), ("life_years", "years"), ("per_hour", prices.currency)):
        if (stated := getattr(machine, name)) is not None:
            found[name] = stated.figure(f"{name.replace('_', ' ')} of {machine.name}", unit)
    for which in POWER:
        if (watts := watts_of(machine, measured, which)) is not None:
            found[f"{which}_watts"] = watts
    if machine.pue is not None:
        found["pue"] = machine.pue.figure(f"PUE of {machine.name}", "")
    if machine.embodied_kg is not None:
        found["embodied_kg"] = machine.embodied_kg.figure(f"manufacture of {machine.name}", "kg")
    return found


def seconds_of(measured: Measured, promise: Promise) -> Figure:
    """Return the time of a picture: of one drawn alone, down to its share of the best batch that is drawn.

    Args:
        measured: The measurement.
        promise: For the largest batch, which hangs on the latency.
    """
    alone = np.array(measured.batches[0].times_ms) / 1000.0
    reach = student_quantile(0.975, len(alone) - 1) * float(alone.std(ddof=1)) / len(alone) ** 0.5
    mean = float(alone.mean())
    together = min(one.mean_ms / 1000.0 / one.size for one in measured.batches if one.size <= promise.cap)
    low, high = max(0.0, min(mean - reach, together)), mean + reach
    sources = tuple(dict.fromkeys((measured.title, *promise.rate.sources)))
    return Figure(value=mean, low=low, high=high, unit="s", method="measured", sources=sources)


def watts_of(machine: Machine, measured: Measured, which: Which) -> Figure | None:
    """Return a machine's power: as its counters say, else as it is stated; None where neither is known."""
    counted = measured.watts(which)
    stated = getattr(machine, f"{which}_watts")
    if counted is not None:
        return counted
    return None if stated is None else stated.figure(f"{which} power of {machine.name}", "W")


def month(machine: Machine, given: Mapping[str, Array], volume: Array, peak_to_mean: float) -> Month:
    """Return what a month takes.

    Args:
        machine: The machine.
        given: Name to number of what ``inputs_of`` named.
        volume: Pictures.
        peak_to_mean: Arrivals at the busiest time over the mean.
    """
    peak = volume * peak_to_mean / (MONTH_HOURS * 3600.0)
    machines = np.maximum(1.0, np.ceil(peak / given["rate"] - 1e-9))
    drawn_s = volume * given["seconds"]
    rest_kwh, drawn_kwh = _energy(machine, given, machines, drawn_s)
    pays = given["price_kwh"] if machine.pays_electricity else 0.0
    years = given.get("life_years", 1.0)
    standing = machines * given.get("purchase", 0.0) / (years * MONTHS_OF_YEAR)
    rent, by_hour = given.get("per_hour", 0.0), 0.0
    if machine.billed == "busy":
        by_hour = drawn_s / 3600.0 * rent
    else:
        standing = standing + machines * MONTH_HOURS * rent
    return Month(
        machines=machines,
        standing=standing + _money(rest_kwh, pays),
        drawing=by_hour + _money(drawn_kwh, pays),
        kwh=rest_kwh + drawn_kwh,
        kg=(rest_kwh + drawn_kwh) * given["g_per_kwh"] / 1000.0,
        kg_made=machines * given.get("embodied_kg", 0.0) / (years * MONTHS_OF_YEAR),
    )


def used_by(machine: Machine) -> dict[str, frozenset[str]]:
    """Return the names of the inputs that each figure of a machine's month is made of; none where nothing is due."""
    none, price = frozenset[str](), frozenset({"price_kwh"})
    by_work = machine.billed == "busy"
    stands = machine.dedicated and not by_work
    waiting = frozenset({"rate", "idle_watts", "pue"}) if stands else none
    adding = frozenset({"seconds", "busy_watts", "pue"} if by_work else {"seconds", "busy_watts", "idle_watts", "pue"})
    having = frozenset({"rate", "per_hour"} if machine.purchase is None else {"rate", "purchase", "life_years"})
    standing = (having if stands else none) | (waiting | price if stands and machine.pays_electricity else none)
    by_hour = frozenset({"seconds", "per_hour"}) if by_work else none
    drawing = by_hour | (adding | price if machine.pays_electricity else none)
    energy = waiting | adding
    return {
        "machines": frozenset({"rate"}),
        "standing": standing,
        "drawing": drawing,
        "money": standing | drawing,
        "kwh": energy,
        "kg": energy | {"g_per_kwh"},
        "kg_made": frozenset({"rate", "embodied_kg", "life_years"}),
    }


def _money(kwh: Array, price: Array) -> Array:
    """Return the price of energy, which is nothing where it is not paid, known or not."""
    return kwh * price if np.any(price) else 0.0 * np.nan_to_num(kwh)


def _energy(machine: Machine, given: Mapping[str, Array], machines: Array, drawn_s: Array) -> tuple[Array, Array]:
    """Return the energy of waiting and what drawing adds, in kWh."""
    idle, busy = (given.get(f"{which}_watts", np.nan) for which in POWER)
    pue = given.get("pue", 1.0)
    if machine.billed == "busy":
        return 0.0 * machines, pue * drawn_s * busy / J_PER_KWH
    added = pue * drawn_s * np.maximum(busy - idle, 0.0) / J_PER_KWH
    if not machine.dedicated:
        return 0.0 * machines, added
    return pue * machines * MONTH_HOURS * idle / 1000.0, added


@dataclass(frozen=True, kw_only=True)
class Costing:
    """A machine with the figures of its month.

    Args:
        machine: The machine.
        inputs: What its month is made of.
        peak_to_mean: Arrivals at the busiest time over the mean.
    """

    machine: Machine
    inputs: Inputs
    peak_to_mean: float

    def figures(self, volume: float, currency: str) -> dict[str, Figure | None]:
        """Return all figures of a month; None where what they need is unknown.

        Args:
            volume: Pictures.
            currency: Unit of money.
        """
        found = month(self.machine, corners(self.inputs), volume, self.peak_to_mean)
        units = {"machines": "", "standing": currency, "drawing": currency, "money": currency, "kwh": "kWh"}
        units |= {"kg": "kg CO2e"} | ({"kg_made": "kg CO2e"} if "embodied_kg" in self.inputs else {})
        asked = chosen_volume(volume)
        named = {
            name: self._figure(getattr(found, name), unit, self.sources(name, asked)) for name, unit in units.items()
        }
        return {"kg_made": None} | named

    def _figure(self, values: Array, unit: str, sources: tuple[str, ...]) -> Figure | None:
        values = np.broadcast_to(np.asarray(values, dtype=np.float64), corners(self.inputs)["rate"].shape)
        return None if np.isnan(values).any() else enclosed(values, unit, sources)

    def sources(self, name: str, *asked: Figure) -> tuple[str, ...]:
        """Return where a figure of the month comes from.

        Args:
            name: Of the figure, as in ``figures``.
            *asked: What was chosen besides, as the volume.
        """
        used = used_by(self.machine)[name]
        if not used:
            return (NOTHING.format(name=self.machine.name),)
        peak = [chosen_peak(self.peak_to_mean)] if "rate" in used else []
        return sources_of(*(one for key, one in self.inputs.items() if key in used), *peak, *asked)

    def curve(self, volumes: np.ndarray) -> np.ndarray:
        """Return the money of a month for many volumes.

        Args:
            volumes: ``[n]``.

        Returns:
            ``[3, n]``: value, lower and upper end.
        """
        given = {name: values[:, None] for name, values in corners(self.inputs).items()}  # [K, 1]
        money = np.asarray(month(self.machine, given, volumes[None, :], self.peak_to_mean).money)  # [K, n]
        return np.stack([money[0], money.min(axis=0), money.max(axis=0)])


def shared(figure: Figure | None, share: float, unit: str) -> Figure | None:
    """Return a share of a figure.

    Args:
        figure: The figure; None stays None.
        share: What it is multiplied by.
        unit: Of the result.
    """
    if figure is None:
        return None
    high = None if figure.high is None else figure.high * share
    return figure.model_copy(
        update={"value": figure.value * share, "low": figure.low * share, "high": high, "unit": unit}
    )


def chosen_peak(peak_to_mean: float) -> Figure:
    """Return the peak over the mean as a figure; it is taken as it is, without an interval."""
    source = f"peak over the mean: {peak_to_mean:g}, chosen with --peak-to-mean; the default of 4 is an assumption"
    return exactly(peak_to_mean, "", source=source)


def chosen_volume(volume: float) -> Figure:
    """Return the pictures of a month as a figure."""
    return exactly(volume, "pictures/month", source=f"volume: {volume:,.0f} pictures a month, chosen with --volume")
