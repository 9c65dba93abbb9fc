from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpaint.recipes.table import RECIPES

Call = Callable[..., Any]


def test_the_recipes_are_listed(underpaint: Call) -> None:
    done = underpaint("train", "--list")
    assert done.code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(RECIPES)
    assert set(underpaint("train", "--list", "--json").json["recipes"]) == set(RECIPES)


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        ((), 2, "no recipe given"),
        (("smok",), 2, "did you mean 'smoke'"),
        (("zzz",), 2, "sticker-64-nano"),
        (("smoke",), 2, "--data DIR"),
        (("smoke", "--data", "set"), 2, "--out DIR"),
        (("smoke", "--data", "set", "--out", "new", "--threads", "-1"), 2, "--threads"),
        (("smoke", "--data", "set", "--out", "new"), 4, "set"),
    ],
)
def test_what_cannot_be_trained_is_one_message(
    underpaint: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = underpaint("train", *arguments)
    assert (done.code, done.stdout) == (code, "")
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "new").exists()
