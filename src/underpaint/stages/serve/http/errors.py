"""Errors as callers see them: one object with four keys, and a status that the SDK knows what to do with.

{"error": {"message": ..., "type": ..., "param": ..., "code": ...}}
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_type_hints

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from underpaint.core import errors
from underpaint.core.installing import portable
from underpaint.stages.serve.asking.body_mistakes import body_mistakes
from underpaint.stages.serve.disk import as_storage_error
from underpaint.stages.serve.http.logs import log
from underpaint.stages.serve.troubles import in_words

RETRY_MS = (250, 60_000)
"""Least and most milliseconds that a caller is told to wait: the SDK ignores less and more."""
RETRY_S = 2.0
"""When to come back where something is not there now."""
SHOULD_NOT_RETRY = {"x-should-retry": "false"}
TYPES = {401: "authentication_error", 403: "permission_error", 409: "conflict_error", 429: "rate_limit_error"}
BLOCKED = "moderation_blocked"
NOTHING = "there is nothing here; /openapi.json lists what there is"
INSTEAD = {
    "/v1/images/variations": "variations are edits here: post the same picture to /v1/images/edits with a prompt that "
    "says what it shows and, for example, input_fidelity high; each of its n pictures is another variation"
}
"""What to do instead of what OpenAI's clients know and this server does not have."""


class ErrorFields(BaseModel):
    """What is wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """The body of every answer that is no success."""

    error: ErrorFields


class ApiError(HTTPException):
    """An answer that is no success.

    Args:
        status: The HTTP status.
        code: A word for programs.
        message: What is wrong and what to do next.
        param: The field, if it is one.
        headers: Further headers.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.fields = ErrorFields(message=message, type=_type_of(status, code), param=param, code=code)

    @property
    def body(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"error": self.fields.model_dump()}


def _type_of(status: int, code: str) -> str:
    if code == BLOCKED:
        return "image_generation_user_error"
    return TYPES.get(status) or ("server_error" if status >= 500 else "invalid_request_error")


def retry_headers(seconds: float) -> dict[str, str]:
    """Return the headers that say when to come back."""
    milliseconds = min(max(round(1000 * seconds), RETRY_MS[0]), RETRY_MS[1])
    return {"retry-after-ms": str(milliseconds), "retry-after": str(-(-milliseconds // 1000))}


Kind = tuple[type[Exception], int, str]

KINDS: tuple[Kind, ...] = (
    (errors.DeadlineUnmeetable, 429, "deadline_unmeetable"),
    (errors.DeadlineExceeded, 504, "deadline_exceeded"),
    (errors.EngineLost, 503, "engine_lost"),
    (errors.EngineUnavailable, 503, "engine_lost"),
    (errors.JobNotFound, 404, "job_not_found"),
    (errors.GalleryFull, 409, "gallery_full"),
    (errors.StateConflict, 409, "state_conflict"),
    (errors.IdempotencyConflict, 409, "idempotency_conflict"),
    (errors.DiskFull, 503, "storage_full"),
    (errors.StoreBusy, 503, "storage_busy"),
    (errors.StoreDamaged, 503, "storage_damaged"),
    (errors.StorageError, 503, "storage_failed"),
    (errors.ArtifactError, 503, "integrity_failure"),
    (errors.SetupError, 503, "not_ready"),
    (errors.InputError, 400, "invalid_value"),
    (errors.DataError, 400, "invalid_value"),
)
"""Our errors, the first that fits, with their status and code."""
FINAL = {"deadline_unmeetable", "deadline_exceeded", "gallery_full", "state_conflict", "idempotency_conflict"}
"""Codes that another try would not change."""


FIELD_STATUSES = {"_not_found": 404, "_too_large": 413}
"""How the code of a field ends, where the status is not 400."""


def api_error(error: BaseException) -> ApiError:
    """Return the answer that belongs to an exception."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, errors.FieldError):
        status = next((status for end, status in FIELD_STATUSES.items() if error.code.endswith(end)), 400)
        return ApiError(status, error.code, str(error), param=error.param)
    if isinstance(error, errors.QueueFull):
        return ApiError(429, "queue_full", str(error), headers=retry_headers(error.retry_after_s))
    if isinstance(error, errors.RateLimited):
        is_far = 1000 * error.retry_after_s > RETRY_MS[1]
        headers = retry_headers(error.retry_after_s) | (SHOULD_NOT_RETRY if is_far else {})
        return ApiError(429, "key_rate_limited", str(error), headers=headers)
    error = as_storage_error(error) or error
    for kind, status, code in KINDS:
        if isinstance(error, kind):
            return ApiError(status, code, _message(error), headers=_headers(status, code))
    return ApiError(500, "internal", "this is a defect of the server; its log says more under this request id")


def _message(error: BaseException) -> str:
    """Return what callers are told; where the server keeps things is not for them."""
    if isinstance(error, errors.StorageError):
        return f"this cannot be kept or looked up now: {in_words(error)}; what was accepted is safe, try again later"
    return portable(str(error)) if isinstance(error, errors.SetupError) else str(error)


def _headers(status: int, code: str) -> dict[str, str] | None:
    if code in FINAL:
        return SHOULD_NOT_RETRY
    return retry_headers(RETRY_S) if status == 503 else None


class UnfitBody(RequestValidationError):
    """A body that an endpoint read by itself and that does not have the form it should have.

    Args:
        problems: What pydantic found.
        kind: What the body should be.
        rest: What else is wrong, with fields that have the right form.
    """

    def __init__(self, problems: Sequence[Any], kind: type[BaseModel], rest: Sequence[str] = ()) -> None:
        super().__init__([{**problem, "loc": ("body", *problem["loc"])} for problem in problems])
        self.kind, self.rest = kind, rest


def validation_error(
    error: RequestValidationError, kind: type[BaseModel] | None = None, service: object = None
) -> ApiError:
    """Return the answer to a request that does not have the form it should have.

    Args:
        error: All that is wrong; the field and the code of the first are the answer's.
        kind: What the body should be, if it is known; its ``besides`` says what else is wrong, if it has one.
        service: What ``besides`` is told of the models by.
    """
    problems = [{**problem, "loc": _place(problem["loc"])} for problem in error.errors()]
    if problems[0]["type"] == "json_invalid":
        why = problems[0].get("ctx", {}).get("error", "cut off")
        return ApiError(400, "invalid_value", f"the body is no JSON ({why})")
    besides = getattr(kind, "besides", None)
    others = () if besides is None or service is None else besides(error.body, problems, service)
    wrong = body_mistakes(problems, kind, error.rest if isinstance(error, UnfitBody) else others)
    return ApiError(400, wrong.code, wrong.message, param=wrong.param)


def _place(place: Sequence[Any]) -> tuple[Any, ...]:
    """Return a place without the part of the request that it begins with."""
    return tuple(place[1:] if place and place[0] in ("body", "query", "path", "header") else place)


def _body_of(error: RequestValidationError, request: Request) -> type[BaseModel] | None:
    """Return what the body of a request should be, or None if it has none."""
    if isinstance(error, UnfitBody):
        return error.kind
    kind = get_type_hints(request.scope["endpoint"]).get("body")
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _http_error(error: HTTPException, path: str, methods: Sequence[str]) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if error.status_code == 404:
        return ApiError(404, "unsupported_endpoint", INSTEAD.get(path, NOTHING))
    if error.status_code == 405:
        allowed = ", ".join(methods) or (error.headers or {}).get("Allow", "")
        message = f"this method is not allowed here; use {allowed}"
        return ApiError(405, "method_not_allowed", message, headers={"allow": allowed})
    return ApiError(error.status_code, "invalid_value", str(error.detail), headers=error.headers)


def respond(error: ApiError) -> JSONResponse:
    """Return an answer that is no success."""
    return JSONResponse(error.body, status_code=error.status_code, headers=error.headers)


def add_error_handlers(app: FastAPI, methods_of: Callable[[FastAPI, str], Sequence[str]]) -> None:
    """Let every error of the app be answered in one form.

    Args:
        app: The app.
        methods_of: From a path to the methods that it can be called with.
    """

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        if (of_disk := as_storage_error(error.__cause__)) is not None:
            return await _on_ours(request, of_disk)
        path = request.scope["path"]
        return respond(_http_error(error, path, methods_of(app, path) if error.status_code == 405 else ()))

    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(errors.UnderpaintError, _on_ours)
    app.add_exception_handler(OSError, _on_system)


async def _on_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    service = getattr(request.app.state, "service", None)
    return respond(await asyncio.to_thread(validation_error, error, _body_of(error, request), service))


async def _on_ours(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, errors.StorageError):
        log("unstored", request_id=request.scope.get("state", {}).get("request_id"), reason=str(error))
    return respond(api_error(error))


async def _on_system(request: Request, error: Exception) -> JSONResponse:
    """Answer what the disk does; every other error of the system is a defect and stays one."""
    of_disk = as_storage_error(error)
    if of_disk is None:
        raise error
    return await _on_ours(request, of_disk)
