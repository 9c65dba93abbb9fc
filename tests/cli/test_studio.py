"""``underpaint studio``: one server a state folder, its page found again, no browser in a terminal."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from underpaint.cli.studio import has_screen
from underpaint.stages.serve import announcement
from underpaint.stages.serve.announcement import announced, running_at
from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.http.running import address_of, listening

ADDRESS = re.compile(r"the studio is at (http://127\.0\.0\.1:\d+)/studio/")


@pytest.mark.slow
def test_the_page_is_served_and_found_again_by_a_second_call(underpaint, tmp_path):
    command = [
        sys.executable,
        "-m",
        "underpaint",
        "studio",
        "--no-browser",
        "--port",
        "0",
        "--state",
        tmp_path,
        "--json",
    ]
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None and process.stdout is not None
        line = process.stderr.readline()
        found = ADDRESS.search(line)
        assert found is not None, line + process.stderr.read()
        page = urllib.request.urlopen(f"{found[1]}/", timeout=60)
        assert page.status == 200 and b"/studio/" in page.read()
        again = underpaint("studio", "--no-browser", "--state", tmp_path, "--json")
        assert again.code == 0 and json.loads(again.stdout)["address"] == found[1]
    finally:
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and json.loads(stdout)["is_started"] is True
    assert running_at(tmp_path) is None and not (tmp_path / "address").exists()


@pytest.fixture
def state(tmp_path, monkeypatch):
    """A state folder with a server that answers that it is well, and nothing else."""
    monkeypatch.setattr(announcement, "ANSWER_S", 60.0)

    class Health(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "ok"}')

        def log_request(self, code="-", size="-"):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with announced(tmp_path, f"http://127.0.0.1:{server.server_port}"):
            yield tmp_path
        server.shutdown()


def test_of_a_server_that_runs_already_it_is_said_which_options_changed_nothing(underpaint, state):
    plain = underpaint("studio", "--no-browser", "--state", state)
    assert plain.code == 0 and "/studio/ (a server that runs already)\n" in plain.stderr
    asked = underpaint("studio", "--no-browser", "--state", state, "--port", "9", "-m", "mine=x", "--engine", "onnx")
    assert "(a server that runs already, so --port, --model, --engine changed nothing)" in asked.stderr
    assert "Ctrl-C" not in plain.stderr + asked.stderr


def test_an_address_under_which_nobody_answers_does_not_count(tmp_path):
    assert running_at(tmp_path) is None
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        with announced(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}"):
            assert running_at(tmp_path) is None
    for text in (b"file:///etc/passwd\n", b"\xff", b""):
        (tmp_path / "address").write_bytes(text)
        assert running_at(tmp_path) is None


def test_another_port_is_taken_only_where_none_was_asked_for():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = ServeConfig(port=taken.getsockname()[1])
        with listening(config, or_any=True) as listener:
            assert listener.getsockname()[1] not in (0, config.port)
            assert address_of(listener).startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("platform", "variables", "is_shown"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("darwin", {}, True),
    ],
)
def test_a_browser_is_opened_only_where_there_is_a_screen(monkeypatch, platform, variables, is_shown):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert has_screen(platform) is is_shown
