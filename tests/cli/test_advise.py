from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpaint.cli.advise import command_of
from underpaint.cli.app import build_parser
from underpaint.core.artifact import verify
from underpaint.runtime.fingerprint import read_fingerprint
from underpaint.stages.optimize.advise.measuring import place_named

ASKED = ("--volume", "100000/month", "--latency", "5s")


def stated(value: float) -> dict[str, Any]:
    return {"value": value, "source": "an offer", "date": "2026-01-01"}


@pytest.fixture
def folder(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the tiny model and prices of a machine like this one and of another."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNDERPAINT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0), raising=False)
    (tmp_path / "tiny").symlink_to(tiny_model)
    here = place_named(None, read_fingerprint()).host_class
    own = {"name": "own", "place": "server", "host_class": here, "dedicated": False}
    rented = {"name": "rented", "place": "cloud", "host_class": "cuda-base", "per_hour": stated(1.0)}
    prices = {
        "schema_id": "underpaint.machine-prices/1",
        "currency": "EUR",
        "electricity_per_kwh": stated(0.3),
        "carbon_g_per_kwh": stated(300.0),
        "machines": [own | {"idle_watts": stated(5.0), "busy_watts": stated(20.0)}, rented],
    }
    (tmp_path / "prices.json").write_text(json.dumps(prices))
    return tmp_path


def test_the_command_that_gives_the_advice_again_asks_for_the_same() -> None:
    asked = (
        "advise",
        "tiny",
        *ASKED,
        "--prices",
        "my prices.json",
        "--seconds",
        "60",
        "--measured",
        "a",
        "--measured",
        "b",
    )
    given = build_parser("advise").parse_args([*asked, "--threads", "2", "--out", "new"])
    again = build_parser("advise").parse_args(shlex.split(command_of(given))[1:])
    assert vars(again) == vars(given)


@pytest.mark.slow
def test_this_machine_is_measured_once_and_the_others_are_not_guessed(
    underpaint: Callable[..., Any], folder: Path
) -> None:
    call = ("advise", "tiny", *ASKED, "--prices", "prices.json", "--seconds", "0.2")
    done = underpaint(*call, "--out", "advice", "--json")
    assert done.code == 0, done.stderr
    assert {row["machine"]: row["status"] for row in done.json["rows"]} == {"own": "ok", "rented": "not_measured"}
    assert verify(folder / "advice", kind="advice").files.keys() == {"advice.json", "advice.html"}
    again = underpaint(*call)
    assert again.code == 0, again.stderr
    assert "measure this machine" not in again.stderr
    assert "not measured" in again.stdout
    assert "an offer (2026-01-01)" in again.stdout
    refused = underpaint(*call, "--out", "advice")
    assert (refused.code, "exists already" in refused.stderr) == (6, True)


@pytest.mark.slow
def test_a_measurement_is_carried_to_another_machine(underpaint: Callable[..., Any], folder: Path) -> None:
    made = underpaint("advise", "tiny", "--measure-only", "--seconds", "0.2", "--out", "measured")
    assert made.code == 0, made.stderr
    assert "--measured measured" in made.stdout
    path = folder / "measured" / "measured.json"
    values = json.loads(path.read_text()) | {"host_class": "cuda-base", "device": "cuda"}
    (folder / "elsewhere.json").write_text(json.dumps(values))
    call = ("advise", "tiny", *ASKED, "--prices", "prices.json", "--measured", "measured")
    done = underpaint(*call, "--measured", "elsewhere.json", "--json")
    assert done.code == 0, done.stderr
    assert {row["status"] for row in done.json["rows"]} == {"ok"}
    (folder / "elsewhere.json").write_text(json.dumps(values | {"model_digest": "0" * 64}))
    refused = underpaint(*call, "--measured", "elsewhere.json")
    assert (refused.code, "not of" in refused.stderr) == (4, True)


@pytest.mark.parametrize(
    ("arguments", "help_"),
    [
        (("--volume", "100000", "--latency", "1s", "--prices", "prices.json"), "write 100000/month"),
        (("--volume", "1/day", "--latency", "500", "--prices", "prices.json"), "500ms"),
        (
            (
                "--volume",
                "1/day",
            ),
            "--latency and --prices missing",
        ),
        ((*ASKED, "--prices", "prices.json", "--peak-to-mean", "0.5"), "between 1 and 1000"),
        ((*ASKED, "--prices", "prices.json", "--peak-to-mean", "nan"), "between 1 and 1000"),
        ((*ASKED, "--prices", "prices.json", "--threads", "0"), "at least 1"),
        ((*ASKED, "--prices", "prices.json", "--seconds", "-1"), "greater than 0"),
        ((*ASKED, "--prices", "prices.json", "--measured", "none"), "--measure-only"),
        (("--measure-only",), "--out DIR"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_what_to_write(
    underpaint: Callable[..., Any], folder: Path, arguments: tuple[str, ...], help_: str
) -> None:
    done = underpaint("advise", "tiny", *arguments)
    assert (done.code, done.stdout) == (2, "")
    assert help_ in done.stderr
