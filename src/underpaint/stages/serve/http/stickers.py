"""``POST /api/v1/stickers``: pictures of the gallery as the files that messengers, shops and social networks take."""

from __future__ import annotations

import asyncio
from typing import IO, Annotated, Any

from fastapi import APIRouter, Body
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from underpaint.core.config import Config
from underpaint.core.errors import FieldError, InputError
from underpaint.pipelines.stickers.look import WIDEST, Background, Contour, Look, color_of
from underpaint.pipelines.stickers.making import AUTHOR, TITLE, Labels
from underpaint.pipelines.stickers.place import Format, Kind
from underpaint.pipelines.stickers.places import PLACES
from underpaint.stages.serve.gallery.making import as_sticker, busy, check_amount, packed, parts_of, read_kept, seal_of
from underpaint.stages.serve.http.callers import CallerOf
from underpaint.stages.serve.http.errors import ApiError
from underpaint.stages.serve.http.gallery import saved_as
from underpaint.stages.serve.http.gallery_schema import Digest
from underpaint.stages.serve.http.openapi import refusals
from underpaint.stages.serve.http.state import JSON_ONLY, DeskOf, ServiceOf

router = APIRouter(tags=["gallery"])
TEXT = r"^[^\x00-\x1f]*$"


class PlaceView(BaseModel):
    """Where stickers go, and what is asked of them there.

    Args:
        width: Of the sticker itself, in pixels.
        height: The same.
        transparent: Whether what lies around the drawing may be seen through.
        counts: Stickers of a pack, fewest to most or the numbers that are taken; empty where none are named.
        splits: Whether more stickers than a pack takes become several packs.
        how: How the files get there, in a sentence.
    """

    name: str
    title: str
    kind: Kind
    width: int
    height: int
    format: Format
    transparent: bool
    counts: list[int]
    splits: bool
    how: str


def place_views() -> list[PlaceView]:
    """Return all places."""
    return [
        PlaceView(
            name=name,
            title=place.title,
            kind=place.kind,
            width=place.items[0].width,
            height=place.items[0].height,
            format=place.items[0].format,
            transparent=place.items[0].transparent,
            counts=list(place.counts),
            splits=place.archive == "wastickers",
            how=place.how,
        )
        for name, place in PLACES.items()
    ]


class ContourRequest(Config):
    """A line around the drawing.

    Args:
        color: A name, or ``#rrggbb``.
        width: In pixels of a sticker of 512.
    """

    model_config = ConfigDict(strict=True)

    color: str = Field(default="white", max_length=40)
    width: float = Field(default=8.0, gt=0, le=WIDEST, allow_inf_nan=False)


class LookRequest(Config):
    """How stickers shall look.

    Args:
        contour: A line around the drawing; null for none.
        shadow: Whether a soft shadow lies below it.
        background: ``none``, ``own`` (two colors that go with the drawing), a color, or two with a comma between.
    """

    model_config = ConfigDict(strict=True)

    contour: ContourRequest | None = None
    shadow: bool = False
    background: str = Field(default="none", max_length=100)

    def look(self) -> Look:
        """Return how the stickers shall look.

        Raises:
            FieldError: A color is none.
        """
        line = self.contour
        contour = None if line is None else Contour(color=_color(line.color, "contour.color"), width=line.width)
        return Look(contour=contour, shadow=self.shadow, background=self._background())

    def _background(self) -> Background:
        """Return what lies behind the stickers; never a file of the server's."""
        word = self.background.strip().lower()
        if word in ("none", "transparent", ""):
            return Background()
        if word == "own":
            return Background(own=True)
        colors = word.split(",")
        if len(colors) > 2:
            raise FieldError("a background has one color, or two that pass into each other", param="background")
        return Background(colors=tuple(_color(one, "background") for one in colors))


class StickersRequest(LookRequest):
    """What stickers shall be made of, for whom, and how they shall look.

    Args:
        pictures: SHA-256 of the pixels of each, in the order of the pack.
        places: Names from the capabilities, such as ``whatsapp``.
        title: Of the pack.
        author: Of the pack.
        bare: Whether the files say nothing about themselves.
    """

    pictures: list[Digest] = Field(min_length=1, max_length=200)
    places: list[Annotated[str, Field(max_length=100)]] = Field(min_length=1, max_length=100)
    title: str = Field(default=TITLE, min_length=1, max_length=128, pattern=TEXT)
    author: str = Field(default=AUTHOR, min_length=1, max_length=128, pattern=TEXT)
    bare: bool = False


def _color(text: str, param: str) -> str:
    try:
        return color_of(text)
    except InputError as error:
        raise FieldError(str(error), param=param) from None


ZIP: dict[int | str, dict[str, Any]] = {
    200: {"description": "The files, a folder for each place", "content": {"application/zip": {}}},
    **refusals(400, 401, 404, 413, 415, 429, 500, 503),
}


@router.post("/api/v1/stickers", response_class=StreamingResponse, responses=ZIP, dependencies=[JSON_ONLY])
async def stickers(
    body: Annotated[StickersRequest, Body()], caller: CallerOf, service: ServiceOf, desk: DeskOf
) -> Response:
    """Make the files that messengers, shops and social networks take, with contour, shadow and background."""
    look = body.look()
    check_amount(body.places, len(body.pictures))
    missing = await desk.browse(lambda gallery: gallery.missing(body.pictures, caller.owner))
    if missing:
        raise ApiError(404, "image_not_found", f"{missing[0]} is not in the gallery", param="pictures")

    def made() -> IO[bytes]:
        with busy():
            found = desk.gallery.some(body.pictures, caller.owner, caller.key_id)
            pictures = [as_sticker(read_kept(one, service.store), one.note) for one in found]
            labels = Labels(title=body.title, author=body.author, bare=body.bare)
            return packed(pictures, body.places, look, labels, seal_of(service.config))

    file = await asyncio.to_thread(made)
    return StreamingResponse(parts_of(file), media_type="application/zip", headers=saved_as("underpaint-stickers.zip"))
