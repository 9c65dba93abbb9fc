"""``POST /v1/images/edits``: a picture of the caller's, drawn anew in part or as a whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import Field, ValidationError
from starlette.datastructures import UploadFile

from underpaint.core.errors import FieldError
from underpaint.stages.serve.answering.schema import ImagesResponse
from underpaint.stages.serve.asking.edit_request import MAX_PICTURES, EditFields, Given, from_form
from underpaint.stages.serve.asking.field_mistakes import FieldMistakes
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
Files = Callable[[], tuple[list[bytes], bytes | None]]
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
        files: Returns the files of its pictures, and that of its mask or None; raises ``FieldError``.
        has_mask: Whether there is a mask.
    """

    fields: EditFields
    files: Files
    has_mask: bool


async def _asked(request: Request, caller: CallerOf, service: ServiceOf, keeper: KeeperOf) -> Asked:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _from_form(request, service)
    if kind == "application/json":
        return await _from_json(request, caller, service, keeper)
    raise ApiError(415, "unsupported_media_type", f"send a form with files, or JSON, got {kind or 'nothing'!r:.60}")


async def _from_form(request: Request, service: Service) -> Asked:
    pictures: list[bytes] = []
    texts: dict[str, str] = {}
    mask: bytes | None = None
    found = FieldMistakes()
    async with request.form(max_files=MAX_PICTURES + 2, max_fields=100) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile) and name in IMAGE_FIELDS:
                pictures.append(await value.read())
            elif isinstance(value, UploadFile) and name == "mask":
                mask = await value.read()
            elif isinstance(value, UploadFile) or name in (*IMAGE_FIELDS, "mask"):
                found.add(FieldError(f"the field {name!r:.80} must be a file, and no other may be", param=name))
            else:
                texts[name] = value
    problems, has_mask = NO_IMAGE if not pictures and not len(found) else (), mask is not None
    files = (pictures, mask) if pictures else None
    asked = (EditFields, from_form(texts), service, has_mask, found, problems, files)
    return Asked(await asyncio.to_thread(_validated, *asked), lambda: (pictures, mask), has_mask)


async def _from_json(request: Request, caller: Caller, service: Service, keeper: BatchKeeper) -> Asked:
    try:
        values = await request.json()
    except ValueError as error:
        raise ApiError(400, "invalid_value", f"the body is no JSON ({error})") from None
    has_mask = isinstance(values, dict) and values.get("mask") is not None
    body = await asyncio.to_thread(_validated, EditBody, values, service, has_mask, FieldMistakes())
    fields = EditFields.model_validate(body.model_dump(exclude={"images", "mask"}, exclude_unset=True))
    named, kept = (body.images, body.mask, caller.owner, keeper.records), keeper.desk.kept_file
    return Asked(fields, lambda: files_of(*named, kept), has_mask)


def _validated(
    kind: type[Any],
    values: Any,
    service: Service,
    has_mask: bool,
    found: FieldMistakes,
    problems: Sequence[Mapping[str, Any]] = (),
    files: tuple[list[bytes], bytes | None] | None = None,
) -> Any:
    """Return a body as what it should be, or tell all that is wrong with it and with what came beside it."""
    try:
        body = kind.model_validate(values)
    except ValidationError as error:
        problems, body = [*problems, *error.errors()], None
    if problems or len(found):
        found.take(service.check_rest_of_edit, values, problems, has_mask, otherwise=None)
        if files is not None:
            found.take(decoded, *files, otherwise=None)
    if problems:
        raise UnfitBody(problems, kind, found.messages())
    found.tell()
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


def looked_at(
    fields: EditFields, files: Files, has_mask: bool, service: Service, key_id: str, found: FieldMistakes
) -> EditInput:
    """Return what an engine needs of the picture and its mask, which are decoded for it.

    Args:
        fields: What is asked for.
        files: As ``Asked`` has it.
        has_mask: Whether there is a mask.
        service: What knows the models and decides about prompts.
        key_id: Whose request it is.
        found: What is wrong besides.

    Raises:
        FieldError: A field, the picture or the mask cannot be used, or the words must not be drawn; the message says
            all that is wrong.
    """
    given = found.take(lambda: service.edit_input(fields, *decoded(*files())), otherwise=None)
    if given is None or len(found):
        usable = given or found.take(service.stand_in, fields, has_mask, otherwise=None)
        if usable is not None:
            found.take(service.edit_wish, fields, key_id, usable, otherwise=None)
    found.tell()
    assert given is not None
    return given


def _given(asked: Asked, service: Service, key_id: str) -> EditInput:
    """Return what an engine needs of a request; see ``looked_at``."""
    found = FieldMistakes()
    found.take(_check_previews, asked.fields, otherwise=None)
    found.take(check_stream, asked.fields, otherwise=None)
    return looked_at(asked.fields, asked.files, asked.has_mask, service, key_id, found)


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
    given = await asyncio.to_thread(_given, asked, service, caller.key_id)
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
