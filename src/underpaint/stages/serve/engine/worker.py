"""The engine process: loads one model, draws what it is told, and ends when the server is gone.

    python -m underpaint.stages.serve.engine.worker FD

Orders come in as frames over the socket of that number. A second thread listens while pictures are drawn, so that an
order can be dropped on its way.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from underpaint.core.errors import UnderpaintError
from underpaint.core.progress import Progress, Report
from underpaint.stages.serve.engine.frames import Frame, pack, receive
from underpaint.stages.serve.engine.orders import Order, Picture, Preview

if TYPE_CHECKING:
    from underpaint.stages.serve.engine.artist import Artist

Load = Callable[[dict[str, Any], Report], "Artist"]
"""From the first frame to what draws; told a function that takes progress."""


def load(told: dict[str, Any], report: Report) -> Artist:
    """Load the model that the first frame names.

    Raises:
        UnderpaintError: It cannot be loaded; as ``load_opened`` raises it.
    """
    from underpaint.pipelines.generator import load_opened
    from underpaint.pipelines.opening import open_model
    from underpaint.stages.serve.engine.artist import Artist
    from underpaint.stages.serve.engine.seal import open_seal

    model = open_model(told["address"])
    generator = load_opened(model, engine=told["engine"], device=told["device"], threads=told["threads"], report=report)
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
            self._dropped.add((told["batch"], told["number"]))
        else:
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
        try:
            drawn = artist.draw(
                orders,
                lambda number: (batch, number) in self._dropped,
                lambda number, preview: self._show(batch, number, preview),
            )
            for number, picture in drawn:
                self._hand_over(batch, number, picture)
        except UnderpaintError as error:
            self._say({"say": "failed", "batch": batch, "kind": type(error).__name__, "message": str(error)})
        self._dropped = {one for one in self._dropped if one[0] > batch}
        self._say({"say": "done", "batch": batch, "seconds": time.perf_counter() - began})

    def _show(self, batch: int, number: int, preview: Preview) -> None:
        said = {"number": preview.number, "step": preview.step, "num_steps": preview.num_steps}
        self._say({"say": "preview", "batch": batch, "of": number, **said}, preview.data)

    def _hand_over(self, batch: int, number: int, picture: Picture) -> None:
        said = {
            "settings": picture.settings.model_dump(mode="json"),
            "words_read": picture.words_read,
            "words_dropped": picture.words_dropped,
        }
        self._say({"say": "picture", "batch": batch, "of": number, **said}, picture.data)


def main() -> None:
    """Speak with the server over the socket whose number is the first argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Worker(socket.socket(fileno=int(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
