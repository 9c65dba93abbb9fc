"""Laws of the lock on a state folder."""

from __future__ import annotations

import shutil
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from underpaint.core.errors import StoreBusy, StoreMoved
from underpaint.stages.serve import announcement
from underpaint.stages.serve.announcement import announced
from underpaint.stages.serve.state_lock import StateLock, check_state


def test_one_at_a_time_has_a_folder(tmp_path):
    lock = StateLock(tmp_path / "state")
    with pytest.raises(StoreBusy, match="used by another server"):
        StateLock(tmp_path / "state")
    lock.close()
    StateLock(tmp_path / "state").close()


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

    def log_request(self, code="-", size="-"):
        pass


@pytest.fixture
def answering(monkeypatch):
    """Address of a server that answers as ours do; however busy the machine is, its answer is waited for."""
    monkeypatch.setattr(announcement, "ANSWER_S", 60.0)
    with ThreadingHTTPServer(("127.0.0.1", 0), Healthy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_who_is_refused_is_told_where_the_other_server_is(tmp_path, answering):
    lock = StateLock(tmp_path)
    with announced(tmp_path, answering), pytest.raises(StoreBusy) as caught:
        check_state(tmp_path)
    assert f"another server, at {answering}, whose studio is {answering}/studio/;" in str(caught.value)
    lock.close()


def test_who_is_refused_is_not_sent_to_an_address_that_a_killed_server_left_behind(tmp_path):
    lock = StateLock(tmp_path)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        (tmp_path / announcement.NAME).write_text(f"http://127.0.0.1:{silent.getsockname()[1]}\n")
        with pytest.raises(StoreBusy, match="used by another server; stop it"):
            check_state(tmp_path)
    lock.close()


def test_a_folder_that_is_taken_away_is_held_again_when_it_is_back(tmp_path):
    state = tmp_path / "state"
    lock = StateLock(state)
    state.rename(tmp_path / "away")
    assert not lock.is_held()
    with pytest.raises(StoreMoved, match="put it back"):
        lock.hold()
    assert not state.exists()
    (tmp_path / "away").rename(state)
    lock.hold()
    assert lock.is_held()
    lock.close()


def test_a_folder_that_was_put_in_its_place_is_taken_unless_another_server_has_it(tmp_path):
    state = tmp_path / "state"
    lock = StateLock(state)
    shutil.copytree(state, tmp_path / "copy")
    state.rename(tmp_path / "away")
    (tmp_path / "copy").rename(state)
    other = StateLock(state)
    with pytest.raises(StoreBusy):
        lock.hold()
    assert not lock.is_held()
    other.close()
    lock.hold()
    assert lock.is_held()
    lock.close()
