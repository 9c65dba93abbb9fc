"""From measurements, prices and a wish to an advice; nothing is drawn, and what was not measured is not guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from underpaint.core.errors import InputError
from underpaint.core.progress import Report, silent
from underpaint.pipelines.model_folder import Model
from underpaint.stages.optimize.advise.advice import Advice, Row
from underpaint.stages.optimize.advise.asked import KEPT, Asked
from underpaint.stages.optimize.advise.break_even import break_evens, curve_of, volumes_around
from underpaint.stages.optimize.advise.figure import Figure, exactly, sources_of, worked_out
from underpaint.stages.optimize.advise.measured import Measured, check_model, chosen
from underpaint.stages.optimize.advise.month import POWER, Costing, chosen_peak, inputs_of, shared
from underpaint.stages.optimize.advise.prices import Machine, Prices
from underpaint.stages.optimize.advise.queueing import Promise, in_line, promised
from underpaint.stages.optimize.advise.training import cost_of_training
from underpaint.stages.optimize.advise.wording import sentence, warnings_of

ASSUMPTIONS = (
    f"pictures are asked for at random moments, and {KEPT:.0%} of them are there within the latency at the busiest "
    "time, which is simulated with the measured times",
    "machines: arrivals at the busiest time over what one machine can be asked for, rounded up; none in reserve",
    "a machine draws with one process, as it was measured",
    "each picture takes as long as one drawn alone; batches of a busy time only make it shorter",
    "a machine that is bought is paid off in equal months over its life, without interest, repair, room or people",
    "intervals: every combination of the ends of what a figure is made of; wider than 95 %, not narrower",
)


def advise(
    asked: Asked,
    model: Model,
    prices: Prices,
    found: Sequence[Measured],
    today: date,
    report: Report = silent,
) -> Advice:
    """Compare the machines of a prices file.

    Args:
        asked: What is asked.
        model: The model.
        prices: Machines and prices.
        found: Measurements of the model.
        today: The date of the advice.
        report: Receives progress.

    Raises:
        InputError: No machine that was measured is in time, or several measurements fit a machine.
        ArtifactError: A measurement is of another model.
    """
    for one in found:
        check_model(one, model.digest, model.name)
    rows, costings = compared(asked, prices, found, report)
    check_possible(rows, asked)
    volumes = volumes_around(asked.per_month)
    order = sorted(rows, key=lambda row: row.money.value if row.money else float("inf"))
    evens = break_evens(costings, volumes)
    training, why = cost_of_training(asked, prices, model.manifest.figures)
    return Advice(
        model=model.name,
        model_digest=model.digest,
        asked=asked,
        currency=prices.currency,
        example=prices.example,
        prices_digest=prices.digest(),
        day=today.isoformat(),
        sentence=sentence(order, asked, prices.currency),
        rows=tuple(order),
        break_evens=tuple(evens),
        training=training,
        training_reason=why,
        assumptions=(*ASSUMPTIONS, *chosen_peak(asked.peak_to_mean).sources),
        warnings=tuple(warnings_of(prices, order, evens, today)),
        curves=tuple(curve_of(costing, volumes[::4]) for costing in costings),
    )


def compared(
    asked: Asked, prices: Prices, found: Sequence[Measured], report: Report
) -> tuple[list[Row], list[Costing]]:
    """Return a row for each machine, and what the curves of those come from whose cost is known."""
    rows, costings, promises = list[Row](), list[Costing](), dict[tuple[str, float], Promise]()
    for machine in prices.machines:
        row, costing = row_of(machine, asked, prices, chosen(machine, found), promises, report)
        rows.append(row)
        costings += [costing] if costing else []
    return rows, costings


def row_of(
    machine: Machine,
    asked: Asked,
    prices: Prices,
    measured: Measured | None,
    promises: dict[tuple[str, float], Promise],
    report: Report,
) -> tuple[Row, Costing | None]:
    """Return what is said of a machine, and what its curves come from where its cost is known.

    Args:
        machine: The machine.
        asked: What is asked.
        prices: Prices.
        measured: The measurement of its class; None if there is none.
        promises: Those of the machines before; one more is added.
        report: Receives progress.
    """
    facts: dict[str, Any] = {"machine": machine.name, "place": machine.place, "host_class": machine.host_class}
    if measured is None:
        cores = "" if machine.cores is None else f" with {machine.cores} cores"
        reason = f"no {machine.host_class}{cores} was measured; run there: underpaint advise MODEL --measure-only"
        return Row(**facts, status="not_measured", reason=reason), None
    facts |= {"measured": measured.title, "measured_digest": measured.digest(), "noise": measured.noise}
    way = 0.0 if machine.network_ms is None else machine.network_ms.high or machine.network_ms.value
    key = measured.digest(), asked.latency_ms - way
    promise = promises.get(key) or promised(measured, max(key[1], 1e-6), report=report)
    promises[key] = promise
    promise = replace(promise, rate=sourced(promise.rate, asked, machine))
    if promise.rate.value <= 0.0:
        return Row(**facts, status="too_slow", reason=too_slow(measured, asked, way)), None
    costing = Costing(
        machine=machine, inputs=inputs_of(machine, measured, promise, prices), peak_to_mean=asked.peak_to_mean
    )
    row = Row(**facts, status="ok", **figures_of(costing, promise, asked, prices.currency))
    return row, costing if row.money else None


def figures_of(costing: Costing, promise: Promise, asked: Asked, currency: str) -> Mapping[str, Any]:
    """Return the figures of a machine."""
    volume, named = asked.per_month, costing.figures(asked.per_month, currency)
    machines = named["machines"]
    assert machines is not None
    counted = replace(promise, rate=promise.rate.model_copy(update={"sources": machines.sources}))
    line, way = in_line(counted, asked.peak_per_s, round(machines.value)), asked.latency_ms - promise.replays.latency_ms
    return named | {
        "reason": "; ".join(remarks(costing, promise, line)),
        "batch_cap": promise.cap,
        "rate": promise.rate,
        "p95_ms": None if line is None else shifted(line, way),
        "load": worked_out(lambda rate: asked.mean_per_s / (rate * max(1.0, machines.value)), "", rate=counted.rate),
        "money_per_1000": shared(named["money"], 1000.0 / volume, currency),
        "wh_per_1000": shared(named["kwh"], 1e6 / volume, "Wh"),
        "g_per_1000": shared(named["kg"], 1e6 / volume, "g CO2e"),
    }


def sourced(rate: Figure, asked: Asked, machine: Machine) -> Figure:
    """Return a promised rate that names, besides its measurement, the latency and the way to the user.

    Args:
        rate: As it was simulated.
        asked: What is asked.
        machine: The machine.
    """
    latency = exactly(asked.latency_ms, "ms", source=f"latency: {asked.latency_ms:g} ms, chosen with --latency")
    way = None if machine.network_ms is None else machine.network_ms.figure(f"way to {machine.name}", "ms")
    return rate.model_copy(update={"sources": sources_of(rate, latency, way)})


def remarks(costing: Costing, promise: Promise, line: Figure | None) -> list[str]:
    """Say what must be known of a machine's figures."""
    needed = POWER if costing.machine.billed == "always" else ("busy",)
    missing = [f"{name}_watts" for name in needed if f"{name}_watts" not in costing.inputs]
    unknown = f"{' and '.join(missing)} neither stated nor counted, and so what needs it is unknown"
    found = [unknown] if missing else []
    if line is None:
        found.append("too many machines to simulate their common line; each keeps the latency by itself")
    elif line.value > promise.replays.latency_ms:
        found.append("their common line is too slow at the busiest time; take one machine more")
    return found


def shifted(figure: Figure, by: float) -> Figure:
    """Return a figure with a constant added."""
    high = None if figure.high is None else figure.high + by
    return figure.model_copy(update={"value": figure.value + by, "low": figure.low + by, "high": high})


def too_slow(measured: Measured, asked: Asked, way_ms: float) -> str:
    """Say how far a machine is from the latency."""
    alone = measured.batches[0].mean_ms
    way = f" and {way_ms:g} ms on the way" if way_ms else ""
    return f"one picture alone takes {alone:.3g} ms{way}; 95 in 100 are not there within {asked.latency_ms:g} ms"


def check_possible(rows: Sequence[Row], asked: Asked) -> None:
    """Refuse a wish that no machine fulfills.

    Raises:
        InputError: None does.
    """
    if any(row.money for row in rows):
        return
    reasons = "".join(f"\n  {row.machine}: {row.reason}" for row in rows)
    if any(row.status == "ok" for row in rows):
        raise InputError(f"the cost of no machine in the prices file is known:{reasons}")
    if not any(row.status == "too_slow" for row in rows):
        raise InputError(
            f"nothing to compare, since no machine in the prices file was measured:{reasons}\n"
            "or give a machine in it the host_class of this one, which 'underpaint doctor' prints"
        )
    raise InputError(
        f"no machine that was measured keeps {asked.latency_ms:g} ms:{reasons}\n"
        "other programs may have slowed this one down: try again when it rests; else allow more with --latency, or "
        "make the model faster (docs/optimize.md)"
    )
