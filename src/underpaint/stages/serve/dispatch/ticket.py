"""A picture that was asked for and is not there yet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from underpaint.stages.serve.batching.fairness import JobClass
from underpaint.stages.serve.batching.filling import Unit
from underpaint.stages.serve.engine.orders import Order, Picture, Preview


def unseen(_preview: Preview) -> None:
    """Look at no preview."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One picture, and how it shall wait.

    Args:
        model: Name of the model.
        order: What to draw.
        owner: Whose it is; owners get equal shares of the device.
        key: Pictures of one key may be drawn together; empty for always alone.
        job_class: Who goes first.
        priority: Among its owner's, the highest goes first.
        deadline_at: When it is needed, in seconds since 1970, or None.
        on_preview: Shown unfinished pictures.
    """

    model: str
    order: Order
    owner: str
    key: str
    job_class: JobClass = "interactive"
    priority: int = 0
    deadline_at: float | None = None
    on_preview: Callable[[Preview], None] = unseen


@dataclass(kw_only=True)
class Ticket:
    """A picture that waits, or is being drawn.

    Args:
        asked: What was asked for.
        unit: It as one who waits.
        done: The picture, or why there is none.
    """

    asked: Asked
    unit: Unit
    done: asyncio.Future[Picture]
    created_at: float = field(default_factory=time.time)
    started_at: float | None = None
    finished_at: float | None = None
    tries: int = 0

    @property
    def queue_ms(self) -> int:
        """Milliseconds that it waited."""
        return round(1000 * ((self.started_at or time.time()) - self.created_at))

    @property
    def service_ms(self) -> int:
        """Milliseconds from when its batch was begun until it was finished."""
        if self.started_at is None:
            return 0
        return round(1000 * ((self.finished_at or time.time()) - self.started_at))

    def succeed(self, picture: Picture) -> None:
        """Hand the picture over, unless nobody wants it any more."""
        self.finished_at = time.time()
        if not self.done.done():
            self.done.set_result(picture)

    def fail(self, error: Exception) -> None:
        """Say why there is no picture, unless nobody wants it any more."""
        self.finished_at = time.time()
        if not self.done.done():
            self.done.set_exception(error)
            self.done.exception()  # whoever waits sees it; nobody has to
