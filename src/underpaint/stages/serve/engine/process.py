"""The server's side of an engine process: start it, hand it orders, hear pictures, notice when it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from underpaint.core import errors
from underpaint.core.errors import EngineLost, UnderpaintError
from underpaint.pipelines.settings import Settings
from underpaint.runtime.memory import resident
from underpaint.stages.serve.engine.frames import Frame, pack, read
from underpaint.stages.serve.engine.orders import Loaded, Order, Picture, Preview

WORKER = (sys.executable, "-m", "underpaint.stages.serve.engine.worker")
"""Command of an engine process; the number of a socket is added."""
LAST_WORDS = 40
"""Lines of what an engine process wrote to stderr that are kept."""

Heard = Callable[[int, Picture | Preview], None]
"""Called with the number of an order in its batch and what came of it."""


def unheard(_task: str) -> None:
    """Hear nothing of what takes long."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """What an engine process is told first.

    Args:
        address: Opens the model in any process.
        engine: ``auto``, ``torch``, ``onnx`` or ``openvino``.
        device: ``cpu``, ``cuda``, ...; None for the CPU.
        threads: CPU threads.
        sign: Whether finished pictures are signed.
    """

    address: str
    engine: str = "auto"
    device: str | None = None
    threads: int = 1
    sign: bool = False


class EngineProcess:
    """A model in a process of its own. One batch at a time.

    Args:
        start: What to load.
        silence_s: A process that says nothing for so long while it draws is lost.
        command: Starts it; the number of a socket is added.
    """

    def __init__(self, start: Start, *, silence_s: float = 300.0, command: Sequence[str] = WORKER) -> None:
        self._start, self._silence_s, self._command = start, silence_s, command
        self._batch = 0
        self._told: deque[str] = deque(maxlen=LAST_WORDS)
        self.loaded: Loaded | None = None

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process runs and has its model."""
        return self.loaded is not None and self._process.returncode is None and not self._reader.at_eof()

    @property
    def last_words(self) -> str:
        """What the process wrote to stderr last."""
        return "\n".join(self._told)

    def resident_bytes(self) -> int:
        """Return the main memory that the process holds; 0 where the system does not tell."""
        with contextlib.suppress(UnderpaintError):
            return resident(self.pid).now
        return 0

    async def start(self, on_progress: Callable[[str], None] = unheard) -> Loaded:
        """Start the process and wait until its model is loaded and measured.

        Args:
            on_progress: Told what takes long.

        Raises:
            EngineLost: The process ended.
            UnderpaintError: The model cannot be loaded; as ``load_opened`` raises it.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *(*self._command, str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        self._reader, self._writer = await asyncio.open_connection(sock=ours)
        self._listening = asyncio.create_task(self._listen())
        self._writer.write(pack({"do": "load", **self._start.__dict__}))
        while True:
            said, _ = await self._next()
            if said["say"] == "loaded":
                self.loaded = Loaded.model_validate(said["loaded"])
                return self.loaded
            if said["say"] == "failed":
                await self.stop()
                raise _error(said)
            on_progress(said["task"])

    async def draw(self, orders: Sequence[Order], heard: Heard) -> float:
        """Draw a batch.

        Args:
            orders: What to draw together.
            heard: Called for each preview and picture as it comes.

        Returns:
            Device-seconds.

        Raises:
            EngineLost: The process ended or fell silent; what was heard before counts.
            UnderpaintError: An order asks for what the model cannot do.
        """
        self._batch += 1
        told = {"do": "draw", "batch": self._batch, "orders": [order.model_dump(mode="json") for order in orders]}
        self._writer.write(pack(told))
        failure: UnderpaintError | None = None
        while True:
            said, body = await self._next()
            if said["say"] == "done":
                if failure is not None:
                    raise failure
                return said["seconds"]
            if said["say"] == "failed":
                failure = _error(said)
            else:
                heard(said["of"], _what(said, body))

    def drop(self, number: int) -> None:
        """Say that nobody wants an order of the present batch any more."""
        if self.is_alive:
            self._writer.write(pack({"do": "drop", "batch": self._batch, "number": number}))

    async def stop(self) -> None:
        """End the process, now."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()
        await self._listening
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _next(self) -> Frame:
        try:
            frame = await asyncio.wait_for(read(self._reader), self._silence_s)
        except TimeoutError:
            await self.stop()
            raise EngineLost(f"the engine process said nothing for {self._silence_s:g} s and was ended") from None
        if frame is None:
            await self.stop()
            raise EngineLost(f"the engine process ended with {self._process.returncode}")
        return frame

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            self._told.append(line.decode(errors="replace").rstrip()[:500])


def _error(said: dict[str, Any]) -> UnderpaintError:
    kind = getattr(errors, said["kind"], UnderpaintError)
    return kind(said["message"])


def _what(said: dict[str, Any], body: bytes) -> Picture | Preview:
    if said["say"] == "preview":
        return Preview(data=body, number=said["number"], step=said["step"], num_steps=said["num_steps"])
    return Picture(
        data=body,
        settings=Settings.model_validate(said["settings"]),
        words_read=said["words_read"],
        words_dropped=said["words_dropped"],
    )
