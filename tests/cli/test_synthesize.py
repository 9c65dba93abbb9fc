from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from underpaint.core.samples import read_samples


@pytest.fixture
def synthesize(underpaint, tiny_model: Path, tmp_path: Path) -> Callable:
    """Run ``underpaint synthesize`` with the tiny model and one file of prompts."""

    def call(prompts: str, *arguments: object, name: str = "wishes.txt", out: str = "drawn"):
        (tmp_path / name).write_text(prompts)
        where = ("--out", tmp_path / out, "--cache", tmp_path / "cache")
        return underpaint("synthesize", tiny_model, "--prompts", tmp_path / name, *where, *arguments)

    return call


def test_a_file_of_prompts_becomes_a_data_set_that_the_check_calls_sound(
    synthesize, underpaint, tmp_path: Path
) -> None:
    finished = synthesize("a cat\na red apple\n", "--style", "flat", "-n", 2, "--json")
    assert finished.code == 0, finished.stderr
    figures = finished.json["figures"]
    assert (figures["asked_for"], figures["captions"], figures["license"]) == (4, 2, "Apache-2.0")
    assert {(s.caption, s.style) for s in read_samples(tmp_path / "drawn")} == {
        ("a cat", "flat"),
        ("a red apple", "flat"),
    }
    checked = underpaint("data", "check", tmp_path / "drawn", "--json")
    assert checked.code == 0, checked.stderr


def test_a_template_draws_every_combination(synthesize, tmp_path: Path) -> None:
    values = {"template": "a {color} {thing}", "color": ["red", "blue"], "thing": ["apple", "cat"], "style": "noto"}
    finished = synthesize(json.dumps(values), "--quiet", name="fruit.json")
    assert finished.code == 0, finished.stderr
    assert finished.stderr == "" and "nearness to training pictures: not measured" in finished.stdout
    captions = {f"a {color} {thing}" for color in ("red", "blue") for thing in ("apple", "cat")}
    assert {s.caption for s in read_samples(tmp_path / "drawn")} == captions


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--style", "oil"), "unknown style"),
        (("--batch-size", 0), "--batch-size is 0"),
        (("--redraws", -1), "redraws"),
        (("--name", "No Name"), "--name"),
        (("--license", "mine"), "license"),
        (("--date", "today"), "date"),
        (("--data", "."), "no finished artifact"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(synthesize, tmp_path: Path, arguments: tuple, words: str) -> None:
    finished = synthesize("a cat\n", *arguments)
    assert finished.code in (2, 3, 4) and words in finished.stderr
    assert not (tmp_path / "drawn").exists()


@pytest.mark.slow
def test_killed_outright_it_goes_on_where_it_was(synthesize, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "wishes.txt").write_text("a cat\na dog\n")
    where = ("--out", tmp_path / "drawn", "--cache", tmp_path / "cache", "--prompts", tmp_path / "wishes.txt")
    arguments = [sys.executable, "-m", "underpaint", "synthesize", tiny_model, *where, "-n", 6, "--batch-size", 1]
    process = subprocess.Popen([str(argument) for argument in arguments], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(list((tmp_path / "cache").rglob("*.png"))) < 3:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.png")}
    assert not (tmp_path / "drawn").exists() and len(kept) < 24
    again = synthesize("a cat\na dog\n", "-n", 6, "--json")
    fresh = synthesize("a cat\na dog\n", "-n", 6, "--json", "--name", "drawn", "--cache", tmp_path / "other", out="two")
    assert again.code == fresh.code == 0
    assert again.json["digest"] == fresh.json["digest"]
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
