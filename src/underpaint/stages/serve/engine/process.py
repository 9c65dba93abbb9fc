"""The server's side of an engine process: start it, hand it orders, hear pictures, notice when it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from underpaint.core import errors
from underpaint.core.errors import EngineLost, UnderpaintError
from underpaint.pipelines.settings import Settings
from underpaint.runtime.memory import resident
from underpaint.stages.serve.engine.frames import pack, read
from underpaint.stages.serve.engine.orders import Loaded, Order, Picture, Preview

WORKER = (sys.executable, "-m", "underpaint.stages.serve.engine.worker")
"""Command of an engine process; the number of a socket is added."""
LAST_WORDS = 40
"""Lines of what an engine process wrote to stderr that are kept."""

Heard = Callable[[int, Picture | Preview], None]
"""Called with the number of an order in its batch and what came of it."""


def unheard(_task: str) -> None:
    """Hear nothing of what takes long."""


def unfreed(_in_s: float) -> None:
    """Do nothing when the device is free."""


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


@dataclass(kw_only=True)
class _Batch:
    """A batch that is drawn or finished."""

    heard: Heard
    on_free: Callable[[float], None]
    done: asyncio.Future[float]
    failure: Exception | None = None


class EngineProcess:
    """A model in a process of its own. One batch is drawn at a time, while the one before may still be finished.

    Args:
        start: What to load.
        silence_s: A process that says nothing for so long while it draws is lost.
        command: Starts it; the number of a socket is added.
    """

    def __init__(self, start: Start, *, silence_s: float = 300.0, command: Sequence[str] = WORKER) -> None:
        self._start, self._silence_s, self._command = start, silence_s, command
        self._batch = 0
        self._batches: dict[int, _Batch] = {}
        self._heard_at = 0.0
        self._fell_silent = False
        self._hearing: asyncio.Task[None] | None = None
        self._told: deque[str] = deque(maxlen=LAST_WORDS)
        self.loaded: Loaded | None = None
        self.was_lost_at_work = False

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
            EngineLost: The process ended, or could not be started.
            UnderpaintError: The model cannot be loaded; as ``load_opened`` raises it.
        """
        self._reader, self._writer = await asyncio.open_connection(sock=await self._begin())
        self._listening = asyncio.create_task(self._listen())
        self._writer.write(pack({"do": "load", **self._start.__dict__}))
        while True:
            said = await self._next()
            if said["say"] == "loaded":
                self.loaded = Loaded.model_validate(said["loaded"])
                self._hearing = asyncio.create_task(self._hear())
                return self.loaded
            if said["say"] == "failed":
                await self.stop()
                raise _error(said)
            on_progress(said["task"])

    async def _begin(self) -> socket.socket:
        """Start the process and return our end of the socket that joins us."""
        with contextlib.ExitStack() as undo:
            try:
                ours, theirs = socket.socketpair()
                undo.enter_context(ours)
                with theirs:
                    self._process = await asyncio.create_subprocess_exec(
                        *(*self._command, str(theirs.fileno())),
                        pass_fds=(theirs.fileno(),),
                        stdin=asyncio.subprocess.DEVNULL,
                        stdout=asyncio.subprocess.DEVNULL,
                        stderr=asyncio.subprocess.PIPE,
                        start_new_session=True,
                    )
            except OSError as error:
                raise EngineLost(f"the engine process could not be started: {error}") from error
            undo.pop_all()
            return ours

    async def draw(self, orders: Sequence[Order], heard: Heard, on_free: Callable[[float], None] = unfreed) -> float:
        """Draw a batch and return when all of it is finished.

        Args:
            orders: What to draw together.
            heard: Called for each preview and picture as it comes.
            on_free: Called with the seconds until the next batch can be drawn, once, and before this one is finished.

        Returns:
            Device-seconds.

        Raises:
            EngineLost: The process ended or fell silent; what was heard before counts.
            UnderpaintError: An order asks for what the model cannot do.
        """
        self._batch += 1
        number, loop = self._batch, asyncio.get_running_loop()
        batch = self._batches[number] = _Batch(heard=heard, on_free=on_free, done=loop.create_future())
        self._heard_at = time.monotonic()
        if self._hearing is None or self._hearing.done():
            self._lose()
        else:
            told = {"do": "draw", "batch": number, "orders": [order.model_dump(mode="json") for order in orders]}
            self._writer.write(pack(told))
        try:
            return await self._outcome(batch.done)
        except EngineLost:
            self.was_lost_at_work = True
            await self.stop()
            raise
        finally:
            self._batches.pop(number, None)

    async def _outcome(self, done: asyncio.Future[float]) -> float:
        """Wait for the end of a batch, as long as something is heard."""
        while not done.done():
            left_s = self._heard_at + self._silence_s - time.monotonic()
            if left_s <= 0:
                self._fell_silent = True
                self._kill()
            await asyncio.wait({done}, timeout=left_s if left_s > 0 else None)
        return done.result()

    def drop(self, number: int) -> None:
        """Say that nobody wants an order of the present batch any more."""
        if self.is_alive:
            self._writer.write(pack({"do": "drop", "batch": self._batch, "number": number}))

    async def stop(self) -> None:
        """End the process, now."""
        self._kill()
        await self._process.wait()
        await self._listening
        if self._hearing is not None:
            await self._hearing
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def _kill(self) -> None:
        """End the process, not by its own method: that looks for the exit status first, and asyncio would miss it."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    async def _next(self) -> dict[str, Any]:
        """Return what is said next while the model is loaded."""
        try:
            frame = await asyncio.wait_for(read(self._reader), self._silence_s)
        except TimeoutError:
            frame, self._fell_silent = None, True
        if frame is None:
            await self.stop()
            raise self._loss()
        return frame[0]

    async def _hear(self) -> None:
        """Tell batches what is said of them, until the process is gone."""
        while (frame := await read(self._reader)) is not None:
            self._heard_at = time.monotonic()
            batch = self._batches.get(frame[0]["batch"])
            if batch is not None:
                _hear(batch, *frame)
        self._kill()
        await self._process.wait()
        self._lose()

    def _lose(self) -> None:
        """Say to all batches that the process is gone."""
        for batch in self._batches.values():
            if not batch.done.done():
                batch.done.set_exception(self._loss())

    def _loss(self) -> EngineLost:
        if self._fell_silent:
            return EngineLost(f"the engine process said nothing for {self._silence_s:g} s and was ended")
        return EngineLost(f"the engine process ended with {self._process.returncode}")

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            self._told.append(line.decode(errors="replace").rstrip()[:500])


def _hear(batch: _Batch, said: dict[str, Any], body: bytes) -> None:
    """Do what follows from what is said; a mistake of ours ends the batch, and not the hearing."""
    try:
        _follow(batch, said, body)
    except Exception as error:
        batch.failure = batch.failure or error


def _follow(batch: _Batch, said: dict[str, Any], body: bytes) -> None:
    match said["say"]:
        case "free":
            batch.on_free(said["in_s"])
        case "failed":
            batch.failure = batch.failure or _error(said)
        case "done" if not batch.done.done():
            if batch.failure is None:
                batch.done.set_result(said["seconds"])
            else:
                batch.done.set_exception(batch.failure)
        case "picture" | "preview":
            batch.heard(said["of"], _what(said, body))


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
        draw_ms=said["draw_ms"],
        joules=said["joules"],
        energy_method=said["energy_method"],
    )
