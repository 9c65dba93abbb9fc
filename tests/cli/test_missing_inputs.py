"""A path that was typed and is not there leaves with one code, whatever the command and whatever it should hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpaint.cli.app import COMMANDS, ERROR_CODES
from underpaint.core.errors import InputError

PICTURES = ("data", "build", "folder", "none", "--license", "CC0-1.0", "--out", "new")
MISSING: dict[str, tuple[str, ...]] = {
    "pictures": PICTURES,
    "table": (*PICTURES[:3], "none.csv", *PICTURES[4:]),
    "data set to check": ("data", "check", "none"),
    "data set to thin out": ("data", "exclude", "none", "--list", "none.jsonl", "--out", "new"),
    "data sets to compare": ("data", "diff", "none", "none"),
    "data set to learn from": ("train", "smoke", "--data", "none", "--out", "new"),
    "model to start from": ("train", "--from", "none", "--data", "none", "--out", "new"),
    "model that draws": ("generate", "a cat", "-m", "none"),
    "picture to draw again": ("generate", "--like", "none.png"),
    "prompts": ("generate", "--prompts", "none.txt"),
    "picture": ("show", "none.png"),
    "picture to verify": ("verify", "none.png"),
    "labeled prompts": ("synthesize", "tiny", "--prompts", "none.csv", "--data", "none", "--out", "new"),
    "model to judge": ("evaluate", "none", "--data", "none", "--out", "new"),
    "data set to judge with": ("evaluate", "tiny", "--data", "none", "--out", "new"),
    "evaluations": ("compare", "none", "none"),
    "candidate": ("gate", "none", "--against", "none", "--policy", "policy.toml"),
    "policy": ("gate", "none", "--against", "none", "--policy", "none.toml"),
    "model to make faster": ("optimize", "none", "--data", "none", "--policy", "policy.toml", "--out", "new"),
    "data set to search with": ("optimize", "tiny", "--data", "none", "--policy", "policy.toml", "--out", "new"),
    "policy of a search": ("optimize", "tiny", "--data", "none", "--policy", "none.toml", "--out", "new"),
    "optimized model to take back": ("optimize", "--undo", "none"),
    "model to export": ("export", "none", "--out", "new"),
    "model to advise on": ("advise", "none", "--measure-only", "--out", "new"),
    "prices": ("advise", "tiny", "--volume", "1/day", "--latency", "1s", "--prices", "none.yaml"),
    "picture to edit": ("edit", "none.png"),
    "picture to enlarge": ("upscale", "none.png"),
    "pictures for stickers": ("stickers", "none.png", "--for", "slack"),
    "words of a series": ("sheet", "--prompts", "none.txt"),
    "settings of a server": ("serve", "--settings", "none.toml"),
    "settings of a studio": ("studio", "--settings", "none.toml"),
    "policy for prompts": ("policy", "check", "none.json"),
    "prompts to decide about": ("policy", "check", "--prompts", "none.txt"),
    "model to vary": ("sweep", "none", "--guidance", "1,2", "--data", "none", "--out", "new"),
}


def test_every_command_is_among_them() -> None:
    assert {arguments[0] for arguments in MISSING.values()} == set(COMMANDS) - {"doctor", "keys"}, "these take no path"


@pytest.mark.parametrize("case", MISSING)
def test_a_path_that_is_not_there_has_one_exit_code(
    underpaint: Callable[..., Any], tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").symlink_to(tiny_model)
    (tmp_path / "policy.toml").write_text(
        'schema = "underpaint.policy/1"\nname = "tiny"\nn_max = 160\nmin_power = 0.5\n[[metrics]]\n'
        'id = "kid@randconv-v1"\ntier = "required"\ndirection = "lower"\nmargin = {absolute = 0.5}\n'
    )
    arguments = MISSING[case]
    done = underpaint(*arguments)
    assert (done.code, done.stdout) == (ERROR_CODES.get(arguments[0], InputError.exit_code), ""), done.stderr
    assert "none" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "new").exists()
