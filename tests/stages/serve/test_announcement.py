"""Laws of the address of a server: it counts only while that server answers, and is its own to take away."""

from __future__ import annotations

import socket
import threading

import pytest

from underpaint.stages.serve.announcement import announced, running_at


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
def test_an_address_under_which_another_program_answers_does_not_count(tmp_path, said):
    def answer() -> None:
        connection, _ = other.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as other:
        thread = threading.Thread(target=answer)
        thread.start()
        with announced(tmp_path, f"http://127.0.0.1:{other.getsockname()[1]}"):
            assert running_at(tmp_path) is None
        thread.join(60)


def test_a_server_takes_away_no_address_but_its_own(tmp_path):
    with announced(tmp_path, "http://127.0.0.1:1"):
        (tmp_path / "address").write_text("http://127.0.0.1:2\n")
    assert (tmp_path / "address").read_text() == "http://127.0.0.1:2\n"
    with announced(tmp_path, "http://127.0.0.1:1"):
        pass
    assert not (tmp_path / "address").exists()
