"""Pictures that a request in JSON names: a file that was handed in before, or the picture itself in an address."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence

from PIL import Image

from underpaint.core.errors import FieldError
from underpaint.stages.serve.asking.edit_request import Given
from underpaint.stages.serve.asking.field_mistakes import FieldMistakes
from underpaint.stages.serve.batches.records import Records
from underpaint.stages.serve.disk import disk_errors
from underpaint.stages.serve.security.uploads import Caps, read_upload

CAPS = Caps()


def decoded(pictures: Sequence[bytes], mask: bytes | None) -> tuple[Image.Image, Image.Image | None]:
    """Return the picture of a request to edit, and its mask.

    Args:
        pictures: Files of pictures.
        mask: File of the mask, or None.

    Raises:
        FieldError: They are several, or one of them cannot be used.
    """
    found = FieldMistakes()
    picture = found.take(_only, pictures, otherwise=None)
    over = None if mask is None else found.take(_mask, mask, otherwise=None)
    found.tell()
    assert picture is not None
    return picture, over


def _only(pictures: Sequence[bytes]) -> Image.Image:
    if len(pictures) > 1:
        raise FieldError(
            f"one picture is edited at a time, got {len(pictures)}; send one",
            param="image",
            code="unsupported_parameter",
        )
    return read_upload(pictures[0], caps=CAPS, param="image")


def _mask(data: bytes) -> Image.Image:
    return read_upload(data, caps=CAPS, param="mask", is_mask=True)


Kept = Callable[[str, str | None], bytes]
"""From the SHA-256 of the pixels of a picture of the gallery, and whose it must be, to its file."""


def files_of(
    images: Sequence[Given], mask: Given | None, owner: str | None, records: Records, kept: Kept
) -> tuple[list[bytes], bytes | None]:
    """Return the files of the pictures that a request names, and that of its mask.

    Args:
        images: The pictures.
        mask: The mask, or None.
        owner: Whose files may be used; None for everybody's.
        records: Where files are kept.
        kept: Finds pictures of the gallery.

    Raises:
        FieldError: One of them is not there, or cannot be used.
    """
    found, where = FieldMistakes(), (owner, records, kept)
    pictures = [found.take(file_of, one, f"images.{i}", *where, otherwise=b"") for i, one in enumerate(images)]
    data = None if mask is None else found.take(file_of, mask, "mask", *where, otherwise=None)
    found.tell()
    return pictures, data


def file_of(given: Given, param: str, owner: str | None, records: Records, kept: Kept) -> bytes:
    """Return the file of a picture.

    Args:
        given: How it is named.
        param: The field, for messages.
        owner: Whose files may be used; None for everybody's.
        records: Where files are kept.
        kept: Finds pictures of the gallery.

    Raises:
        FieldError: It is named in no way or in several, or it is not there, or too large.
    """
    if len(given.model_dump(exclude_none=True)) != 1:
        raise FieldError("a picture has a file_id, an image_url or a pixel_sha256: one of them", param=param)
    if given.image_url is not None:
        return _in_address(given.image_url, param)
    if given.pixel_sha256 is not None:
        return kept(given.pixel_sha256, owner)
    record = records.file(given.file_id or "", owner)
    if record.bytes > CAPS.image_bytes:
        raise FieldError(
            f"{record.id} has {record.bytes:,} bytes; at most {CAPS.image_bytes:,} are allowed",
            param=param,
            code="image_too_large",
        )
    path = records.path(record.id)
    with disk_errors(path):
        return path.read_bytes()


def _in_address(address: str, param: str) -> bytes:
    head, comma, data = address.partition(",")
    if not head.lower().startswith("data:"):
        raise FieldError(
            "this server fetches nothing; send the picture itself, or a data: address",
            param=param,
            code="remote_url_disabled",
        )
    try:
        if comma and head.lower().endswith(";base64"):
            return base64.b64decode(data, validate=True)
    except binascii.Error:
        pass
    raise FieldError("a data: address holds base64, as data:image/png;base64,...", param=param)
