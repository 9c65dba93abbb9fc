"""The application: the endpoints around one backend, started and stopped with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp

from underpaint.adapters.opentelemetry import Tracer
from underpaint.stages.serve.backend import Backend
from underpaint.stages.serve.config import ServeConfig, is_loopback
from underpaint.stages.serve.http import (
    batches,
    capabilities,
    edits,
    events,
    files,
    gallery,
    generations,
    health,
    job_queue,
    jobs,
    lists,
    models,
    pictures,
    printing,
    prompts,
    recall,
    sheets,
    stickers,
    studio,
    upscale,
    welcome,
)
from underpaint.stages.serve.http.callers import everybody, holders_of
from underpaint.stages.serve.http.direct import Direct
from underpaint.stages.serve.http.errors import add_error_handlers, api_error, respond
from underpaint.stages.serve.http.guard import LOOPBACK, Guard, untraced
from underpaint.stages.serve.http.list_schema import LIST_BYTES
from underpaint.stages.serve.http.logs import log, log_defect
from underpaint.stages.serve.http.metrics import Metrics
from underpaint.stages.serve.http.openapi import add_document, methods_of
from underpaint.stages.serve.http.tracing import trace
from underpaint.stages.serve.lists.looking import Lately
from underpaint.stages.serve.security.gatekeeper import open_gatekeeper

ROUTERS = (
    generations.router,
    edits.router,
    models.router,
    capabilities.router,
    pictures.router,
    jobs.router,
    job_queue.router,
    gallery.router,
    upscale.router,
    stickers.router,
    printing.router,
    prompts.router,
    events.router,
    files.router,
    batches.router,
    lists.router,
    sheets.router,
    recall.router,
    health.router,
    studio.router,
    welcome.router,
)
LISTS = "/api/v1/batch-list"
"""Path that takes lists."""
UPLOADS = "/v1/files"
"""Path that takes files."""
PICTURES = ("/v1/images/edits", "/api/v1/recall", "/api/v1/gallery", "/api/v1/upscale")
"""Paths that take pictures."""
PICTURES_BYTES = 64 * 2**20
"""Most bytes of a request with pictures."""


class Application:
    """A server's application and what is behind it; ``failure`` is why it could not be started.

    Args:
        config: The settings.

    Raises:
        InputError: A model, the engine, the keys or the policy cannot be used.
        MissingDependency: Traces are asked for, and the extra for them is not installed.
        ArtifactError: A model is damaged.
        StorageError: The state folder cannot be written.
    """

    def __init__(self, config: ServeConfig) -> None:
        self.failure: BaseException | None = None
        self.metrics = Metrics()
        self._tracer = None if config.traces is None else Tracer(config.traces)
        gatekeeper = open_gatekeeper(
            keys=config.keys,
            policy=config.policy,
            throttle=config.throttle,
            state=config.state,
            notice=self._notice,
        )
        self.backend = Backend(config, gatekeeper=gatekeeper, notice=self._notice)
        has_keys = config.keys is not None or config.api_key is not None
        self._authenticate = holders_of(gatekeeper, config.api_key) if has_keys else everybody
        self.framework = self._app()
        self.asgi: ASGIApp = Guard(
            Direct(self.framework),
            hosts=_hosts(config),
            max_body=self._max_body,
            log=self._notice,
            trace=untraced if self._tracer is None else partial(trace, self._tracer),
        )

    def _notice(self, event: str, **facts: Any) -> None:
        self.metrics.notice(event, **facts)
        log(event, **facts)

    def _max_body(self, path: str) -> int:
        config = self.backend.service.config
        if path.startswith(LISTS):
            return LIST_BYTES
        if path in PICTURES:
            return min(PICTURES_BYTES, config.max_upload_bytes)
        return config.max_upload_bytes if path.startswith(UPLOADS) else config.max_body_bytes

    def _app(self) -> FastAPI:
        app = FastAPI(lifespan=self._lifespan, docs_url=None, redoc_url=None, redirect_slashes=False)
        backend = self.backend
        app.state.service, app.state.desk, app.state.runner = backend.service, backend.desk, backend.runner
        app.state.keeper, app.state.gatekeeper, app.state.metrics = backend.keeper, backend.gatekeeper, self.metrics
        app.state.authenticate, app.state.lately = self._authenticate, Lately()
        for router in ROUTERS:
            app.include_router(router)
        add_error_handlers(app, methods_of)
        app.add_exception_handler(Exception, _on_defect)
        add_document(app)
        return app

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        try:
            await self.backend.start()
        except BaseException as error:
            self.failure = error
            raise
        try:
            yield
        finally:
            await self.backend.stop()
            if self._tracer is not None:
                await asyncio.to_thread(self._tracer.close)


async def _on_defect(request: Request, error: Exception) -> JSONResponse:
    log_defect(error, request.scope.get("state", {}).get("request_id"))
    return respond(api_error(error))


def _hosts(config: ServeConfig) -> tuple[str, ...]:
    """Return the names under which the server may be called; none if it may be called by any."""
    if is_loopback(config.host) or config.allowed_hosts:
        return (*LOOPBACK, *(name.lower() for name in config.allowed_hosts))
    return ()
