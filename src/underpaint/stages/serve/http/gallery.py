"""``/api/v1/gallery``: finished pictures, found again, told apart, deleted and brought back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, File, Query, UploadFile
from fastapi.responses import Response, StreamingResponse

from underpaint.core.errors import FieldError
from underpaint.stages.serve.gallery.archive import zipped
from underpaint.stages.serve.gallery.bringing import CAPS, brought
from underpaint.stages.serve.gallery.changing import Action
from underpaint.stages.serve.gallery.finding import MAX_PAGE
from underpaint.stages.serve.gallery.finding import Query as Wanted
from underpaint.stages.serve.gallery.picture import GalleryPicture
from underpaint.stages.serve.gallery.sheet import MOST, sheet_of
from underpaint.stages.serve.http.callers import Caller, CallerOf
from underpaint.stages.serve.http.errors import ApiError
from underpaint.stages.serve.http.gallery_schema import (
    ActionRequest,
    ActionView,
    ArchiveRequest,
    Erased,
    GalleryList,
    GalleryView,
    Words,
    gallery_view,
)
from underpaint.stages.serve.http.openapi import refusals
from underpaint.stages.serve.http.state import JSON_ONLY, DeskOf, ServiceOf
from underpaint.stages.serve.jobs.desk import JobDesk

router = APIRouter(prefix="/api/v1/gallery", tags=["gallery"])
TEXT = r"^[^\x00]*$"
ARCHIVES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"application/zip": {}, "image/png": {}}},
    **refusals(400, 401, 404, 413, 415, 500, 503),
}


async def _wanted(
    search: Annotated[str, Query(max_length=500, pattern=TEXT)] = "",
    favorite: Annotated[bool | None, Query()] = None,
    style: Annotated[str | None, Query(max_length=100, pattern=TEXT)] = None,
    model: Annotated[str | None, Query(max_length=200, pattern=TEXT)] = None,
    job: Annotated[str | None, Query(max_length=200, pattern=TEXT)] = None,
    deleted: Annotated[bool, Query()] = False,
) -> Wanted:
    return Wanted(search=search, favorite=favorite, style=style, model=model, job=job, deleted=deleted)


@router.get("", response_model=GalleryList, responses=refusals(400, 401, 500, 503))
async def pictures(
    wanted: Annotated[Wanted, Depends(_wanted)],
    caller: CallerOf,
    service: ServiceOf,
    desk: DeskOf,
    before: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
) -> GalleryList:
    """List pictures, the newest first; all that is given must hold."""
    place = None if before is None else int(before)
    found, total = await desk.browse(lambda gallery: gallery.page(wanted, caller.owner, place, limit + 1))
    shown, has_more = found[:limit], len(found) > limit
    return GalleryList(
        data=[gallery_view(one, service.catalog) for one in shown],
        total=total,
        has_more=has_more,
        next=str(shown[-1].seq) if has_more else None,
        used_bytes=await desk.browse(lambda gallery: gallery.used_bytes(caller.key_id)),
        max_bytes=desk.gallery.max_bytes,
    )


@router.post("", status_code=201, response_model=GalleryView, responses=refusals(400, 401, 409, 413, 500, 503))
async def bring(file: Annotated[UploadFile, File()], caller: CallerOf, service: ServiceOf, desk: DeskOf) -> GalleryView:
    """Put a picture of yours into the gallery: its pixels, and its settings if they are those of these pixels."""
    data = await file.read(CAPS.image_bytes + 1)
    picture = await asyncio.to_thread(brought, data, file.filename or "", desk.gallery, service, caller.key_id)
    desk.bell.ring()
    return gallery_view(picture, service.catalog)


@router.post(
    "/actions", response_model=ActionView, responses=refusals(400, 401, 413, 415, 500, 503), dependencies=[JSON_ONLY]
)
async def act(body: Annotated[ActionRequest, Body()], caller: CallerOf, desk: DeskOf) -> ActionView:
    """Do one thing with several pictures, all at once or not at all."""
    owner, mine = caller.owner, caller.key_id
    changed, missing = await desk.curate(lambda gallery: gallery.act(body.pictures, owner, mine, body.action))
    return ActionView(action=body.action, changed=[one.pixel_sha256 for one in changed], missing=missing)


@router.post("/archive", response_class=StreamingResponse, responses=ARCHIVES, dependencies=[JSON_ONLY])
async def archive(
    body: Annotated[ArchiveRequest, Body()], caller: CallerOf, service: ServiceOf, desk: DeskOf
) -> Response:
    """Send pictures in one file: a ZIP with all that is known of them, or a contact sheet."""
    digests = body.pictures
    missing = await desk.browse(lambda gallery: gallery.missing(digests, caller.owner))
    if len(missing) == len(set(digests)):
        raise ApiError(404, "image_not_found", "none of these pictures is in the gallery", param="pictures")

    def pictures() -> Iterator[GalleryPicture]:
        return desk.gallery.some(digests, caller.owner, caller.key_id)

    if body.form == "sheet":
        check_cells(len(digests))
        data = await asyncio.to_thread(lambda: sheet_of(list(pictures()), service.store))
        return Response(data, media_type="image/png", headers=saved_as("underpaint-sheet.png"))
    parts = zipped(pictures, missing, service.store)
    return StreamingResponse(parts, media_type="application/zip", headers=saved_as("underpaint-pictures.zip"))


def check_cells(count: int) -> None:
    """Refuse a sheet of too many pictures.

    Raises:
        FieldError: They are too many.
    """
    if count > MOST:
        raise FieldError(
            f"a sheet shows at most {MOST} pictures, got {count:,}; take fewer, or a zip", param="pictures"
        )


def saved_as(name: str) -> dict[str, str]:
    """Return the headers of an answer that browsers save under a name."""
    return {"content-disposition": f'attachment; filename="{name}"'}


@router.delete("/bin", response_model=Erased, responses=refusals(401, 500, 503))
async def empty_bin(caller: CallerOf, desk: DeskOf) -> Erased:
    """Erase all that you have in the bin; that cannot be undone."""
    return Erased(erased=await desk.curate(lambda gallery: gallery.empty_bin(caller.key_id)))


@router.get("/{pixel_sha256}", response_model=GalleryView, responses=refusals(401, 404, 500, 503))
async def one_picture(pixel_sha256: str, caller: CallerOf, service: ServiceOf, desk: DeskOf) -> GalleryView:
    """Return a picture as it is now."""
    found = await desk.browse(lambda gallery: gallery.one(pixel_sha256, caller.owner, caller.key_id))
    return gallery_view(found, service.catalog)


@router.patch(
    "/{pixel_sha256}",
    response_model=GalleryView,
    responses=refusals(400, 401, 404, 413, 415, 500, 503),
    dependencies=[JSON_ONLY],
)
async def say(
    pixel_sha256: str, body: Annotated[Words, Body()], caller: CallerOf, service: ServiceOf, desk: DeskOf
) -> GalleryView:
    """Note what you think of a picture."""
    owner, mine, words = caller.owner, caller.key_id, body.said()
    said = await desk.curate(lambda gallery: gallery.say(pixel_sha256, owner, mine, words))
    return gallery_view(said, service.catalog)


@router.delete("/{pixel_sha256}", response_model=ActionView, responses=refusals(400, 401, 404, 500, 503))
async def delete(
    pixel_sha256: str, caller: CallerOf, desk: DeskOf, forever: Annotated[bool, Query()] = False
) -> ActionView:
    """Put a picture into the bin, or erase it, from wherever it is."""
    return await _one(pixel_sha256, caller, desk, "erase" if forever else "delete")


@router.post("/{pixel_sha256}/restore", response_model=ActionView, responses=refusals(401, 404, 500, 503))
async def restore(pixel_sha256: str, caller: CallerOf, desk: DeskOf) -> ActionView:
    """Take a picture out of the bin."""
    return await _one(pixel_sha256, caller, desk, "restore")


async def _one(digest: str, caller: Caller, desk: JobDesk, action: Action) -> ActionView:
    owner, mine = caller.owner, caller.key_id
    await desk.browse(lambda gallery: gallery.one(digest, owner, mine))
    changed, missing = await desk.curate(lambda gallery: gallery.act([digest], owner, mine, action))
    return ActionView(action=action, changed=[one.pixel_sha256 for one in changed], missing=missing)
