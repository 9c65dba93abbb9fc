"""``GET /``: the studio for browsers, a list of the endpoints for whoever calls with curl."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from underpaint import __version__
from underpaint.stages.serve.http.openapi import refusals

router = APIRouter(tags=["operation"])
HEAD = f"""underpaint {__version__} draws stickers from words.

For people: ADDRESS/studio/ in a browser.
For programs: it speaks OpenAI's Images API.

    curl -s ADDRESS/v1/images/generations -H 'content-type: application/json' -d '{{"prompt": "a red heart"}}'

What there is (/openapi.json describes all of it, docs/serve.md explains it):

"""
TO_STUDIO: dict[int | str, dict[str, Any]] = {307: {"description": "The studio, for browsers"}}


@router.get("/", response_class=PlainTextResponse, responses={**TO_STUDIO, **refusals()})
async def welcome(request: Request, accept: Annotated[str, Header()] = "") -> Response:
    """Say what this server is, and list its endpoints; lead browsers to the studio."""
    if "text/html" in accept.lower():
        return RedirectResponse("studio/", status_code=307, headers={"vary": "accept"})
    text = HEAD.replace("ADDRESS", str(request.base_url).rstrip("/")) + listed(request.app.openapi())
    return PlainTextResponse(text, headers={"vary": "accept"})


def listed(document: Mapping[str, Any]) -> str:
    """Return the operations of an OpenAPI document, one a line."""
    rows = [
        (method.upper(), path, operation.get("description", "").partition(".")[0])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    wide = max(len(path) for _, path, _ in rows)
    return "".join(f"    {method:6}  {path:{wide}}  {about}\n" for method, path, about in rows)
