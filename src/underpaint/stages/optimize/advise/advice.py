"""The advice as a record: what is asked, each machine with figures or why it has none, and what is assumed."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from underpaint.core.config import Config
from underpaint.stages.optimize.advise.asked import Asked
from underpaint.stages.optimize.advise.figure import Figure
from underpaint.stages.optimize.advise.prices import Place, Prices

SCHEMA = "underpaint.advice/1"
FOLDER = "schema"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
Status = Literal["ok", "not_measured", "too_slow"]


class Row(Config):
    """What is said of a machine.

    Args:
        machine: Its name.
        place: Where it stands.
        host_class: Its class.
        status: Whether there are figures.
        reason: Why there are none, or what must be known of them.
        measured: What was measured, in words; empty if nothing.
        measured_digest: Its digest.
        noise: What disturbed the measurement.
        batch_cap: Pictures that are drawn together at most; 0 if unknown.
        rate: Pictures a second that one machine can be asked for.
        machines: Number of machines.
        p95_ms: Time of 95 in 100 pictures at the busiest time, in one line before all machines.
        load: Share of the promised rate that is used on average.
        money: Money of a month.
        standing: The part of it that is due whether or not anything is drawn.
        drawing: The part that grows with every picture.
        money_per_1000: Money of 1,000 pictures.
        kwh: Energy of a month.
        wh_per_1000: Energy of 1,000 pictures.
        kg: Greenhouse gases of that energy.
        g_per_1000: The same of 1,000 pictures.
        kg_made: The month's share of those of manufacture.
    """

    machine: str
    place: Place
    host_class: str
    status: Status
    reason: str = ""
    measured: str = ""
    measured_digest: str = ""
    noise: tuple[str, ...] = ()
    batch_cap: int = 0
    rate: Figure | None = None
    machines: Figure | None = None
    p95_ms: Figure | None = None
    load: Figure | None = None
    money: Figure | None = None
    standing: Figure | None = None
    drawing: Figure | None = None
    money_per_1000: Figure | None = None
    kwh: Figure | None = None
    wh_per_1000: Figure | None = None
    kg: Figure | None = None
    g_per_1000: Figure | None = None
    kg_made: Figure | None = None

    def figures(self) -> list[Figure]:
        """Return all figures that are known."""
        found = [getattr(self, name) for name in type(self).model_fields]
        return [one for one in found if isinstance(one, Figure)]


class BreakEven(Config):
    """Where one machine becomes cheaper than another.

    Args:
        below: The machine that is cheaper for fewer pictures.
        above: The one that is cheaper for more.
        volume: Pictures of a month from which it is; the interval goes from where it could be to where it surely is.
        again: Whether whole machines that are added change the order again at larger volumes.
    """

    below: str
    above: str
    volume: Figure
    again: bool = False


class TrainingCost(Config):
    """What the training costs, beside the drawing.

    Args:
        hours: Of the training that made this model, without its trials.
        money: Machine and electricity of it.
        kwh: Energy; None where no power is stated.
        kg: Greenhouse gases of that energy.
        money_per_1000: Money of 1,000 pictures of all that the model will draw.
        months: How long it is used.
    """

    hours: Figure
    money: Figure
    kwh: Figure | None = None
    kg: Figure | None = None
    money_per_1000: Figure
    months: float


class Curve(Config):
    """Money of a month over the volume.

    Args:
        machine: The machine.
        volumes: Pictures of a month.
        value: Money.
        low: Lower end.
        high: Upper end.
    """

    machine: str
    volumes: tuple[float, ...]
    value: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Advice(Config):
    """The advice.

    Args:
        schema_id: Name and version of this format.
        model: Name of the model.
        model_digest: Its digest.
        asked: What is asked.
        currency: Unit of money.
        example: Whether the prices are placeholders.
        prices_digest: Digest of the prices.
        day: When the advice was given.
        sentence: The answer.
        rows: Each machine, the cheapest first, those without figures last.
        break_evens: Where the order changes.
        training: The training; None if nothing is known of it.
        training_reason: Why nothing is known of it.
        assumptions: What the figures rest on.
        warnings: What a reader must check.
        curves: For plots.
    """

    schema_id: Literal["underpaint.advice/1"] = SCHEMA
    model: str
    model_digest: str
    asked: Asked
    currency: str
    example: bool
    prices_digest: str
    day: str
    sentence: str
    rows: tuple[Row, ...]
    break_evens: tuple[BreakEven, ...] = ()
    training: TrainingCost | None = None
    training_reason: str = ""
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    curves: tuple[Curve, ...] = ()


PUBLISHED: dict[str, type[Config]] = {"machine-prices-1.json": Prices, "advice-1.json": Advice}
"""Name to record of each schema that is published."""


def schema_text(name: str) -> str:
    """Return the JSON Schema of a record as it stands in its file."""
    head = {"$schema": DIALECT, "$id": f"urn:underpaint:{name.removesuffix('.json')}"}
    return json.dumps(head | PUBLISHED[name].model_json_schema(), indent=2, sort_keys=True) + "\n"


def published_schema(name: str) -> dict[str, Any]:
    """Return a JSON Schema that ships with the package."""
    file = resources.files("underpaint.stages.optimize.advise") / FOLDER / name
    return json.loads(file.read_text(encoding="utf-8"))


def main() -> None:
    """Write the schemas into the checkout: ``python -m underpaint.stages.optimize.advise.advice``."""
    folder = Path(__file__).parent / FOLDER
    folder.mkdir(exist_ok=True)
    for name in PUBLISHED:
        (folder / name).write_text(schema_text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
