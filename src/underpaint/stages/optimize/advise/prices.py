"""Prices: a file that names machines, what they cost and use, and says of every number where and when it was found.

A number without source and date is refused: prices change within months, and nobody can check one that stands alone.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from underpaint.adapters.yaml import parse_yaml
from underpaint.core.config import Config, parse_json
from underpaint.core.errors import InputError
from underpaint.core.written_text import Written
from underpaint.runtime.host_class import CPU_RULES, GPU_RULES
from underpaint.stages.optimize.advise.figure import Figure

SCHEMA = "underpaint.machine-prices/1"
EXAMPLE = "docs/examples/prices.yaml"
WRITTEN = Written(kind="file of prices", example=EXAMPLE)
CLASSES = (*(rule.name for rule in CPU_RULES), *(name for _, name, _ in GPU_RULES))
"""Classes of machines, as ``underpaint doctor`` prints them."""
PARSERS: dict[str, Callable[[str], Any]] = {".yaml": parse_yaml, ".yml": parse_yaml, ".json": parse_json}
Place = Literal["edge", "server", "cloud"]
"""At the user's; one's own in a building; rented by the hour."""
Amount = Annotated[float, Field(ge=0.0, le=1e12, allow_inf_nan=False)]


class Stated(Config):
    """A number that somebody else says.

    Args:
        value: The number.
        low: Lower end of what it could be; the value itself if none is given.
        high: Upper end.
        source: Who says so: a page, an offer, a measurement.
        date: Day on which it was found there, as ``2026-01-31``.
    """

    value: Amount
    low: Amount | None = None
    high: Amount | None = None
    source: str = Field(min_length=3, max_length=500)
    date: date

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        if not low <= self.value <= high:
            raise ValueError(f"low, value and high must rise, got {low:g}, {self.value:g}, {high:g}")
        return self

    def figure(self, what: str, unit: str) -> Figure:
        """Return it as a figure.

        Args:
            what: What it is, for the source.
            unit: Its unit.
        """
        return Figure(
            value=self.value,
            low=self.value if self.low is None else self.low,
            high=self.value if self.high is None else self.high,
            unit=unit,
            method="stated",
            sources=(f"{what}: {self.source} ({self.date.isoformat()})",),
        )


class Machine(Config):
    """A machine that pictures could be drawn on.

    Args:
        name: What it is called in the advice.
        place: Where it stands.
        host_class: Its class, as ``underpaint doctor`` prints it; the measurement of this class is taken.
        cores: Physical cores that the measured machine must have had; None for any.
        purchase: Price of buying it; with ``life_years``.
        life_years: Years that it is used.
        per_hour: Price of renting it for an hour.
        billed: Whether all hours are paid for or those in which it draws.
        dedicated: Whether it is there and on for this alone; of others only the electricity above rest is counted.
        idle_watts: Power at the plug when it waits.
        busy_watts: Power at the plug when it draws.
        electricity: Whether its electricity is paid apart; None: of rented machines it is not.
        pue: Energy of the whole building over that of the machine.
        embodied_kg: Greenhouse gases of its manufacture in kg of CO2 equivalent; with ``life_years``.
        network_ms: Time that a picture takes on its way to the user.
    """

    name: str = Field(min_length=1, max_length=60)
    place: Place
    host_class: str
    cores: int | None = Field(default=None, ge=1)
    purchase: Stated | None = None
    life_years: Stated | None = None
    per_hour: Stated | None = None
    billed: Literal["always", "busy"] = "always"
    dedicated: bool = True
    idle_watts: Stated | None = None
    busy_watts: Stated | None = None
    electricity: Literal["paid", "included"] | None = None
    pue: Stated | None = None
    embodied_kg: Stated | None = None
    network_ms: Stated | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.host_class not in CLASSES:
            near = difflib.get_close_matches(self.host_class, CLASSES, n=1, cutoff=0.0)[0]
            raise ValueError(f"{self.name}: there is no class {self.host_class!r:.40}; did you mean {near}?")
        if self.dedicated and (self.purchase is None) == (self.per_hour is None):
            raise ValueError(f"{self.name}: give either purchase (with life_years) or per_hour")
        if not self.dedicated and (self.purchase or self.per_hour or self.embodied_kg):
            raise ValueError(f"{self.name}: a machine that is there anyway (dedicated: false) costs nothing to have")
        needs_life = self.purchase is not None or self.embodied_kg is not None
        if needs_life and (self.life_years is None or not (self.life_years.low or self.life_years.value)):
            raise ValueError(f"{self.name}: purchase and embodied_kg need life_years above 0")
        if self.billed == "busy" and self.per_hour is None:
            raise ValueError(f"{self.name}: only what is rented (per_hour) can be billed: busy")
        if self.pue is not None and (self.pue.low or self.pue.value) < 1.0:
            raise ValueError(f"{self.name}: pue is 1 at least, got {self.pue.value:g}")
        return self

    @property
    def pays_electricity(self) -> bool:
        """Whether its electricity is paid apart."""
        return self.per_hour is None if self.electricity is None else self.electricity == "paid"


class Training(Config):
    """What the training of the model costs.

    Args:
        machine: Name of the machine that trains.
        used_for_months: How long the model is used before another one replaces it.
        hours: Hours of training; None takes those that the model's manifest tells.
    """

    machine: str
    used_for_months: Annotated[float, Field(gt=0.0, le=1200.0)]
    hours: Stated | None = None


class Prices(Config):
    """A file of prices.

    Args:
        schema_id: Name and version of this format.
        example: Whether these are placeholders.
        note: Anything a reader must know.
        currency: As in ISO 4217.
        electricity_per_kwh: Price of electricity.
        carbon_g_per_kwh: Greenhouse gases of electricity in grams of CO2 equivalent.
        machines: Where pictures could be drawn.
        training: What the training costs; None leaves it out.
    """

    schema_id: Literal["underpaint.machine-prices/1"]
    example: bool = False
    note: str = ""
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    electricity_per_kwh: Stated
    carbon_g_per_kwh: Stated
    machines: tuple[Machine, ...] = Field(min_length=1, max_length=20)
    training: Training | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        names = [machine.name for machine in self.machines]
        if len(set(names)) < len(names):
            raise ValueError("two machines have one name; give each its own")
        if self.training is not None and self.training.machine not in names:
            raise ValueError(f"training.machine {self.training.machine!r:.60} is none of {', '.join(names)}")
        return self

    def stated(self) -> list[Stated]:
        """Return every stated number in the file."""
        parts = [self, *self.machines, *([self.training] if self.training else [])]
        found = [getattr(part, name) for part in parts for name in type(part).model_fields]
        return [one for one in found if isinstance(one, Stated)]


def read_prices(path: Path, today: date) -> Prices:
    """Read and check a file of prices.

    Args:
        path: A file that ends in ``.yaml``, ``.yml`` or ``.json``.
        today: No price may come from later.

    Raises:
        InputError: It cannot be read, says something impossible, or holds a number without source and date.
        MissingDependency: It is YAML, and PyYAML is not installed.
    """
    parse = PARSERS.get(path.suffix.lower())
    if parse is None:
        raise InputError(f"{path}: a file of prices ends in {', '.join(PARSERS)}; {EXAMPLE} is one to begin with")
    try:
        values = parse(WRITTEN.read(path))
    except ValueError as error:
        raise InputError(f"{path} is no valid {path.suffix[1:].upper()}: {error}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} holds no prices; {EXAMPLE} is a file to begin with")
    return _checked(values, path, today)


def _checked(values: dict[str, Any], path: Path, today: date) -> Prices:
    try:
        prices = Prices.parse(values, source=str(path))
    except InputError as error:
        untold = any(f".{name}: is missing" in str(error) for name in ("source", "date"))
        hint = "; every number needs its source and the date on which it was found there" if untold else ""
        raise InputError(f"{error}{hint}") from None
    later = next((one for one in prices.stated() if one.date > today), None)
    if later is not None:
        raise InputError(f"{path}: {later.source!r:.60} is dated {later.date}, which is later than today, {today}")
    return prices
