"""``/api/v1/recall``: from a picture to what made it."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, UploadFile
from pydantic import BaseModel

from underpaint.core.errors import FieldError, UnderpaintError
from underpaint.pipelines.picture_file import read_settings
from underpaint.pipelines.settings import Settings
from underpaint.stages.serve.asking.again import is_served, request_for
from underpaint.stages.serve.engine.catalog import RELEASE_DIGITS
from underpaint.stages.serve.http.callers import CallerOf
from underpaint.stages.serve.http.openapi import refusals
from underpaint.stages.serve.http.state import ServiceOf
from underpaint.stages.serve.security.uploads import Caps

router = APIRouter(tags=["jobs"])
CAPS = Caps()


class Recalled(BaseModel):
    """What made a picture.

    Args:
        settings: As they stand in the picture.
        request: What to ask for, to draw it again.
        release: The exact weights that drew it.
        is_served: Whether they are served here, so that the same pixels can be drawn.
    """

    object: Literal["recall"] = "recall"
    settings: dict[str, Any]
    request: dict[str, Any]
    release: str
    is_served: bool


@router.post("/api/v1/recall", response_model=Recalled, responses=refusals(400, 401, 413, 500, 503))
async def recall(file: Annotated[UploadFile, File()], _caller: CallerOf, service: ServiceOf) -> Recalled:
    """Read the settings out of a PNG that underpaint drew."""
    settings = await asyncio.to_thread(_settings, await file.read(CAPS.image_bytes + 1))
    release = f"r-{settings.model_sha256[:RELEASE_DIGITS]}"
    return Recalled(
        settings=settings.model_dump(mode="json"),
        request=request_for(settings, release, service.catalog),
        release=release,
        is_served=is_served(release, service.catalog),
    )


def _settings(data: bytes) -> Settings:
    if len(data) > CAPS.image_bytes:
        message = f"the picture has more than the {CAPS.image_bytes:,} bytes allowed; none of ours is so large"
        raise FieldError(message, param="file", code="image_too_large")
    with tempfile.TemporaryDirectory(prefix="underpaint-") as folder:
        path = Path(folder) / "picture.png"
        path.write_bytes(data)
        try:
            return read_settings(path)
        except UnderpaintError as error:
            message = str(error).replace(str(path), "the picture")
            raise FieldError(message, param="file") from None
