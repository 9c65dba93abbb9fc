"""Models in memory: loaded when they are first needed, ended when they are not and memory is short."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from underpaint.core.errors import ArtifactError, EngineLost, SetupError
from underpaint.stages.serve.engine.catalog import Served
from underpaint.stages.serve.engine.orders import Loaded
from underpaint.stages.serve.engine.process import WORKER, EngineProcess

Notice = Callable[..., None]
"""Told the name of something that happened, and facts about it by keyword."""


def unnoticed(_name: str, **_facts: Any) -> None:
    """Notice nothing."""


class Pool:
    """The engine processes.

    Args:
        served: Models by name.
        budget_bytes: Main memory that all engine processes may hold together; None for any.
        silence_s: See ``EngineProcess``.
        notice: Told of models that are loaded, lost or ended.
        command: See ``EngineProcess``.
    """

    def __init__(
        self,
        served: Mapping[str, Served],
        *,
        budget_bytes: int | None = None,
        silence_s: float = 300.0,
        notice: Notice = unnoticed,
        command: Sequence[str] = WORKER,
    ) -> None:
        self._served, self._budget, self._silence_s, self._notice = served, budget_bytes, silence_s, notice
        self._command = command
        self._processes: dict[str, EngineProcess] = {}
        self._known: dict[str, Loaded] = {}
        self._alone = asyncio.Lock()
        self._took: dict[str, int] = {}

    def known(self, name: str) -> Loaded | None:
        """Return what a model said when it was loaded last; None if it never was."""
        return self._known.get(name)

    def resident_bytes(self) -> dict[str, int]:
        """Return the main memory that each loaded model holds."""
        return {name: one.resident_bytes() for name, one in self._processes.items() if one.is_alive}

    def running(self, name: str) -> EngineProcess | None:
        """Return a model's engine process if it runs."""
        process = self._processes.get(name)
        return process if process is not None and process.is_alive else None

    async def ready(self, name: str) -> EngineProcess:
        """Return a model's engine process, started if need be; the one used last is ended last.

        Raises:
            EngineLost: The process ended while it loaded.
            UnderpaintError: The model cannot be loaded, or does not fit into the memory.
        """
        async with self._alone:
            process = self._processes.pop(name, None)
            if process is None or not process.is_alive:
                await self._notice_loss(name, process)
                await self._make_room(self._took.get(name, 0), besides=name)
                process = await self._load(name)
            self._processes[name] = process
            return process

    async def _notice_loss(self, name: str, process: EngineProcess | None) -> None:
        """Tell of a process that was lost while it had nothing to do; others were told of when they lost their work."""
        if process is not None and not process.was_lost_at_work:
            await process.stop()
            said = process.last_words
            self._notice("engine_lost", model=name, during="waiting", reason="the engine process ended", said=said)

    async def _load(self, name: str) -> EngineProcess:
        served = self._served[name]
        process = EngineProcess(served.start, silence_s=self._silence_s, command=self._command)
        try:
            loaded = await process.start()
        except EngineLost as lost:
            self._notice("engine_lost", model=name, during="loading", reason=str(lost), said=process.last_words)
            raise
        if loaded.model_sha256 != served.model.digest:
            await process.stop()
            raise ArtifactError(f"{served.start.address} changed since the server was started; start it again")
        self._known[name], self._took[name] = loaded, process.resident_bytes()
        await self._check_fit(name, process)
        self._notice("model_loaded", model=name, engine=loaded.engine, bytes=self._took[name])
        return process

    async def _check_fit(self, name: str, process: EngineProcess) -> None:
        took = self._took[name]
        if self._budget is not None and took > self._budget:
            await process.stop()
            raise SetupError(
                f"the model {name} takes {took // 10**6:,} MB of memory, and {self._budget // 10**6:,} MB are allowed; "
                "allow more with --memory, or serve a smaller model"
            )
        await self._make_room(took, besides=name)

    async def _make_room(self, needed: int, besides: str) -> None:
        """End models, the one that was not used for longest first, until there is room."""
        while self._budget is not None and sum(self.resident_bytes().values()) + needed > self._budget:
            name = next((name for name in self._processes if name != besides), None)
            if name is None:
                return
            await self._end(name)

    async def _end(self, name: str) -> None:
        process = self._processes.pop(name)
        self._took[name] = process.resident_bytes() or self._took[name]
        await process.stop()
        self._notice("model_unloaded", model=name)

    async def close(self) -> None:
        """End all of them."""
        for name in list(self._processes):
            await self._end(name)
