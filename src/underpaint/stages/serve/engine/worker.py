"""The engine process: loads one model, draws what it is told, and ends when the server is gone.

    python -m underpaint.stages.serve.engine.worker FD

Orders come in as frames over the socket of that number. A second thread listens while pictures are drawn, so that an
order can be dropped on its way; a third finishes what is drawn. ``free`` is said when the device can draw again, or a
little before, ``done`` when all pictures of a batch are out.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from underpaint.core.errors import UnderpaintError
from underpaint.core.progress import Progress, Report
from underpaint.core.warning import PerformanceWarning
from underpaint.stages.serve.engine.finisher import Finisher
from underpaint.stages.serve.engine.foresight import Foresight
from underpaint.stages.serve.engine.frames import Frame, pack, receive
from underpaint.stages.serve.engine.orders import Order, Preview

if TYPE_CHECKING:
    from underpaint.stages.serve.engine.artist import Artist, Finish

SWITCH_S = 0.0005
"""How long what finishes a picture may keep what listens and draws from going on."""

Load = Callable[[dict[str, Any], Report], "Artist"]
"""From the first frame to what draws; told a function that takes progress."""


def load(told: dict[str, Any], report: Report) -> Artist:
    """Load the model that the first frame names; what there is to warn of, the server has said by the name it serves.

    Raises:
        UnderpaintError: It cannot be loaded; as ``load_opened`` raises it.
    """
    from underpaint.pipelines.generator import load_opened
    from underpaint.pipelines.opening import open_model
    from underpaint.stages.serve.engine.artist import Artist
    from underpaint.stages.serve.engine.seal import open_seal

    model = open_model(told["address"])
    given = {name: told[name] for name in ("engine", "device", "threads")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PerformanceWarning)
        generator = load_opened(model, **given, report=report)
    return Artist(generator, open_seal() if told["sign"] else None)


class Worker:
    """One side of the conversation.

    Args:
        connection: The socket to the server.
        load: Makes what draws.
    """

    def __init__(self, connection: socket.socket, load: Load = load) -> None:
        self._connection, self._load, self._lock = connection, load, threading.Lock()
        self._told: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._dropped: set[tuple[int, int]] = set()
        self._dropping = threading.Lock()
        self._finisher, self._foresight = Finisher(), Foresight(self._free_soon)

    def run(self) -> None:
        """Load what the first frame names, then draw until the server is gone."""
        threading.Thread(target=self._listen, name="listener", daemon=True).start()
        try:
            artist = self._load(self._told.get(), self._report)
            self._say({"say": "loaded", "loaded": artist.loaded().model_dump(mode="json")})
        except UnderpaintError as error:
            self._say({"say": "failed", "kind": type(error).__name__, "message": str(error)})
            return
        while True:
            self._draw(artist, self._told.get())

    def _listen(self) -> None:
        while (frame := receive(self._connection)) is not None:
            self._hear(frame)
        os._exit(0)

    def _hear(self, frame: Frame) -> None:
        told, _ = frame
        if told["do"] == "drop":
            with self._dropping:
                self._dropped.add((told["batch"], told["number"]))
        else:
            self._foresight.answered()
            self._told.put(told)

    def _say(self, said: dict[str, Any], body: bytes = b"") -> None:
        with self._lock:
            try:
                self._connection.sendall(pack(said, body))
            except OSError:
                os._exit(0)

    def _report(self, progress: Progress) -> None:
        self._say({"say": "progress", "task": progress.task})

    def _draw(self, artist: Artist, told: dict[str, Any]) -> None:
        batch, began = told["batch"], time.perf_counter()
        orders = [Order.model_validate(order) for order in told["orders"]]
        self._foresight.begin(batch, len(orders))
        try:
            drawn = artist.draw(
                orders,
                lambda number: (batch, number) in self._dropped,
                lambda number, preview: self._show(batch, number, preview),
            )
            for number, finish in drawn:
                self._finisher.give(partial(self._hand_over, batch, number, finish))
        except UnderpaintError as error:
            self._finisher.give(partial(self._fail, batch, error))
        with self._dropping:
            self._dropped = {one for one in self._dropped if one[0] > batch}
        seconds = time.perf_counter() - began
        if not self._foresight.end(len(orders), seconds):
            self._finisher.catch_up()
            self._say({"say": "free", "batch": batch, "in_s": 0.0})
        self._finisher.end_batch(partial(self._say, {"say": "done", "batch": batch, "seconds": seconds}))

    def _free_soon(self, batch: int, in_s: float) -> bool:
        """Say that the device will be free, unless more than one batch waits to be finished."""
        if not self._finisher.catch_up(wait=False):
            return False
        self._say({"say": "free", "batch": batch, "in_s": in_s})
        return True

    def _fail(self, batch: int, error: UnderpaintError) -> None:
        self._say({"say": "failed", "batch": batch, "kind": type(error).__name__, "message": str(error)})

    def _show(self, batch: int, number: int, preview: Preview) -> None:
        said = {"number": preview.number, "step": preview.step, "num_steps": preview.num_steps}
        self._say({"say": "preview", "batch": batch, "of": number, **said}, preview.data)

    def _hand_over(self, batch: int, number: int, finish: Finish) -> None:
        try:
            picture = finish()
        except UnderpaintError as error:
            self._fail(batch, error)
            return
        said = {
            "settings": picture.settings.model_dump(mode="json"),
            "words_read": picture.words_read,
            "words_dropped": picture.words_dropped,
            "draw_ms": picture.draw_ms,
            "joules": picture.joules,
            "energy_method": picture.energy_method,
        }
        self._say({"say": "picture", "batch": batch, "of": number, **said}, picture.data)


def main(load: Load = load) -> None:
    """Speak with the server over the socket whose number is the first argument.

    Args:
        load: Makes what draws.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setswitchinterval(SWITCH_S)
    Worker(socket.socket(fileno=int(sys.argv[1])), load).run()


if __name__ == "__main__":
    main()
