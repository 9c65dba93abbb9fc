"""What keeps a server from doing all that it should, from when it is noticed until it is over.

Whoever asks whether the server is ready is told in words that name no path and no address; the log says the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from underpaint.core.errors import DiskFull, StorageError, StoreBusy, StoreDamaged, StoreMoved
from underpaint.stages.serve.engine.pool import Notice

WORDS: tuple[tuple[type[StorageError], str], ...] = (
    (DiskFull, "the disk is full"),
    (StoreBusy, "the database is held by another process, or does not answer"),
    (StoreDamaged, "the database is damaged"),
    (StoreMoved, "what was in use was moved, removed or replaced"),
    (StorageError, "it cannot be written or read"),
)
"""What is wrong, the first that fits."""


def in_words(error: StorageError) -> str:
    """Say what is wrong with what is stored, without saying where it is."""
    return next(words for kind, words in WORDS if isinstance(error, kind))


class Troubles:
    """The troubles of a server, by what they are about. Use it in the event loop.

    Args:
        notice: Told when a trouble begins, changes, or is over.
    """

    def __init__(self, notice: Notice) -> None:
        self._notice = notice
        self._words: dict[str, str] = {}

    def begin(self, what: str, error: StorageError) -> None:
        """Remember that something cannot be stored.

        Args:
            what: What it is about, for example ``jobs``.
            error: Why.
        """
        self._begin(what, in_words(error), str(error))

    def begin_model(self, model: str, reason: str) -> None:
        """Remember that a model cannot be loaded; what is wrong with it is only for the log."""
        self._begin(f"model {model}", "it cannot be loaded", reason)

    def watched(self, what: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do work beside all else, and remember if a mistake of ours ends it: nobody else would notice.

        Args:
            what: What it is, for example ``drawing``.
            work: Ends when the server is stopped.
        """

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                self._notice("defect", during=what, reason=repr(error))
                self._words[what] = "it was ended by a defect of the server, which has to be started again"

        task = asyncio.create_task(work)
        task.add_done_callback(ended)
        return task

    def _begin(self, what: str, words: str, reason: str) -> None:
        if self._words.get(what) != words:
            self._notice("trouble", about=what, reason=reason)
        self._words[what] = words

    def end(self, what: str) -> None:
        """Remember that it can be stored again."""
        if self._words.pop(what, None) is not None:
            self._notice("trouble_over", about=what)

    def end_model(self, model: str) -> None:
        """Remember that a model is loaded."""
        self.end(f"model {model}")

    def reasons(self) -> list[str]:
        """Return what is wrong now."""
        return [f"{what}: {words}" for what, words in self._words.items()]
