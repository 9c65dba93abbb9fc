"""``underpaint serve``: what keeps it from starting is said once, with the exit code that belongs to it."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from dataclasses import replace

import pytest

from underpaint.cli.serve import in_words
from underpaint.core.installing import pip_command
from underpaint.pipelines import engine_choice
from underpaint.pipelines.exported_folder import open_exported, shipped_exports
from underpaint.runtime.processor import Processor
from underpaint.stages.serve.engine import catalog
from underpaint.stages.serve.http import app, running
from underpaint.stages.serve.state_lock import StateLock


def test_that_it_serves_is_said_when_it_answers_and_not_before(underpaint, tmp_path, monkeypatch, capfd):
    before: list[str] = []

    def serve(application, listener, on_ready=lambda: None):
        before.append(capfd.readouterr().err)
        on_ready()

    monkeypatch.setattr(app, "Application", lambda config: None)
    monkeypatch.setattr(running, "serve", serve)
    finished = underpaint("serve", "--state", tmp_path, "--port", 0)
    assert finished.code == 0 and len(before) == 1 and "port = 0" in before[0] and "serving" not in before[0]
    assert re.search(r"^serving stickers-64(, [\w-]+)* on http://127\.0\.0\.1:\d+$", finished.stderr, re.MULTILINE)


def test_models_that_are_made_for_bfloat16_are_told_at_the_start_where_the_processor_does_not_multiply_it(
    underpaint, tmp_path, monkeypatch
):
    flags, graph = ["avx2"], open_exported(shipped_exports()["stickers-64-onnx"])
    made = {
        precision: replace(graph, edge=graph.edge.model_copy(update={"precision": precision}))
        for precision in ("fp32", "bf16", "int8_bf16")
    }
    monkeypatch.setattr(engine_choice, "read_processor", lambda: Processor(family="x86", flags=tuple(flags)))
    monkeypatch.setattr(catalog, "open_model", made.__getitem__)
    monkeypatch.setattr(app, "Application", lambda config: catalog.open_catalog(config.models, device=config.device))
    monkeypatch.setattr(running, "serve", lambda application, listener, on_ready: on_ready())

    def said() -> list[str]:
        models = (argument for name in made for argument in ("-m", f"in-{name}={name}"))
        finished = underpaint("serve", "--state", tmp_path, "--port", 0, *models)
        assert finished.code == 0
        return [line.partition(", and ")[0] for line in finished.stderr.splitlines() if line.startswith("note: ")]

    told = "note: {} is drawn in 32 bits here: it is made for bfloat16"
    assert said() == [told.format("in-bf16"), told.format("in-int8_bf16")]
    flags.append("amx_bf16")
    assert not said()


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
    assert finished.code == 5 and pip_command("serve") in finished.stderr


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


def test_a_state_folder_that_another_server_has_is_said_before_anything_is_loaded(tmp_path):
    lock = StateLock(tmp_path)
    try:
        code = (
            "import sys; from underpaint.cli.app import main; "
            f"code = main(['serve', '--state', {str(tmp_path)!r}, '-m', 'nothing-here']); "
            "print(code, 'underpaint.stages.serve.http.app' in sys.modules, 'onnxruntime' in sys.modules)"
        )
        finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    finally:
        lock.close()
    assert "is used by another server" in finished.stderr
    assert finished.stdout.split() == ["6", "False", "False"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"stickers-64": None, "mine": "folder"}, "stickers-64, mine=folder"),
        ({"stickers-64": None, "stickers-128": "stickers-128"}, "stickers-64, stickers-128"),
        ({"low": 1}, "low=1"),
        ({"defaults": {"pictures_per_day": 5}}, "defaults=pictures_per_day=5"),
        (True, "true"),
        (None, "none"),
        (["a", "b"], "a, b"),
        (9000, "9000"),
    ],
)
def test_settings_are_shown_as_they_are_written(value, words):
    assert in_words(value) == words
