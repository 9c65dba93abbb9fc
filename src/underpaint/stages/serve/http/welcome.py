"""``GET /``: what somebody sees who opens the server's address in a browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from underpaint import __version__
from underpaint.stages.serve.http.openapi import refusals

router = APIRouter(tags=["operation"])
HEAD = f"""underpaint {__version__} draws stickers from words, for programs: it speaks OpenAI's Images API.

    curl -s ADDRESS/v1/images/generations -H 'content-type: application/json' -d '{{"prompt": "a red heart"}}'

What there is (/openapi.json describes all of it, docs/serve.md explains it):

"""


@router.get("/", response_class=PlainTextResponse, responses=refusals())
async def welcome(request: Request) -> str:
    """Say what this server is, and list its endpoints."""
    return HEAD.replace("ADDRESS", str(request.base_url).rstrip("/")) + listed(request.app.openapi())


def listed(document: Mapping[str, Any]) -> str:
    """Return the operations of an OpenAPI document, one a line."""
    rows = [
        (method.upper(), path, operation.get("description", "").partition(".")[0])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    wide = max(len(path) for _, path, _ in rows)
    return "".join(f"    {method:6}  {path:{wide}}  {about}\n" for method, path, about in rows)
