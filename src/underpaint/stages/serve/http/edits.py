"""``POST /v1/images/edits``: a picture of the caller's, drawn anew in part or as a whole."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile

from underpaint.core.config import Config
from underpaint.core.errors import FieldError
from underpaint.stages.serve.answering.schema import ImagesResponse
from underpaint.stages.serve.asking.edit_request import EditFields, from_form
from underpaint.stages.serve.asking.planning import Wish, owner_of
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.http.callers import Caller, CallerOf
from underpaint.stages.serve.http.errors import ApiError
from underpaint.stages.serve.http.generations import answered, check_stream, streamed
from underpaint.stages.serve.http.openapi import EVENTS, refusals
from underpaint.stages.serve.http.state import GatekeeperOf, KeeperOf, ServiceOf
from underpaint.stages.serve.security.uploads import Caps, read_upload
from underpaint.stages.serve.service import Service

router = APIRouter(tags=["OpenAI"])
MAX_PICTURES = 16
IMAGE_FIELDS = ("image", "image[]")
CAPS = Caps()


class Given(Config):
    """A picture that is named in a JSON body: one of the two.

    Args:
        file_id: A file with the purpose ``vision``.
        image_url: A ``data:`` address.
    """

    model_config = ConfigDict(strict=True)

    file_id: str | None = Field(default=None, max_length=200)
    image_url: str | None = None


class EditBody(EditFields):
    """The JSON body of a request to edit.

    Args:
        images: The picture.
        mask: A PNG of the same size; what is transparent in it is drawn anew.
    """

    images: list[Given] = Field(min_length=1, max_length=MAX_PICTURES)
    mask: Given | None = None


@dataclass(frozen=True)
class Asked:
    """A request to edit, whichever way it came.

    Args:
        fields: What is asked for.
        pictures: Files of pictures.
        mask: File of the mask, or None.
    """

    fields: EditFields
    pictures: list[bytes]
    mask: bytes | None


async def _asked(request: Request, caller: CallerOf, keeper: KeeperOf) -> Asked:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _from_form(request)
    if kind == "application/json":
        return await _from_json(request, caller, keeper)
    raise ApiError(415, "unsupported_media_type", f"send a form with files, or JSON, got {kind or 'nothing'!r:.60}")


async def _from_form(request: Request) -> Asked:
    pictures: list[bytes] = []
    texts: dict[str, str] = {}
    mask: bytes | None = None
    async with request.form(max_files=MAX_PICTURES + 2, max_fields=100) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile) and name in IMAGE_FIELDS:
                pictures.append(await value.read())
            elif isinstance(value, UploadFile) and name == "mask":
                mask = await value.read()
            elif isinstance(value, UploadFile) or name in (*IMAGE_FIELDS, "mask"):
                raise FieldError(f"the field {name!r:.80} must be a file, and no other may be", param=name)
            else:
                texts[name] = value
    if not pictures:
        raise FieldError("the field 'image' is missing", param="image", code="missing_field")
    return Asked(_validated(EditFields, from_form(texts)), pictures, mask)


async def _from_json(request: Request, caller: Caller, keeper: BatchKeeper) -> Asked:
    try:
        values = await request.json()
    except ValueError as error:
        raise ApiError(400, "invalid_value", f"the body is no JSON ({error})") from None
    body = _validated(EditBody, values)
    fields = EditFields.model_validate(body.model_dump(exclude={"images", "mask"}, exclude_unset=True))
    pictures = [await _bytes_of(one, f"images.{number}", caller, keeper) for number, one in enumerate(body.images)]
    mask = None if body.mask is None else await _bytes_of(body.mask, "mask", caller, keeper)
    return Asked(fields, pictures, mask)


def _validated(kind: type[Any], values: Any) -> Any:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


async def _bytes_of(given: Given, param: str, caller: Caller, keeper: BatchKeeper) -> bytes:
    """Return the file of a picture that is named in a JSON body.

    Raises:
        FieldError: Neither or both ways are used, or it is not there, or too large.
    """
    if (given.file_id is None) == (given.image_url is None):
        raise FieldError("a picture has a file_id or an image_url", param=param)
    if given.file_id is not None:
        record = await asyncio.to_thread(keeper.records.file, given.file_id, caller.owner)
        if record.bytes > CAPS.image_bytes:
            raise FieldError(
                f"{record.id} has {record.bytes:,} bytes; at most {CAPS.image_bytes:,} are allowed",
                param=param,
                code="image_too_large",
            )
        return await asyncio.to_thread(keeper.records.path(record.id).read_bytes)
    head, comma, data = (given.image_url or "").partition(",")
    if not head.lower().startswith("data:"):
        raise FieldError(
            "this server fetches nothing; send the picture itself, or a data: address",
            param=param,
            code="remote_url_disabled",
        )
    try:
        return (
            base64.b64decode(data, validate=True) if comma and head.lower().endswith(";base64") else _no_base64(param)
        )
    except binascii.Error:
        return _no_base64(param)


def _no_base64(param: str) -> bytes:
    raise FieldError("a data: address holds base64, as data:image/png;base64,...", param=param)


def _wish(asked: Asked, service: Service, caller: Caller) -> Wish:
    """Return what a request means; pictures are decoded for it."""
    if len(asked.pictures) > 1:
        raise FieldError(
            f"one picture is edited at a time, got {len(asked.pictures)}; send one",
            param="image",
            code="unsupported_parameter",
        )
    picture = read_upload(asked.pictures[0], caps=CAPS, param="image")
    mask = None if asked.mask is None else read_upload(asked.mask, caps=CAPS, param="mask", is_mask=True)
    return service.edit_wish(asked.fields, caller.key_id, picture, mask)


BINARY = {"type": "string", "contentMediaType": "application/octet-stream"}
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image", "prompt"],
                    "properties": {
                        "image": {**BINARY, "description": "PNG, JPEG or WebP"},
                        "mask": {**BINARY, "description": "transparent is drawn anew"},
                        "prompt": {"type": "string", "minLength": 1, "maxLength": 32000},
                        **{name: {"type": "string"} for name in EditFields.model_fields if name != "prompt"},
                    },
                    "additionalProperties": False,
                }
            }
        },
    }
}


@router.post(
    "/v1/images/edits",
    response_model=ImagesResponse,
    responses={200: EVENTS, **refusals(400, 401, 403, 404, 413, 415, 429, 500, 503, 504)},
    openapi_extra=FORM,
)
async def edit(
    asked: Annotated[Asked, Depends(_asked)],
    request: Request,
    caller: CallerOf,
    service: ServiceOf,
    gatekeeper: GatekeeperOf,
) -> Response:
    """Draw a picture anew under a prompt: where its mask is transparent, or as a whole."""
    fields = asked.fields
    check_stream(fields)
    wish = await asyncio.to_thread(_wish, asked, service, caller)
    deadline_at = None if fields.deadline_ms is None else time.time() + fields.deadline_ms / 1000
    with gatekeeper.charged(caller.key_id, len(wish.orders)):
        tickets = service.submit(
            wish, owner=owner_of(caller.key_id, fields.user), priority=fields.priority or 0, deadline_at=deadline_at
        )
    if fields.stream:
        return await streamed(service, fields, wish, tickets[0], asyncio.Queue(), deadline_at, kind="image_edit")
    return await answered(service, fields, wish, tickets, request, deadline_at)
