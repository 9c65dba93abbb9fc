"""Laws of the engine's side of the conversation."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from underpaint.pipelines import engine_choice
from underpaint.pipelines.exported_folder import open_exported, shipped_exports
from underpaint.runtime.processor import Processor
from underpaint.stages.serve.engine.frames import receive
from underpaint.stages.serve.engine.worker import Worker, load


class HeardMeanwhile(set[tuple[int, int]]):
    """Orders that nobody wants; one more comes while they are looked through."""

    def __init__(self, worker: Worker) -> None:
        super().__init__({(1, 0), (1, 1)})
        frame = {"do": "drop", "batch": 2, "number": 3}, b""
        self._listener = threading.Thread(target=worker._hear, args=(frame,))

    def __iter__(self) -> Iterator[tuple[int, int]]:
        there = super().__iter__()
        yield next(there)
        self._listener.start()
        self._listener.join(0.2)
        yield from there

    def settle(self) -> None:
        self._listener.join()


def test_an_order_that_is_dropped_while_a_batch_ends_is_dropped_and_ends_nothing():
    ours, theirs = socket.socketpair()
    nothing: Any = SimpleNamespace(draw=lambda *_: iter(()))
    with ours, theirs:
        worker = Worker(ours)
        worker._dropped = dropped = HeardMeanwhile(worker)
        worker._draw(nothing, {"batch": 1, "orders": []})
        dropped.settle()
        while (frame := receive(theirs)) is not None and frame[0]["say"] != "done":
            pass
    assert worker._dropped == {(2, 3)}


def test_what_the_server_has_said_of_a_model_is_not_said_again_where_it_is_loaded(
    recwarn: pytest.WarningsRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = open_exported(shipped_exports()["stickers-64-onnx"])
    halved = replace(graph, edge=graph.edge.model_copy(update={"precision": "bf16"}))
    monkeypatch.setattr(engine_choice, "read_processor", lambda: Processor(family="x86", flags=("avx2",)))
    monkeypatch.setattr("underpaint.pipelines.opening.open_model", lambda _address: halved)
    load({"address": "mine", "engine": "onnx", "device": None, "threads": 1, "sign": False}, lambda _progress: None)
    assert not recwarn.list and engine_choice.bfloat16_elsewhere(halved) is not None
