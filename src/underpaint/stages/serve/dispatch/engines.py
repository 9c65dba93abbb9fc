"""What a dispatcher needs of engines; the pool of processes has it by its shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from underpaint.stages.serve.engine.orders import Loaded, Order, Picture, Preview


class Engine(Protocol):
    """A loaded model that draws a batch at a time."""

    @property
    def last_words(self) -> str:
        """What it said before it was lost."""
        ...

    async def draw(
        self, orders: Sequence[Order], heard: Callable[[int, Picture | Preview], None], on_free: Callable[[float], None]
    ) -> float:
        """Draw a batch, tell each picture as it comes and in how long the next can be drawn; return device-seconds.

        Raises:
            EngineLost: It ended or fell silent; what was heard before counts.
        """
        ...

    def drop(self, number: int) -> None:
        """Draw an order of the present batch no more, if it is not drawn yet."""
        ...


class Engines(Protocol):
    """All models, loaded or not."""

    def known(self, name: str) -> Loaded | None:
        """Return what a model said when it was loaded last; None if it never was."""
        ...

    def running(self, name: str) -> Engine | None:
        """Return a model's engine if it runs."""
        ...

    async def ready(self, name: str) -> Engine:
        """Return a model's engine, started if need be.

        Raises:
            EngineLost: It ended while it loaded.
        """
        ...
