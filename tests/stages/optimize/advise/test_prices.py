from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.errors import InputError
from underpaint.runtime.host_class import CPU_RULES
from underpaint.stages.optimize.advise.prices import Prices, read_prices

TODAY = date(2026, 2, 1)
ROOT = Path(__file__).parents[4]


def read(values: Any, folder: Path) -> Prices:
    path = folder / "prices.json"
    path.write_text(json.dumps(values))
    return read_prices(path, TODAY)


def test_a_whole_file_is_read(prices_values: dict[str, Any], tmp_path: Path) -> None:
    prices = read(prices_values, tmp_path)
    assert [machine.name for machine in prices.machines] == ["server", "gpu"]
    assert [machine.pays_electricity for machine in prices.machines] == [True, False]
    assert len(prices.stated()) == 11


def test_the_example_of_the_documents_is_sound_and_says_that_it_is_one() -> None:
    prices = read_prices(ROOT / "docs" / "examples" / "prices.yaml", date(2027, 1, 1))
    assert prices.example
    assert {machine.place for machine in prices.machines} == {"edge", "server", "cloud"}
    assert all("placeholder" in one.source for one in prices.stated())


def test_the_example_names_a_machine_of_every_kind_of_processor_that_pays() -> None:
    prices = read_prices(ROOT / "docs" / "examples" / "prices.yaml", date(2027, 1, 1))
    assert {rule.name for rule in CPU_RULES if rule.any_of} <= {machine.host_class for machine in prices.machines}


def without(*path: Any) -> Callable[[dict[str, Any]], None]:
    def change(values: Any) -> None:
        for step in path[:-1]:
            values = values[step]
        del values[path[-1]]

    return change


def with_(value: Any, *path: Any) -> Callable[[dict[str, Any]], None]:
    def change(values: Any) -> None:
        for step in path[:-1]:
            values = values[step]
        values[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "help_"),
    [
        (without("machines", 0, "purchase", "source"), "source: is missing.*every number needs its source"),
        (without("electricity_per_kwh", "date"), "date: is missing.*every number needs its source and the date"),
        (with_("", "electricity_per_kwh", "source"), "source"),
        (with_(-1.0, "machines", 1, "per_hour", "value"), "per_hour.value: .*greater than or equal to 0"),
        (with_(float("1e15"), "machines", 0, "purchase", "value"), "less than or equal"),
        (with_("2026-03-01", "machines", 0, "purchase", "date"), "later than today"),
        (with_(900.0, "carbon_g_per_kwh", "low"), "must rise"),
        (with_("x86-avx3", "machines", 0, "host_class"), "did you mean x86-avx2"),
        (without("machines", 0, "life_years"), "need life_years above 0"),
        (with_(0.0, "machines", 0, "life_years", "value"), "need life_years above 0"),
        (without("machines", 0, "purchase"), "either purchase .* or per_hour"),
        (with_(False, "machines", 0, "dedicated"), "costs nothing to have"),
        (with_("busy", "machines", 0, "billed"), "can be billed: busy"),
        (with_("gpu", "machines", 0, "name"), "two machines have one name"),
        (with_("laptop", "training", "machine"), "none of server, gpu"),
        (with_(0.5, "machines", 0, "pue", "value"), "pue is 1 at least"),
        (with_(1, "machines", 0, "watts"), "watts: is unknown"),
        (with_([], "machines"), "machines"),
        (with_("euro", "currency"), "currency"),
    ],
)
def test_what_cannot_be_checked_or_cannot_be_is_refused(
    prices_values: dict[str, Any], tmp_path: Path, change: Callable[[dict[str, Any]], None], help_: str
) -> None:
    change(prices_values)
    with pytest.raises(InputError, match=help_):
        read(prices_values, tmp_path)


@pytest.mark.parametrize(
    ("name", "text"), [("p.txt", "{}"), ("p.json", "{"), ("p.json", "[]"), ("p.yaml", "a: &b 1\nc: *b")]
)
def test_what_is_no_file_of_prices_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=r"prices|YAML"):
        read_prices(tmp_path / name, TODAY)
    with pytest.raises(InputError, match="there is no file of prices"):
        read_prices(tmp_path / "none.yaml", TODAY)
