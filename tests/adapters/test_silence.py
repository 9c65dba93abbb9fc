"""Engines that phone home by default must not do so here: no socket, no process, no file in the user's folders."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from underpaint.adapters.onnx import write_structure
from underpaint.adapters.openvino import convert

SOCKET_CALLS = {"x86_64": 41, "aarch64": 198}
"""The number of the system call ``socket``."""

GUARD = """
import ctypes, json, os, struct, sys, time

def kill_whoever_opens_a_socket(number):
    # A filter of system calls holds for native code and for threads too; it needs no privileges.
    steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x80000000), (0x06, 0, 0, 0x7FFF0000)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    filter = ctypes.create_string_buffer(struct.pack("HP", len(steps), ctypes.addressof(program)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, filter, 0, 0) == 0, os.strerror(ctypes.get_errno())

events = []
WATCHED = ("socket.", "subprocess.", "os.fork", "os.posix_spawn", "os.exec", "os.system", "urllib.", "http.")
sys.addaudithook(lambda event, arguments: events.append(event) if event.startswith(WATCHED) else None)
if len(sys.argv) > 1 and sys.argv[1] != "0":
    kill_whoever_opens_a_socket(int(sys.argv[1]))
"""

RUN = """
from pathlib import Path
import numpy as np
from underpaint.adapters import onnxruntime, openvino
folder = Path({folder!r})
weights = {{"table": np.load(folder / "table.npy")}}
feeds = {{"x": np.ones((2, 16), np.float32), "scale": np.asarray(2, np.float32)}}
found = []
for graph in (
    onnxruntime.load_graph(folder / "graph.onnx", weights, threads=2, sha256=None),
    openvino.load_graph(folder / "graph.xml", threads=2, cache=folder / "cache"),
):
    found.append(graph.run(feeds)["y"])
assert np.allclose(*found, atol=1e-5)
time.sleep(0.3)  # time for a thread that would report
"""

TELL = """
handles = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
links = [os.readlink(handle) for handle in handles if os.path.lexists(handle)]
sockets = [link for link in links if link.startswith("socket:")]
print(json.dumps({"events": events, "sockets": len(sockets), "modules": sorted(sys.modules)}))
"""


@dataclass(frozen=True)
class Told:
    """What a fresh process did: how it ended, what Python saw, open sockets, modules, files in its home folder."""

    code: int
    stderr: str
    events: list[str]
    sockets: int
    modules: set[str]
    files: list[str]


def watch(body: str, home: Path, *, filtered: bool = True) -> Told:
    """Run some lines in a fresh process that believes to be nobody's test."""
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")}
    number = SOCKET_CALLS.get(platform.machine(), 0) if filtered else 0
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", GUARD + body + TELL, str(number)],
        env={**kept, "HOME": str(home), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = json.loads(finished.stdout.splitlines()[-1]) if finished.returncode == 0 else {}
    return Told(
        code=finished.returncode,
        stderr=finished.stderr,
        events=told.get("events", []),
        sockets=told.get("sockets", 0),
        modules=set(told.get("modules", [])),
        files=sorted(str(path.relative_to(home)) for path in home.rglob("*")),
    )


@pytest.fixture
def body(tiny, tmp_path: Path) -> str:
    """Lines that load and run a graph with both engines."""
    import numpy as np

    whole = tiny.write(tmp_path / "whole.onnx")
    np.save(tmp_path / "table.npy", write_structure(whole, tmp_path / "graph.onnx")["table"])
    convert(whole, tmp_path / "graph.xml", half=False)
    return RUN.format(folder=str(tmp_path))


def test_a_fresh_process_runs_both_engines_in_silence_and_without_torch(body: str, tmp_path: Path):
    told = watch(body, tmp_path / "home")
    assert told.code == 0, told.stderr
    assert told.stderr == ""
    assert told.events == [] and told.sockets == 0
    assert told.files == []
    assert not told.modules & {"torch", "onnx", "nncf", "openvino_telemetry.main", "transformers", "diffusers"}
    assert {"onnxruntime", "openvino"} <= told.modules


SIGN = """
import io
from datetime import UTC, datetime
from pathlib import Path
from PIL import Image
from underpaint.adapters import c2pa
from underpaint.pipelines.signer import local
os.environ["UNDERPAINT_KEYS"] = {keys!r}
signer, plain = local(datetime.now(UTC)).signer, io.BytesIO()
Image.new("RGB", (16, 16)).save(plain, "PNG")
source = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
action = {{"action": "c2pa.created", "digitalSourceType": source}}
made = {{"assertions": [{{"label": "c2pa.actions.v2", "data": {{"actions": [action]}}}}]}}
made["claim_generator_info"] = [{{"name": "test"}}]
signed = c2pa.sign(plain.getvalue(), "image/png", made, signer)
assert c2pa.read(signed, "image/png").failures == ()
remote = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
remote += b'<rdf:Description xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="http://127.0.0.1:9/c2pa"/>'
remote += b"</rdf:RDF></x:xmpmeta>"
pointing = io.BytesIO()
Image.new("RGB", (16, 16)).save(pointing, "JPEG", xmp=remote)
found = c2pa.read(pointing.getvalue(), "image/jpeg")
assert found is not None and found.failures == (c2pa.REMOTE,), found
time.sleep(0.3)
"""


def test_a_fresh_process_signs_and_reads_in_silence_even_what_points_to_a_remote_credential(tmp_path: Path):
    told = watch(SIGN.format(keys=str(tmp_path / "keys")), tmp_path / "home")
    assert told.code == 0, told.stderr
    assert (told.stderr, told.events, told.sockets, told.files) == ("", [], 0, [])
    assert {"c2pa", "cryptography"} <= told.modules and not told.modules & {"torch", "requests"}


NATIVE = "ctypes.CDLL(None).socket(1, 1, 0)\n"
PYTHON = "import socket; kept = socket.socket(socket.AF_UNIX)\n"
THREAD = """
import threading
reporter = threading.Thread(target=lambda: ctypes.CDLL(None).socket(1, 1, 0))
reporter.start(), reporter.join()
"""


@pytest.mark.skipif(platform.machine() not in SOCKET_CALLS, reason="the number of the system call is not known")
@pytest.mark.parametrize("planted", [NATIVE, PYTHON, THREAD], ids=["native", "python", "thread"])
def test_a_planted_socket_ends_the_process(tmp_path: Path, planted: str):
    assert watch(planted, tmp_path / "home").code == -signal.SIGSYS


def test_what_is_planted_is_seen_where_calls_cannot_be_filtered(tmp_path: Path):
    assert watch(NATIVE, tmp_path / "home", filtered=False).sockets == 1
    assert "socket.__new__" in watch(PYTHON, tmp_path / "home", filtered=False).events
    assert "os.fork" in watch("os.fork() or os._exit(0)\n", tmp_path / "home").events
    assert watch("Path = __import__('pathlib').Path; (Path.home() / 'id').touch()\n", tmp_path / "home").files == ["id"]
