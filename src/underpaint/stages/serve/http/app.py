"""The application: the endpoints around one backend, started and stopped with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp

from underpaint.stages.serve.backend import Backend
from underpaint.stages.serve.config import ServeConfig, is_loopback
from underpaint.stages.serve.http import batches, files, generations, health, job_queue, jobs, models, pictures, recall
from underpaint.stages.serve.http.callers import Authenticate, everybody, holder_of
from underpaint.stages.serve.http.errors import add_error_handlers, api_error, respond
from underpaint.stages.serve.http.guard import LOOPBACK, Guard
from underpaint.stages.serve.http.logs import LOGGER, log
from underpaint.stages.serve.http.metrics import Metrics
from underpaint.stages.serve.http.openapi import add_document, methods_of
from underpaint.stages.serve.service import Admit, admit_all

ROUTERS = (
    generations.router,
    models.router,
    pictures.router,
    jobs.router,
    job_queue.router,
    files.router,
    batches.router,
    recall.router,
    health.router,
)
UPLOADS = ("/v1/files", "/api/v1/recall")
"""Paths that take files."""


class Application:
    """A server's application and what is behind it.

    Args:
        config: The settings.
        authenticate: Says who calls; None for the one key of the settings, or for everybody where there is none.
        admit: Decides about prompts.

    Raises:
        InputError: A model or the engine cannot be used.
        ArtifactError: A model is damaged.
        StorageError: The state folder cannot be written.
    """

    def __init__(
        self, config: ServeConfig, *, authenticate: Authenticate | None = None, admit: Admit = admit_all
    ) -> None:
        self.metrics = Metrics()
        self.backend = Backend(config, admit=admit, notice=self._notice)
        self._authenticate = authenticate or (holder_of(config.api_key) if config.api_key else everybody)
        self.asgi: ASGIApp = Guard(self._app(), hosts=_hosts(config), max_body=self._max_body, log=self._notice)

    def _notice(self, event: str, **facts: Any) -> None:
        self.metrics.notice(event, **facts)
        log(event, **facts)

    def _max_body(self, path: str) -> int:
        config = self.backend.service.config
        return config.max_upload_bytes if path.startswith(UPLOADS) else config.max_body_bytes

    def _app(self) -> FastAPI:
        app = FastAPI(lifespan=self._lifespan, docs_url=None, redoc_url=None, redirect_slashes=False)
        backend = self.backend
        app.state.service, app.state.desk, app.state.runner = backend.service, backend.desk, backend.runner
        app.state.keeper, app.state.metrics = backend.keeper, self.metrics
        app.state.authenticate = self._authenticate
        for router in ROUTERS:
            app.include_router(router)
        add_error_handlers(app, methods_of)
        app.add_exception_handler(Exception, _on_defect)
        add_document(app)
        return app

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        await self.backend.start()
        try:
            yield
        finally:
            await self.backend.stop()


async def _on_defect(request: Request, error: Exception) -> JSONResponse:
    request_id = request.scope.get("state", {}).get("request_id")
    LOGGER.error("defect", exc_info=error, extra={"facts": {"request_id": request_id}})
    return respond(api_error(error))


def _hosts(config: ServeConfig) -> tuple[str, ...]:
    """Return the names under which the server may be called; none if it may be called by any."""
    if is_loopback(config.host) or config.allowed_hosts:
        return (*LOOPBACK, *(name.lower() for name in config.allowed_hosts))
    return ()
