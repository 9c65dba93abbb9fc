"""The endpoint that is called most, answered without the layers of the framework, a quarter of its cost.

The framework's route of the same endpoint describes it, and what is not a POST to exactly its path goes there.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from underpaint.core.errors import StorageError, UnderpaintError
from underpaint.stages.serve.asking.request import GenerationRequest
from underpaint.stages.serve.disk import as_storage_error
from underpaint.stages.serve.http.callers import caller_of
from underpaint.stages.serve.http.durable import idempotency_key_of
from underpaint.stages.serve.http.errors import ApiError, UnfitBody, api_error, respond, validation_error
from underpaint.stages.serve.http.generations import PATH, generate, router
from underpaint.stages.serve.http.logs import log, log_defect
from underpaint.stages.serve.http.state import json_only, open_service

NO_BODY = {"type": "missing", "loc": (), "msg": "Field required", "input": None}


class Direct:
    """An application around the framework's.

    Args:
        app: The framework's.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._route = next(route for route in router.routes if getattr(route, "endpoint", None) is generate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["app"], scope["route"] = self._app, self._route
        try:
            response = await _generated(Request(scope, receive))
        except Exception as error:
            response = _refused(error, scope)
        await response(scope, receive, send)


def _refused(error: Exception, scope: Scope) -> Response:
    if isinstance(error, UnfitBody):
        return respond(validation_error(error, error.kind))
    request_id = scope["state"].get("request_id")
    told = as_storage_error(error) or error
    if isinstance(told, StorageError):
        log("unstored", request_id=request_id, reason=str(told))
    elif not isinstance(told, (ApiError, UnderpaintError)):
        log_defect(told, request_id)
    return respond(api_error(told))


async def _generated(request: Request) -> Response:
    """Do what the framework does before it calls an endpoint; who may not call is told so before the body is read."""
    caller, service = await caller_of(request), await open_service(request)
    await json_only(request)
    key, body, state = idempotency_key_of(request), await _body(request), request.app.state
    return await generate(body, request, caller, service, state.desk, state.gatekeeper, key)


async def _body(request: Request) -> GenerationRequest:
    try:
        body = await request.body()
    except ClientDisconnect:
        raise ApiError(400, "invalid_value", "the body was cut off") from None
    if not body:
        raise UnfitBody([NO_BODY], GenerationRequest)
    values = _values(body, request)
    try:
        return GenerationRequest.model_validate(values)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        rest = request.app.state.service.rest_mistakes(values, problems)
        raise UnfitBody(problems, GenerationRequest, rest) from None


def _values(body: bytes, request: Request) -> Any:
    """Return what a body holds; one whose kind is not named is not looked into, since any page could send it."""
    if "content-type" not in request.headers:
        return body
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        why = getattr(error, "msg", "it is nested too deeply" if isinstance(error, RecursionError) else "no UTF-8")
        raise ApiError(400, "invalid_value", f"the body is no JSON ({why})") from None
