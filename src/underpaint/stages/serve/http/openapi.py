"""The OpenAPI document: true of what is answered, errors included."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import compile_path

from underpaint import __version__
from underpaint.stages.serve.http.errors import ErrorBody

MEANINGS = {
    400: "A field is missing, unknown, unsupported or wrong; `param` names it",
    401: "The key is missing or wrong",
    403: "The key may not do this, or the request comes from a foreign page",
    404: "There is no such thing",
    405: "Another method is meant",
    409: "The state, or another request with the same key, forbids it",
    413: "The body is too large",
    415: "The body is of another kind",
    429: "Too much waits already; `retry-after-ms` says when to come back",
    500: "A defect of the server",
    503: "Not now; another try may go better",
    504: "Not there in time",
}
EVENTS: dict[str, Any] = {
    "description": "The pictures, or with `stream` events of the same name as OpenAI's",
    "content": {"text/event-stream": {}},
}
EVERYWHERE = (403, 405)


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how an endpoint documents the statuses that are no success.

    Args:
        statuses: Those that it may answer with, besides those that every endpoint may.
    """
    return {
        status: {"model": ErrorBody, "description": MEANINGS[status]} for status in sorted({*statuses, *EVERYWHERE})
    }


def add_document(app: FastAPI) -> None:
    """Let the app describe itself without the status 422, which it never sends."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(title="underpaint", version=__version__, routes=app.routes, description=DESCRIPTION)
            app.openapi_schema = without_422(found)
        return app.openapi_schema

    app.openapi = document


def methods_of(app: FastAPI, path: str) -> list[str]:
    """Return the methods that a path can be called with, all of its routes together.

    A path that has no parameter is never taken for one that another's parameter stands for.
    """
    found: set[str] = set()
    paths = app.openapi()["paths"]
    for template, operations in [(path, paths[path])] if path in paths else paths.items():
        if compile_path(template)[0].match(path):
            found |= {method.upper() for method in operations}
    return sorted(found)


def without_422(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document without the status 422 and what belongs to it."""
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    schemas = document.get("components", {}).get("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    return document


DESCRIPTION = "Stickers from words. `/v1` is OpenAI's Images API; `/api/v1` has durable jobs and what else is ours."
