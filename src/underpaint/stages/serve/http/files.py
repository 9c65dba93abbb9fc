"""``/v1/files``: files that batches read, and that they write."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from fastapi import APIRouter, File, Form, UploadFile
from fastapi.responses import FileResponse
from pydantic import BaseModel

from underpaint.core.errors import StateConflict
from underpaint.stages.serve.batches.records import FileRecord
from underpaint.stages.serve.http.callers import CallerOf
from underpaint.stages.serve.http.openapi import refusals
from underpaint.stages.serve.http.state import KeeperOf, ServiceOf
from underpaint.stages.serve.security.uploads import Caps, read_upload, reencoded

router = APIRouter(prefix="/v1/files", tags=["OpenAI"])
CONTENT = {200: {"description": "The file", "content": {"application/octet-stream": {}}}}


class FileView(BaseModel):
    """A file as OpenAI's clients read it."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: Literal["processed"] = "processed"


class FileDeleted(BaseModel):
    """A file is no more."""

    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


def _view(record: FileRecord) -> FileView:
    return FileView(
        id=record.id,
        bytes=record.bytes,
        created_at=record.created_at,
        filename=record.filename,
        purpose=record.purpose,
    )


@router.post("", response_model=FileView, responses=refusals(400, 401, 413, 500, 503))
async def upload(
    file: Annotated[UploadFile, File()],
    purpose: Annotated[Literal["batch", "vision"], Form()],
    caller: CallerOf,
    _service: ServiceOf,
    keeper: KeeperOf,
) -> FileView:
    """Keep a file; of a picture, nothing but its pixels."""
    name, content = file.filename or "file", file.file
    if purpose == "vision":
        name, content = await asyncio.to_thread(_pixels_of, name, content)
    record = await asyncio.to_thread(keeper.records.add_file, caller.key_id, purpose, name, content)
    return _view(record)


def _pixels_of(name: str, file: BinaryIO) -> tuple[str, BinaryIO]:
    """Return name and content of a PNG that holds the pixels of an uploaded picture alone.

    Raises:
        FieldError: It is no picture, or too large.
    """
    caps = Caps()
    image = read_upload(file.read(caps.image_bytes + 1), caps=caps, param="file")
    return f"{Path(name).stem}.png", io.BytesIO(reencoded(image))


@router.get("/{file_id}", response_model=FileView, responses=refusals(401, 404, 500, 503))
async def one_file(file_id: str, caller: CallerOf, keeper: KeeperOf) -> FileView:
    """Return what is known of a file."""
    return _view(await asyncio.to_thread(keeper.records.file, file_id, caller.owner))


@router.get("/{file_id}/content", response_class=FileResponse, responses={**CONTENT, **refusals(401, 404, 500, 503)})
async def content(file_id: str, caller: CallerOf, keeper: KeeperOf) -> FileResponse:
    """Return a file."""
    record = await asyncio.to_thread(keeper.records.file, file_id, caller.owner)
    return FileResponse(keeper.records.path(record.id), media_type="application/octet-stream")


@router.delete("/{file_id}", response_model=FileDeleted, responses=refusals(401, 404, 409, 500, 503))
async def delete(file_id: str, caller: CallerOf, keeper: KeeperOf) -> FileDeleted:
    """Forget a file; not while a batch reads it."""
    record = await asyncio.to_thread(keeper.records.file, file_id, caller.owner)
    readers = [one for one in await asyncio.to_thread(keeper.records.open_batches) if one.input_file_id == record.id]
    if any(one.status == "validating" for one in readers):
        raise StateConflict(f"{readers[0].id} still reads this file; try again when it is in progress")
    await asyncio.to_thread(keeper.records.remove_file, record.id)
    return FileDeleted(id=record.id)
