"""Kept pictures by the digest of their pixels: with a signed address for whoever has it, or for callers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse

from underpaint.stages.serve.engine.finish import MEDIA_TYPES
from underpaint.stages.serve.engine.orders import Format
from underpaint.stages.serve.http.callers import CallerOf
from underpaint.stages.serve.http.errors import ApiError
from underpaint.stages.serve.http.openapi import refusals
from underpaint.stages.serve.http.state import AnyServiceOf, DeskOf
from underpaint.stages.serve.store import SUFFIXES

router = APIRouter()
FILES = {
    200: {"description": "The picture", "content": {kind: {} for kind in MEDIA_TYPES.values()}},
    **refusals(400, 401, 404, 500, 503),
}


def picture_file(path: Path, output_format: Format) -> FileResponse:
    """Return a picture; it never changes, so it may be kept."""
    headers = {"cache-control": "private, max-age=31536000, immutable"}
    return FileResponse(path, media_type=MEDIA_TYPES[output_format], headers=headers)


@router.get("/v1/images/files/{name}", response_class=FileResponse, responses=FILES, tags=["OpenAI"])
async def signed(
    name: str,
    service: AnyServiceOf,
    expires: Annotated[int, Query(ge=0, le=2**53)],
    signature: Annotated[str, Query(max_length=64)],
) -> FileResponse:
    """Return the picture of an address that was given with `response_format` `url`, as long as it is valid."""
    digest, _, suffix = name.partition(".")
    formats: dict[str, Format] = {ending[1:]: output_format for output_format, ending in SUFFIXES.items()}
    output_format = formats.get(suffix)
    if output_format is None or not service.store.is_signed(digest, output_format, expires, signature):
        raise ApiError(401, "invalid_signature", "this address was not given here, or is too old; ask for a new one")
    found = service.store.find(digest, output_format)
    if found is None:
        raise ApiError(404, "image_not_found", "this picture is kept no longer; draw it again")
    return picture_file(*found)


@router.get("/api/v1/images/{pixel_sha256}", response_class=FileResponse, responses=FILES, tags=["jobs"])
async def by_digest(pixel_sha256: str, caller: CallerOf, service: AnyServiceOf, desk: DeskOf) -> FileResponse:
    """Return a kept picture by the SHA-256 of its pixels; of those in others' galleries only what you drew too."""
    found, owner = service.store.find(pixel_sha256), caller.owner
    if found is not None and owner is not None:
        found = found if await desk.browse(lambda gallery: gallery.may_see(pixel_sha256, owner)) else None
    if found is None:
        raise ApiError(404, "image_not_found", "there is no picture with these pixels, or it is kept no longer")
    return picture_file(*found)
