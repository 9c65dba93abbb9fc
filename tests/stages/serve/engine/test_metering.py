"""Laws of what drawing takes: counters are read before and after, shares add up, and nothing is made up."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from underpaint.pipelines.settings import Settings
from underpaint.runtime.energy import Method, find_rapl
from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.engine.metering import DrawMeter, Spent, meter_for
from underpaint.stages.serve.engine.orders import Picture
from underpaint.stages.serve.gallery.cost import cost_of

KWH = 3.6e6


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    """A processor's energy counter, as Linux shows it."""
    zone = tmp_path / "sys/class/powercap/intel-rapl:0"
    zone.mkdir(parents=True)
    for name, text in (("name", "package-0"), ("max_energy_range_uj", "1000000000"), ("energy_uj", "999000000")):
        (zone / name).write_text(text)
    return zone


def test_a_counter_is_read_before_and_after_and_may_start_again_from_nothing(zone, tmp_path):
    meter, spent = DrawMeter(find_rapl(tmp_path)), []
    with meter.measured(spent):
        (zone / "energy_uj").write_text("2000000")
    (one,) = spent
    assert (one.joules, one.method) == (3.0, "counter") and one.seconds > 0
    assert one.share(4) == Spent(seconds=one.seconds / 4, joules=0.75, method="counter")


def test_a_counter_that_cannot_be_read_any_more_leaves_the_time(zone, tmp_path):
    meter, spent = DrawMeter(find_rapl(tmp_path)), []
    with meter.measured(spent):
        (zone / "energy_uj").unlink()
    assert spent[0].joules is spent[0].method is None and spent[0].seconds > 0


def test_a_counter_that_cannot_be_read_before_but_after_leaves_the_time(zone, tmp_path):
    meter, spent = DrawMeter(find_rapl(tmp_path)), []
    (zone / "energy_uj").unlink()
    with meter.measured(spent):
        (zone / "energy_uj").write_text("999500000")
    assert spent[0].joules is spent[0].method is None and spent[0].seconds > 0


def test_a_card_that_tells_its_power_is_taken_at_its_word():
    meter, spent = DrawMeter(power_w=lambda: 100.0), []
    with meter.measured(spent):
        pass
    assert spent[0].joules == pytest.approx(100 * spent[0].seconds) and spent[0].method == "sampled"


def test_a_card_that_tells_nothing_measures_time_alone():
    meter, spent = meter_for(SimpleNamespace(device=SimpleNamespace(type="mps", index=None))), []
    with meter.measured(spent):
        pass
    assert spent[0].joules is None


def picture(ms: float, joules: float | None = None, method: Method | None = None) -> Picture:
    how = {"prompt": "a", "caption": "a", "seed": 1, "size": "64x64", "model": "m", "model_sha256": "0" * 64}
    settings = Settings.model_validate(how | {"version": "1"})
    taken: dict[str, Any] = {"draw_ms": ms, "joules": joules, "energy_method": method}
    return Picture(data=b"", settings=settings, words_read=1, words_dropped=0, **taken)


@pytest.mark.parametrize(
    ("taken", "config", "ends", "basis"),
    [
        (picture(100), {}, (0.2, 1.5), "estimate"),
        (picture(100), {"threads": 2, "watts_per_core": (5, 5)}, (1.0, 1.0), "estimate"),
        (picture(100, 3.0, "counter"), {}, (3.0, 3.0), "measured"),
        (picture(100, 4.0, "sampled"), {"device": "cuda"}, (2.0, 6.0), "estimate"),
    ],
)
def test_energy_is_what_was_counted_or_an_estimate_with_its_ends(taken, config, ends, basis):
    cost = cost_of(taken, ServeConfig(price_per_kwh=0.36, currency="USD", **config))
    assert (cost.joules_low, cost.joules_high) == pytest.approx(ends)
    assert (cost.ms, cost.joules, cost.basis) == (100, pytest.approx(sum(ends) / 2), basis)
    assert cost.joules is not None and cost.kwh == pytest.approx(cost.joules / KWH)
    assert cost.money == pytest.approx(0.36 * cost.joules / KWH)
    assert cost.currency == "USD"


def test_what_nobody_knows_is_not_made_up():
    unknown = cost_of(picture(100), ServeConfig(device="cuda", price_per_kwh=0.36))
    assert unknown.ms == 100 and unknown.joules is unknown.kwh is unknown.money is unknown.basis is None
    assert cost_of(picture(100), ServeConfig()).money is None
