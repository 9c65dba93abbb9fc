"""``POST /v1/images/edits``: a picture of the caller's, drawn anew in part or as a whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import Field, ValidationError
from starlette.datastructures import UploadFile

from underpaint.core.errors import FieldError
from underpaint.stages.serve.answering.schema import ImagesResponse
from underpaint.stages.serve.asking.edit_request import MAX_PICTURES, EditFields, Given, from_form
from underpaint.stages.serve.asking.planning import owner_of
from underpaint.stages.serve.batches.given_pictures import decoded, files_of
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.engine.edit_input import EditInput
from underpaint.stages.serve.http.callers import Caller, CallerOf
from underpaint.stages.serve.http.durable import IdempotencyKey, drawn_once
from underpaint.stages.serve.http.errors import ApiError, UnfitBody
from underpaint.stages.serve.http.generations import answered, check_stream, streamed
from underpaint.stages.serve.http.openapi import EVENTS, refusals
from underpaint.stages.serve.http.state import DeskOf, GatekeeperOf, KeeperOf, ServiceOf
from underpaint.stages.serve.http.tracing import remember
from underpaint.stages.serve.service import Service

router = APIRouter(tags=["OpenAI"])
IMAGE_FIELDS = ("image", "image[]")
NO_IMAGE = ({"type": "missing", "loc": ("image",), "msg": "Field required"},)
"""The problem of a form without a picture, as pydantic would tell it."""


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
    return Asked(_validated(EditFields, from_form(texts), NO_IMAGE if not pictures else ()), pictures, mask)


async def _from_json(request: Request, caller: Caller, keeper: BatchKeeper) -> Asked:
    try:
        values = await request.json()
    except ValueError as error:
        raise ApiError(400, "invalid_value", f"the body is no JSON ({error})") from None
    body = _validated(EditBody, values)
    fields = EditFields.model_validate(body.model_dump(exclude={"images", "mask"}, exclude_unset=True))
    named, kept = (body.images, body.mask, caller.owner, keeper.records), keeper.desk.kept_file
    pictures, mask = await asyncio.to_thread(files_of, *named, kept)
    return Asked(fields, pictures, mask)


def _validated(kind: type[Any], values: Any, problems: Sequence[Mapping[str, Any]] = ()) -> Any:
    """Return a body as what it should be, unless it or what came beside it has problems."""
    try:
        body = kind.model_validate(values)
    except ValidationError as error:
        raise UnfitBody([*problems, *error.errors()], kind) from None
    if problems:
        raise UnfitBody(problems, kind)
    return body


def _check_previews(fields: EditFields) -> None:
    """Refuse unfinished pictures.

    Raises:
        FieldError: Some are asked for; an edit shows none.
    """
    if fields.partial_images:
        raise FieldError(
            f"an edit shows no unfinished pictures, got partial_images {fields.partial_images}; leave it out, and the "
            "stream brings the finished picture",
            param="partial_images",
            code="unsupported_parameter",
        )


def _given(asked: Asked, service: Service) -> EditInput:
    """Return what an engine needs of the picture and its mask, which are decoded for it."""
    return service.edit_input(asked.fields, *decoded(asked.pictures, asked.mask))


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
    responses={200: EVENTS, **refusals(400, 401, 403, 404, 409, 413, 415, 429, 500, 503, 504)},
    openapi_extra=FORM,
)
async def edit(
    asked: Annotated[Asked, Depends(_asked)],
    request: Request,
    caller: CallerOf,
    service: ServiceOf,
    desk: DeskOf,
    gatekeeper: GatekeeperOf,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Draw a picture anew under a prompt; with an `Idempotency-Key` as a durable job, so that it is drawn once."""
    fields = asked.fields
    _check_previews(fields)
    check_stream(fields)
    given = await asyncio.to_thread(_given, asked, service)
    if idempotency_key is not None:
        return await drawn_once(fields, request, caller, desk, gatekeeper, idempotency_key, given)
    wish = await asyncio.to_thread(service.edit_wish, fields, caller.key_id, given)
    deadline_at = None if fields.deadline_ms is None else time.time() + fields.deadline_ms / 1000
    with gatekeeper.charged(caller.key_id, len(wish.orders)):
        tickets = service.submit(
            wish, owner=owner_of(caller.key_id, fields.user), priority=fields.priority or 0, deadline_at=deadline_at
        )
    remember(request, tickets)
    if fields.stream:
        return await streamed(service, fields, wish, tickets[0], asyncio.Queue(), deadline_at, kind="image_edit")
    return await answered(service, fields, wish, tickets, request, deadline_at)
