"""Measurements and prices by hand, of machines whose figures can be worked out on paper."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from underpaint.stages.optimize.advise.measured import Batch, Measured, Power

DAY = date(2026, 1, 2)
MODEL = "a" * 64


def stated(value: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "source": "an offer", "date": "2026-01-01"}


def build_measured(host_class: str = "x86-avx2", ms: float = 50.0, **changes: Any) -> Measured:
    """A machine that draws one picture in ``ms``, and gains nothing from batches."""
    batches = tuple(Batch(size=size, times_ms=(ms * size,) * 20) for size in (1, 2, 4))
    values: dict[str, Any] = {
        "model": "tiny",
        "model_digest": MODEL,
        "size": "64x64",
        "engine": "onnx",
        "device": "cuda" if host_class.startswith("cuda") else "cpu",
        "threads": 1,
        "host_class": host_class,
        "hardware": f"a {host_class}",
        "cores": 2,
        "fingerprint": "b" * 64,
        "day": DAY,
        "batches": batches,
    }
    return Measured(**values | changes)


def build_prices() -> dict[str, Any]:
    """An own server with power stated, and a rented GPU."""
    return {
        "schema_id": "underpaint.machine-prices/1",
        "currency": "EUR",
        "electricity_per_kwh": stated(0.3),
        "carbon_g_per_kwh": stated(300.0),
        "machines": [
            {
                "name": "server",
                "place": "server",
                "host_class": "x86-avx2",
                "purchase": stated(2400.0),
                "life_years": stated(4.0),
                "idle_watts": stated(40.0),
                "busy_watts": stated(140.0),
                "pue": stated(1.5),
                "embodied_kg": stated(960.0),
            },
            {
                "name": "gpu",
                "place": "cloud",
                "host_class": "cuda-sm90",
                "per_hour": stated(2.0),
                "billed": "busy",
                "busy_watts": stated(500.0),
            },
        ],
        "training": {"machine": "server", "used_for_months": 10, "hours": stated(100.0)},
    }


@pytest.fixture
def make_measured() -> Callable[..., Measured]:
    return build_measured


@pytest.fixture
def counted() -> Power:
    return Power(
        idle=(19.0, 20.0, 21.0), busy=(58.0, 60.0, 62.0), method="counter", components=("package-0",), windows=5
    )


@pytest.fixture
def prices_values() -> dict[str, Any]:
    return build_prices()


@pytest.fixture
def tiny(tiny_model: Path) -> Any:
    from underpaint.pipelines.opening import open_model

    return open_model(tiny_model)
