"""Finding a model on a hub: a cached one without a network, and a small hub of our own that says no."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub
import pytest

from underpaint.adapters.diffusers.locating import find_folder, is_hub_id
from underpaint.core.errors import ArtifactError, InputError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, and no network."""
    constants = huggingface_hub.constants
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.setattr(constants, name, str(tmp_path / "hub"), raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert find_folder(str(tmp_path)) == tmp_path


def test_a_mistyped_path_is_no_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "artifacts").mkdir()
    assert is_hub_id("owner/name@refs/pr/1")
    assert not is_hub_id("artifacts/nano")
    assert not is_hub_id("nano")
    with pytest.raises(InputError, match="neither a folder nor a repository"):
        find_folder("a/b/c")


def test_without_a_network_a_model_that_is_not_cached_says_what_to_do(cache: Path) -> None:
    with pytest.raises(ArtifactError, match=r"hub cannot be reached.*hf download owner/name --local-dir"):
        find_folder("owner/name")


def test_without_a_network_a_cached_model_is_found(cache: Path, tiny_diffusers: Callable[[str], Path]) -> None:
    repository = cache / "models--owner--name"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    snapshot = Path(shutil.copytree(tiny_diffusers("sd"), repository / "snapshots" / COMMIT))
    assert find_folder("owner/name") == snapshot


@pytest.fixture
def refusing_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, str | int]]:
    """A hub on this machine that answers everything with one error."""
    answer: dict[str, str | int] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(answer["status"]))
            self.send_header("X-Error-Code", str(answer["code"]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    constants, address = huggingface_hub.constants, f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield answer
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (403, "GatedRepo", "owner/name is gated.*hf auth login"),
        (404, "RepoNotFound", "the hub has no owner/name"),
        (404, "RevisionNotFound", "no such revision"),
        (404, "EntryNotFound", r"no model_index\.json, so it is no diffusers pipeline"),
    ],
)
def test_a_refusal_of_the_hub_says_what_to_do(
    refusing_hub: dict[str, str | int], status: int, code: str, message: str
) -> None:
    refusing_hub |= {"status": status, "code": code}
    with pytest.raises(ArtifactError, match=message):
        find_folder("owner/name")
