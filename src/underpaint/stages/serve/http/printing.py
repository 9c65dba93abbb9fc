"""``POST /api/v1/print``: pictures of the gallery on paper, to be printed and cut out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import Response
from pydantic import Field

from underpaint.pipelines.stickers.making import TITLE
from underpaint.pipelines.stickers.printing import PER_PAGE, Paper
from underpaint.stages.serve.gallery.making import as_sticker, busy, read_kept
from underpaint.stages.serve.gallery.paper import MOST_PAGES, Form, check_pages, printed
from underpaint.stages.serve.http.callers import CallerOf
from underpaint.stages.serve.http.errors import ApiError
from underpaint.stages.serve.http.gallery import saved_as
from underpaint.stages.serve.http.gallery_schema import Digest
from underpaint.stages.serve.http.openapi import refusals
from underpaint.stages.serve.http.state import JSON_ONLY, DeskOf, ServiceOf
from underpaint.stages.serve.http.stickers import TEXT, LookRequest
from underpaint.stages.serve.http.waited import GoOn, while_waited_for

router = APIRouter(tags=["gallery"])
MEDIA_TYPES: dict[Form, str] = {"png": "image/png", "pdf": "application/pdf"}


class PrintRequest(LookRequest):
    """What shall be printed, and how the stickers shall look.

    Args:
        pictures: SHA-256 of the pixels of each, in order.
        paper: The page.
        cut_line: Whether a magenta line to cut along surrounds each.
        form: One page as ``png``, or several as ``pdf``; ``as`` in JSON.
        title: Of a PDF.
    """

    pictures: list[Digest] = Field(min_length=1, max_length=MOST_PAGES * PER_PAGE)
    paper: Paper = "a4"
    cut_line: bool = False
    form: Form = Field(default="png", alias="as")
    title: str = Field(default=TITLE, min_length=1, max_length=128, pattern=TEXT)


FILES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The printed sheet", "content": {kind: {} for kind in MEDIA_TYPES.values()}},
    **refusals(400, 401, 404, 413, 415, 429, 500, 503),
}


@router.post("/api/v1/print", response_class=Response, responses=FILES, dependencies=[JSON_ONLY])
async def print_out(
    body: Annotated[PrintRequest, Body()], request: Request, caller: CallerOf, service: ServiceOf, desk: DeskOf
) -> Response:
    """Lay pictures out on paper as large as they fit, 300 dots an inch, with a line to cut along if it is wanted."""
    look, digests = body.look(), list(dict.fromkeys(body.pictures))
    check_pages(len(digests), body.form)
    missing = await desk.browse(lambda gallery: gallery.missing(digests, caller.owner))
    if missing:
        raise ApiError(404, "image_not_found", f"{missing[0]} is not in the gallery", param="pictures")

    def made(go_on: GoOn) -> bytes:
        with busy():
            found = desk.gallery.some(digests, caller.owner, caller.key_id)
            pictures = [as_sticker(read_kept(one, service.store), one.note) for one in found]
            how = {"cut_line": body.cut_line, "title": body.title}
            return printed(pictures, look, body.paper, **how, form=body.form, go_on=go_on)

    data = await while_waited_for(request, made)
    if data is None:
        return Response(status_code=499)
    headers = saved_as(f"underpaint-{body.paper}.{body.form}")
    return Response(data, media_type=MEDIA_TYPES[body.form], headers=headers)
