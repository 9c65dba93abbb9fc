"""What a picture cost: time of the device, energy and money, and how these are known."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from underpaint.core.config import Config
from underpaint.runtime.energy import LEAST_SPREAD as SPREAD
from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.engine.orders import Picture

J_PER_KWH = 3.6e6
Basis = Literal["measured", "estimate"]


class Cost(Config):
    """What a picture cost; energy and money are None where nobody knows them.

    Args:
        ms: Milliseconds of the device.
        joules: Energy.
        joules_low: The least that it can have been.
        joules_high: The most that it can have been.
        kwh: The energy again.
        money: Its price; None where the settings name none too.
        currency: Of the price, as in ISO 4217; None without one.
        basis: How the energy is known: counted by the machine, or estimated.
    """

    ms: float = Field(ge=0)
    joules: float | None = None
    joules_low: float | None = None
    joules_high: float | None = None
    kwh: float | None = None
    money: float | None = None
    currency: str | None = None
    basis: Basis | None = None


def cost_of(picture: Picture, config: ServeConfig) -> Cost:
    """Return what a picture cost.

    Args:
        picture: With the time that it took, and the energy where that was measured.
        config: Watts of a core, price of a kWh.
    """
    ms = picture.draw_ms
    if picture.joules is not None and picture.energy_method == "counter":
        return _priced(ms, (picture.joules, picture.joules), "measured", config)
    if picture.joules is not None:
        return _priced(ms, (picture.joules * (1 - SPREAD), picture.joules * (1 + SPREAD)), "estimate", config)
    if config.device not in (None, "cpu"):
        return Cost(ms=ms)
    low, high = config.watts_per_core
    cores_s = ms / 1000 * config.threads
    return _priced(ms, (low * cores_s, high * cores_s), "estimate", config)


def _priced(ms: float, ends: tuple[float, float], basis: Basis, config: ServeConfig) -> Cost:
    joules, price = sum(ends) / 2, config.price_per_kwh
    return Cost(
        ms=ms,
        joules=joules,
        joules_low=ends[0],
        joules_high=ends[1],
        kwh=joules / J_PER_KWH,
        money=None if price is None else price * joules / J_PER_KWH,
        currency=None if price is None else config.currency,
        basis=basis,
    )
