"""Prices and carbon intensities: a JSON file that names its currency, date, region and sources; imports no torch."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from underpaint.core.config import Config, parse_json
from underpaint.core.errors import InputError

EXAMPLE = Path(__file__).with_name("prices.json")

Amount = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class CarbonIntensity(Config):
    """Greenhouse gases of electricity.

    Args:
        g_per_kwh: Grams of CO2 equivalent a kWh.
        region: Where.
        year: When.
        source: Who says so.
    """

    g_per_kwh: Amount
    region: str = Field(min_length=1)
    year: int = Field(ge=1990, le=2100)
    source: str = Field(min_length=1)


class Prices(Config):
    """What machines and electricity cost.

    Args:
        schema_id: Name and version of this format.
        example: Whether these are made-up round figures.
        note: Anything a reader must know.
        currency: As in ISO 4217.
        date: Day of the prices.
        region: Where they hold.
        machine: The machine that costs this.
        machine_per_hour: Price of an hour of it.
        per_kwh: Price of a kWh; 0 if the machine's price includes electricity.
        utilization: Share of the promised throughput that is used on average, because users come when they like.
        pue: Energy of the whole building over that of the machines.
        pue_source: Who says so.
        carbon: Greenhouse gases of the electricity.
        training_machine_per_hour: Price of an hour of the machine that trains; None for the same.
    """

    schema_id: Literal["underpaint.prices/1"]
    example: bool = False
    note: str = ""
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    date: date
    region: str = Field(min_length=1)
    machine: str = Field(min_length=1)
    machine_per_hour: Amount
    per_kwh: Amount
    utilization: Annotated[float, Field(gt=0.0, le=1.0)]
    pue: Annotated[float, Field(ge=1.0, le=10.0)] = 1.0
    pue_source: str = ""
    carbon: CarbonIntensity
    training_machine_per_hour: Amount | None = None


def read_prices(path: Path | None = None) -> Prices:
    """Read a file of prices.

    Args:
        path: The file; None for the example that comes with underpaint.

    Raises:
        InputError: It cannot be read, or says something impossible.
    """
    path = EXAMPLE if path is None else path
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no file of prices ({error}); {EXAMPLE} is an example") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} is no file of prices: it must hold one JSON object; {EXAMPLE} is an example")
    return Prices.parse(values, source=str(path))
