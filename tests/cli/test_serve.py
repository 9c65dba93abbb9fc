"""``underpaint serve``: what keeps it from starting is said once, with the exit code that belongs to it."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest


def test_settings_that_cannot_be_used_are_named(underpaint, tmp_path):
    for arguments in (
        ["--port", 70000],
        ["--host", "0.0.0.0"],
        ["-m", "nothing-here"],
        ["--settings", tmp_path / "no.toml"],
    ):
        finished = underpaint("serve", "--state", tmp_path / "state", *arguments)
        assert finished.code == 2, finished
        assert len(finished.stderr.strip().splitlines()) == 1


def test_a_port_that_is_taken_is_said(underpaint, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        finished = underpaint("serve", "--state", tmp_path, "--port", taken.getsockname()[1])
    assert finished.code == 6 and "choose another with --port" in finished.stderr


def test_without_the_extra_the_command_that_installs_it_is_said(underpaint, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    finished = underpaint("serve", "--state", tmp_path)
    assert finished.code == 5 and "pip install 'underpaint[serve]'" in finished.stderr


@pytest.mark.slow
def test_a_default_model_that_cannot_be_loaded_ends_the_server_with_the_reason(underpaint, tmp_path):
    finished = underpaint("serve", "--state", tmp_path, "--port", 0, "--memory", 1)
    assert finished.code == 5
    assert "allow more with --memory" in finished.stderr.splitlines()[-1] and "Traceback" not in finished.stderr


def test_drawing_loads_no_web_framework():
    code = (
        "import sys; import underpaint.pipelines.generator, underpaint.cli.generate, underpaint.stages.serve.service; "
        "print([name for name in ('fastapi', 'starlette', 'uvicorn', 'prometheus_client') if name in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
