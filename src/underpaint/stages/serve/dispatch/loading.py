"""Engines for those who draw: started where need be, and what goes wrong with them is told once."""

from __future__ import annotations

from weakref import WeakSet

from underpaint.core.errors import ArtifactError, EngineLost, EngineUnavailable, SetupError, UnderpaintError
from underpaint.stages.serve.dispatch.engines import Engine, Engines
from underpaint.stages.serve.engine.pool import Notice


class Loading:
    """Gives engines out.

    Args:
        engines: All there are.
        notice: Told of models that cannot be loaded and of engines that are lost.
    """

    def __init__(self, engines: Engines, notice: Notice) -> None:
        self._engines, self._notice = engines, notice
        self._lost = WeakSet[Engine]()

    async def ready(self, model: str) -> Engine:
        """Return a model's engine; what is wrong with its files is nothing that a caller can mend, or should read.

        Raises:
            EngineUnavailable: Its process ends again and again.
            ArtifactError: It cannot be loaded.
            SetupError: This machine cannot hold it.
        """
        try:
            return await self._started(model)
        except UnderpaintError as error:
            self._notice("model_unavailable", model=model, reason=str(error))
            if isinstance(error, SetupError):
                raise
            kind = EngineUnavailable if isinstance(error, EngineLost) else ArtifactError
            raise kind(
                f"the model {model} cannot be loaded now, and the server's log says why; try again later"
            ) from None

    async def _started(self, model: str) -> Engine:
        """Return a model's engine; one that is lost while it loads is tried once more."""
        try:
            return await self._engines.ready(model)
        except EngineLost:
            return await self._engines.ready(model)

    def notice_loss(self, engine: Engine, model: str, lost: EngineLost) -> None:
        """Tell of an engine that was lost while it drew, once for all its batches."""
        if engine not in self._lost:
            self._lost.add(engine)
            self._notice("engine_lost", model=model, during="drawing", reason=str(lost), said=engine.last_words)
