"""``POST /v1/images/edits``: a picture of the caller's, drawn anew in part or as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import Field, ValidationError
from starlette.datastructures import UploadFile

from underpaint.core.errors import FieldError
from underpaint.stages.serve.answering.schema import ImagesResponse
from underpaint.stages.serve.asking.edit_request import MAX_PICTURES, EditFields, Given, from_form
from underpaint.stages.serve.asking.field_mistakes import FieldMistakes
from underpaint.stages.serve.batches.given_pictures import decoded, files_of
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.engine.edit_input import EditInput
from underpaint.stages.serve.http.callers import Caller, CallerOf
from underpaint.stages.serve.http.durable import IdempotencyKey, drawn_once
from underpaint.stages.serve.http.errors import ApiError, UnfitBody
from underpaint.stages.serve.http.generations import answered, check_stream, in_line, streamed
from underpaint.stages.serve.http.openapi import EVENTS, refusals
from underpaint.stages.serve.http.state import DeskOf, GatekeeperOf, KeeperOf, ServiceOf
from underpaint.stages.serve.service import Service

router = APIRouter(tags=["OpenAI"])
IMAGE_FIELDS = ("image", "image[]")
Body = TypeVar("Body", bound=EditFields)
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


class _Gathered:
    """A request to edit as it is read, and all that is wrong with it so far.

    Args:
        service: What knows the models.
        has_mask: Whether a mask came with it, usable or not.
    """

    def __init__(self, service: Service, *, has_mask: bool = False) -> None:
        self._service = service
        self.pictures: list[bytes] = []
        self.mask: bytes | None = None
        self.texts: dict[str, str] = {}
        self.has_mask, self._has_image = has_mask, False
        self._found = FieldMistakes()

    async def take(self, name: str, value: UploadFile | str) -> None:
        """Take a field of a form."""
        is_file, is_image, is_mask = isinstance(value, UploadFile), name in IMAGE_FIELDS, name == "mask"
        self._has_image |= is_image
        self.has_mask |= is_mask
        if is_file != (is_image or is_mask):
            self._found.add(_other_kind(name, is_file))
        elif isinstance(value, str):
            self.texts[name] = value
        elif is_image:
            self.pictures.append(await value.read())
        else:
            self.mask = await value.read()

    def form(self) -> EditFields:
        """Return the fields of a form beside its files; see ``body``."""
        return self.body(EditFields, from_form(self.texts), () if self._has_image else NO_IMAGE)

    def body(self, kind: type[Body], values: Any, problems: Sequence[Mapping[str, Any]] = ()) -> Body:
        """Return a body as what it should be.

        Args:
            kind: What that is.
            values: The body as it came.
            problems: What is missing in it, as pydantic would tell it.

        Raises:
            UnfitBody: It does not have the form that it should have; it tells all that is wrong besides.
            FieldError: Something else is wrong; the message says all that is.
        """
        body: Body | None = None
        try:
            body = kind.model_validate(values)
        except ValidationError as error:
            problems = [*problems, *error.errors()]
        if problems or self._found:
            self._found.take(self._service.check_rest_of_edit, values, problems, self.has_mask, otherwise=None)
            if self.pictures:
                self._found.take(decoded, self.pictures, self.mask, otherwise=None)
        if problems:
            raise UnfitBody(problems, kind, self._found.messages())
        self._found.tell()
        assert body is not None
        return body


def _other_kind(name: str, is_file: bool) -> FieldError:
    """Return what is wrong with a file in the place of text, or the other way round."""
    if is_file:
        files = ", ".join((*IMAGE_FIELDS, "mask"))
        return FieldError(f"the field {name!r:.80} must be text, got a file; files are {files}", param=name)
    return FieldError(f"the field {name!r:.80} must be a file, got text; send the picture itself", param=name)


async def _from_form(request: Request, service: Service) -> Asked:
    gathered = _Gathered(service)
    async with request.form(max_files=MAX_PICTURES + 2, max_fields=100) as form:
        for name, value in form.multi_items():
            await gathered.take(name, value)
    fields = await asyncio.to_thread(gathered.form)
    return Asked(fields, lambda: (gathered.pictures, gathered.mask), gathered.has_mask)


async def _from_json(request: Request, caller: Caller, service: Service, keeper: BatchKeeper) -> Asked:
    try:
        values = await request.json()
    except ValueError as error:
        raise ApiError(400, "invalid_value", f"the body is no JSON ({error})") from None
    has_mask = isinstance(values, dict) and values.get("mask") is not None
    body = await asyncio.to_thread(_Gathered(service, has_mask=has_mask).body, EditBody, values)
    fields = EditFields.model_validate(body.model_dump(exclude={"images", "mask"}, exclude_unset=True))
    named, kept = (body.images, body.mask, caller.owner, keeper.records), keeper.desk.kept_file
    return Asked(fields, lambda: files_of(*named, kept), has_mask)


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
    tickets, deadline_at = in_line(service, fields, wish, request, caller, gatekeeper)
    if fields.stream:
        return await streamed(service, fields, wish, tickets[0], asyncio.Queue(), deadline_at, kind="image_edit")
    return await answered(service, fields, wish, tickets, request, deadline_at)
