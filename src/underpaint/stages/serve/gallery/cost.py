"""What a picture cost: time of the device, energy and money, and how these are known."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from underpaint.core.config import Config
from underpaint.stages.serve.config import ServeConfig

J_PER_KWH = 3.6e6
Basis = Literal["measured", "estimate"]


class Cost(Config):
    """What a picture cost.

    Args:
        ms: Milliseconds of the device.
        joules: Energy.
        joules_low: The least that it can have been.
        joules_high: The most that it can have been.
        kwh: The energy again.
        money: Its price; None where the settings name none.
        currency: Of the price, as in ISO 4217; None without one.
        basis: How the energy is known: counted by the machine, or estimated from the time.
    """

    ms: float = Field(ge=0)
    joules: float = Field(ge=0)
    joules_low: float = Field(ge=0)
    joules_high: float = Field(ge=0)
    kwh: float = Field(ge=0)
    money: float | None
    currency: str | None
    basis: Basis

    @classmethod
    def estimated(cls, device_ms: float, config: ServeConfig) -> Self:
        """Return the cost of so much time of busy cores, by a range of watts.

        Args:
            device_ms: Milliseconds.
            config: The watts of a core, its threads and the price of a kWh.
        """
        cores_s = device_ms / 1000 * config.threads
        low, high = (watts * cores_s for watts in config.watts_per_core)
        joules = (low + high) / 2
        price = config.price_per_kwh
        return cls(
            ms=device_ms,
            joules=joules,
            joules_low=low,
            joules_high=high,
            kwh=joules / J_PER_KWH,
            money=None if price is None else price * joules / J_PER_KWH,
            currency=None if price is None else config.currency,
            basis="estimate",
        )
