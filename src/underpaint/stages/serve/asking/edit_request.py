"""The fields of a request to edit a picture: those of OpenAI's Images API, and ours beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field

from underpaint.core.config import Config
from underpaint.core.errors import FieldError
from underpaint.pipelines.settings import SHA256
from underpaint.stages.serve.asking.request import GenerationRequest, PictureRequest

WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")
BOOLEANS = {"true": True, "false": False}
MAX_PICTURES = 16


class Given(Config):
    """A picture that is named in JSON: one of the three.

    Args:
        file_id: A file with the purpose ``vision``.
        image_url: A ``data:`` address.
        pixel_sha256: A picture of the gallery, by the SHA-256 of its pixels; ours.
    """

    model_config = ConfigDict(strict=True)

    file_id: str | None = Field(default=None, max_length=200)
    image_url: str | None = None
    pixel_sha256: str | None = Field(default=None, pattern=SHA256)


class HowMuch(Config):
    """How much of a picture is drawn anew.

    Args:
        input_fidelity: ``low`` draws more anew, ``high`` less.
        strength: How much is drawn anew, from 0 to 1.
        seam: Pixels inside a mask over which what is drawn fades in.
    """

    input_fidelity: Literal["low", "high"] | None = None
    strength: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    seam: int | None = Field(default=None, ge=0, le=16)


class EditFields(GenerationRequest, HowMuch):
    """What is asked for beside the picture and its mask."""


class JobFields(PictureRequest, HowMuch):
    """What a durable job is asked for, whatever its kind.

    Args:
        images: The picture to edit; an edit needs it, and nothing else may have it.
        mask: A PNG of the same size; what is transparent in it is drawn anew.
    """

    images: list[Given] | None = Field(default=None, min_length=1, max_length=MAX_PICTURES)
    mask: Given | None = None

    def generation(self) -> GenerationRequest:
        """Return it as a request for pictures from words, without what only edits have."""
        return GenerationRequest(**{name: value for name, value in self._fields().items() if name not in OF_EDITS})

    def edit(self) -> EditFields:
        """Return it as a request to edit, without the picture and its mask."""
        return EditFields(**self._fields())

    def named(self) -> tuple[list[Given], Given | None]:
        """Return the names of its pictures, and that of its mask.

        Raises:
            FieldError: It names no picture.
        """
        if self.images is None:
            raise FieldError("the field 'images' is missing", param="images", code="missing_field")
        return self.images, self.mask

    def _fields(self) -> dict[str, Any]:
        asked = self.model_dump(exclude_unset=True, exclude={"images", "mask"})
        return {
            name: value for name, value in asked.items() if value is not None or name in PictureRequest.model_fields
        }


OF_EDITS = (*HowMuch.model_fields, "images", "mask")
"""Fields that only edits have."""


def only_of_edits(request: Mapping[str, Any]) -> Iterator[FieldError]:
    """Yield what is wrong with a request for pictures from words: fields that only edits have.

    Args:
        request: Its fields; null is the same as leaving one out.
    """
    for name in OF_EDITS:
        if request.get(name) is not None:
            message = f"only edits have the field {name!r}; leave it out, or ask for an edit"
            yield FieldError(message, param=name, code="unknown_field")


def from_form(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a form with the numbers and truths that they stand for; the rest stays text.

    Args:
        form: Field to text.
    """
    return {name: _value(name, text) for name, text in form.items()}


def _value(name: str, text: str) -> Any:
    annotation = str(EditFields.model_fields[name].annotation) if name in EditFields.model_fields else "str"
    if "bool" in annotation and text in BOOLEANS:
        return BOOLEANS[text]
    if "int" in annotation and WHOLE.fullmatch(text):
        return int(text)
    if "float" in annotation and NUMBER.fullmatch(text):
        return float(text)
    return text
