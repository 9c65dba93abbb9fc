from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpaint.stages.serve.security.key_file import KeyFile
from underpaint.stages.serve.security.key_ring import KeyRing


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNDERPAINT_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys" / "serve.json"


def test_a_key_is_shown_once_and_opens(underpaint: Callable[..., Any], file: Path) -> None:
    done = underpaint("keys", "create", "ann", "--role", "operator", "--rate", 90, "--quota", 500)
    assert done.code == 0
    text = done.stdout.strip()
    record = KeyRing(KeyFile(file)).holder(text)
    assert record is not None
    assert (record.name, record.role) == ("ann", "operator")
    assert (record.limits.requests_per_minute, record.limits.pictures_per_day) == (90, 500)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret = text.split("_", 2)[2]
    for arguments in (("list",), ("list", "--json"), ("revoke", "ann")):
        done = underpaint("keys", *arguments)
        assert done.code == 0
        assert secret not in done.stdout + done.stderr
        assert record.sha256 not in done.stdout
    assert KeyRing(KeyFile(file)).holder(text) is None


def test_json_holds_the_key_and_quiet_leaves_the_note_out(underpaint: Callable[..., Any], file: Path) -> None:
    done = underpaint("keys", "create", "bob", "--json", "--quiet")
    assert json.loads(done.stdout)["key"].startswith("up_")
    assert done.stderr == ""


def test_the_list_says_what_there_is(underpaint: Callable[..., Any], file: Path) -> None:
    assert "holds no keys" in underpaint("keys", "list").stdout
    underpaint("keys", "create", "ann", "--pictures", 2.5)
    lines = underpaint("keys", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["name", "ann"]
    assert "2.5" in lines[1]


def test_the_file_may_be_another(underpaint: Callable[..., Any], file: Path, tmp_path: Path) -> None:
    underpaint("keys", "create", "ann", "--keys", tmp_path / "other.json")
    assert not file.exists()
    assert len(KeyFile(tmp_path / "other.json").read()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("create", "a b"), "letters, digits"),
        (("create", "ann", "--rate", "0"), "greater than 0"),
        (("create", "ann", "--quota", "-1"), "greater than or equal to 0"),
        (("create", "ann", "--rate", "-1", "--quota", "-2"), "--quota must be greater than or equal to 0, got -2"),
        (("create", "ann", "--rate", "-1", "--quota", "-2"), "--rate must be greater than 0, got -1"),
        (("revoke", "nobody"), "no key is called 'nobody'"),
    ],
)
def test_mistakes_leave_with_2(
    underpaint: Callable[..., Any], file: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = underpaint("keys", *arguments)
    assert (done.code, done.stdout) == (2, "")
    assert message in done.stderr
