"""``POST /api/v1/upscale``: a picture of the gallery, or of yours, made larger."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile

from underpaint.core.config import Config
from underpaint.core.errors import FieldError
from underpaint.pipelines.editing.reading import Upright
from underpaint.pipelines.upscaling.enlarging import LARGEST
from underpaint.stages.serve.gallery.bringing import CAPS, read_brought
from underpaint.stages.serve.gallery.making import busy, enlarged, read_kept, seal_of
from underpaint.stages.serve.http.callers import CallerOf
from underpaint.stages.serve.http.errors import ApiError, UnfitBody
from underpaint.stages.serve.http.gallery import saved_as
from underpaint.stages.serve.http.gallery_schema import Digest
from underpaint.stages.serve.http.openapi import refusals
from underpaint.stages.serve.http.state import DeskOf, ServiceOf

router = APIRouter(tags=["gallery"])
SIZES = (256, 512, 1024)
"""Sizes that a page may offer."""
MAX_DIGITS = 9
"""Most digits that a form's size is read with; Python itself reads no number of thousands."""


class UpscaleRequest(Config):
    """What shall be made larger.

    Args:
        picture: SHA-256 of the pixels of a picture of the gallery; not in a form, which has a file.
        size: Of the longer side, in pixels.
    """

    model_config = ConfigDict(strict=True)

    picture: Digest | None = None
    size: int = Field(ge=1, le=LARGEST)


class _Asked:
    """A request, whichever way it came."""

    def __init__(self, body: UpscaleRequest, data: bytes | None) -> None:
        self.body, self.data = body, data


async def _asked(request: Request) -> _Asked:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            return _Asked(_validated(await request.json()), None)
        except (ValueError, RecursionError) as error:
            why = "it is nested too deeply" if isinstance(error, RecursionError) else error
            raise ApiError(400, "invalid_value", f"the body is no JSON ({why})") from None
    if kind != "multipart/form-data":
        raise ApiError(
            415, "unsupported_media_type", f"send a form with a file, or JSON, got {kind or 'nothing'!r:.60}"
        )
    async with request.form(max_files=1, max_fields=10) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise FieldError("the field 'file' is missing", param="file", code="missing_field")
        values = {name: value for name, value in form.multi_items() if name != "file"}
        size = values.get("size")
        if isinstance(size, str) and len(size) <= MAX_DIGITS and size.isascii() and size.isdecimal():
            values["size"] = int(size)  # pyright: ignore[reportArgumentType]
        return _Asked(_validated(values), await file.read(CAPS.image_bytes + 1))


def _validated(values: Any) -> UpscaleRequest:
    try:
        return UpscaleRequest.model_validate(values)
    except ValidationError as error:
        raise UnfitBody(error.errors(), UpscaleRequest) from None


FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["picture", "size"],
                    "properties": {
                        "picture": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                        "size": {"type": "integer", "minimum": 1, "maximum": LARGEST},
                    },
                    "additionalProperties": False,
                }
            },
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "size"],
                    "properties": {
                        "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                        "size": {"type": "string", "pattern": "^[0-9]{1,4}$"},
                    },
                    "additionalProperties": False,
                }
            },
        },
    }
}
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The larger picture", "content": {"image/png": {}}},
    **refusals(400, 401, 404, 413, 415, 429, 500, 503),
}


@router.post("/api/v1/upscale", response_class=Response, responses=PICTURE, openapi_extra=FORM)
async def upscale(
    asked: Annotated[_Asked, Depends(_asked)], caller: CallerOf, service: ServiceOf, desk: DeskOf
) -> Response:
    """Make a picture larger, its transparency and its edges kept; it says what it was drawn from."""

    def picture() -> Upright:
        if asked.data is not None:
            image, settings = read_brought(asked.data)
            return Upright(name="the picture", image=image, settings=settings)
        digest = asked.body.picture
        if digest is None:
            raise FieldError("the field 'picture' is missing", param="picture", code="missing_field")
        return read_kept(desk.gallery.one(digest, caller.owner, caller.key_id), service.store)

    def made() -> bytes:
        with busy():
            return enlarged(picture(), asked.body.size, seal=seal_of(service.config))

    data = await asyncio.to_thread(made)
    return Response(data, media_type="image/png", headers=saved_as(f"underpaint-{asked.body.size}.png"))
