"""``GET /api/v1/capabilities``: all that a page needs to know of a server before it can draw itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from underpaint import __version__
from underpaint.pipelines.settings import SEED_MAX
from underpaint.pipelines.stickers.moods import MOODS, USUAL
from underpaint.pipelines.stickers.own_moods import OWN_CHARACTERS
from underpaint.stages.serve.asking import ranges
from underpaint.stages.serve.asking.examples import examples_for
from underpaint.stages.serve.asking.request import MAX_PICTURES, MAX_PROMPT
from underpaint.stages.serve.batches.given_pictures import CAPS
from underpaint.stages.serve.engine.catalog import Served
from underpaint.stages.serve.engine.orders import FORMATS, MAX_PREVIEWS, Format
from underpaint.stages.serve.gallery.gallery import MB
from underpaint.stages.serve.gallery.sheet import MOST
from underpaint.stages.serve.http.callers import CallerOf, Role, everybody
from underpaint.stages.serve.http.list_schema import LIST_BYTES
from underpaint.stages.serve.http.openapi import refusals
from underpaint.stages.serve.http.state import AnyServiceOf
from underpaint.stages.serve.http.stickers import PlaceView, place_views
from underpaint.stages.serve.http.upscale import SIZES
from underpaint.stages.serve.lists.reading import MAX_ROWS
from underpaint.stages.serve.service import Service
from underpaint.stages.serve.sheets.plan import MOST_MOODS

router = APIRouter(prefix="/api/v1/capabilities", tags=["jobs"])


class RangeView(BaseModel):
    """Values of a number, both ends included; ``default`` is what is taken where none is given."""

    low: float
    high: float
    default: float | None


class ModelView(BaseModel):
    """What can be asked of a model.

    Args:
        name: To ask for it.
        release: To ask for exactly these weights.
        is_default: Whether it draws where none is named.
        is_loaded: Whether it is in memory; the first picture of another takes longer.
        engine: What computes.
        can_edit: Whether it takes pictures to edit.
        can_preview: Whether it shows unfinished pictures.
        steps: None if it takes none.
        guidance: None if it knows none.
        temperature: None if it has none.
        picture_ms: Milliseconds that one picture probably takes; None before the model was loaded.
    """

    name: str
    release: str
    is_default: bool
    is_loaded: bool
    width: int
    height: int
    styles: list[str]
    engine: str
    can_edit: bool
    can_preview: bool
    steps: RangeView | None
    guidance: RangeView | None
    temperature: RangeView | None
    picture_ms: int | None


class LimitsView(BaseModel):
    """The most that is taken.

    Args:
        n: Pictures of one request.
        prompt_characters: Of a prompt.
        seed: Largest seed.
        previews: Unfinished pictures of one picture.
        upload_bytes: Of the file of a picture.
        mask_bytes: Of the file of a mask.
        upload_pixels: Of a picture.
        upload_side: Of one side, in pixels.
        body_bytes: Of a body of JSON.
        list_rows: Of a list.
        list_bytes: Of a list, with what is said of it.
        sheet_pictures: On a contact sheet.
        moods: Of a sheet of moods.
        own_characters: Of a mood in words of one's own.
        gallery_bytes: That the gallery of one caller takes of the disk; 0 for no gallery.
    """

    n: int
    prompt_characters: int
    seed: int
    previews: int
    upload_bytes: int
    mask_bytes: int
    upload_pixels: int
    upload_side: int
    body_bytes: int
    list_rows: int
    list_bytes: int
    sheet_pictures: int
    moods: int
    own_characters: int
    gallery_bytes: int


class ExampleView(BaseModel):
    """A prompt to begin with."""

    prompt: str
    style: str | None


class MoodView(BaseModel):
    """A mood that a sheet may show its subject in; ``is_usual`` if it does so where none is named."""

    name: str
    is_usual: bool


class Capabilities(BaseModel):
    """What a server can do, for whoever asks.

    Args:
        role: What the caller may do: ``user`` sees its own, ``operator`` all, and may stop the queue.
        needs_key: Whether nobody is let in without a key; without one this answer is a 401.
        qualities: Steps by name.
        upscale_sizes: Sizes that a picture may be made larger to, of the longer side in pixels.
        places: Where stickers can go.
        moods: What a subject can be drawn in on a sheet.
    """

    object: Literal["capabilities"] = "capabilities"
    version: str
    role: Role
    needs_key: bool
    models: list[ModelView]
    formats: list[Format]
    qualities: list[str]
    limits: LimitsView
    examples: list[ExampleView]
    upscale_sizes: list[int]
    places: list[PlaceView]
    moods: list[MoodView]


@router.get("", response_model=Capabilities, responses=refusals(401))
async def capabilities(request: Request, caller: CallerOf, service: AnyServiceOf) -> Capabilities:
    """Say what can be asked of this server: models, ranges, limits, prompts to begin with."""
    config, default = service.config, service.catalog.default
    return Capabilities(
        version=__version__,
        role=caller.role,
        needs_key=request.app.state.authenticate is not everybody,
        models=[_model(one, service) for one in service.catalog.by_name.values()],
        formats=list(FORMATS),
        qualities=["auto", *dict.fromkeys(["medium", *map(str, config.quality)])],
        limits=_limits(service),
        examples=[ExampleView(**asdict(one)) for one in examples_for(default.model.styles)],
        upscale_sizes=list(SIZES),
        places=place_views(),
        moods=[MoodView(name=name, is_usual=name in USUAL) for name in MOODS],
    )


def _limits(service: Service) -> LimitsView:
    config = service.config
    return LimitsView(
        n=MAX_PICTURES,
        prompt_characters=MAX_PROMPT,
        seed=SEED_MAX,
        previews=MAX_PREVIEWS,
        upload_bytes=min(CAPS.image_bytes, config.max_upload_bytes),
        mask_bytes=CAPS.mask_bytes,
        upload_pixels=CAPS.pixels,
        upload_side=CAPS.side,
        body_bytes=config.max_body_bytes,
        list_rows=MAX_ROWS,
        list_bytes=LIST_BYTES,
        sheet_pictures=MOST,
        moods=MOST_MOODS,
        own_characters=OWN_CHARACTERS,
        gallery_bytes=round(config.gallery_mb * MB),
    )


def _model(served: Served, service: Service) -> ModelView:
    known = service.pool.known(served.name)
    side = served.model.index.image_size
    return ModelView(
        name=served.name,
        release=served.release,
        is_default=served is service.catalog.default,
        is_loaded=service.pool.running(served.name) is not None,
        width=side,
        height=side,
        styles=list(served.model.styles),
        engine=served.engine,
        can_edit=ranges.can_edit(served),
        can_preview=served.engine == ranges.TORCH if known is None else known.can_preview,
        steps=_range(ranges.steps_of(served)),
        guidance=_range(ranges.guidance_of(served)),
        temperature=_range(ranges.temperature_of(served)),
        picture_ms=None if known is None else round(1000 * service.dispatcher.cost_s(served.name)),
    )


def _range(found: ranges.Range | None) -> RangeView | None:
    return None if found is None else RangeView(**asdict(found))
