"""From a request to the complete settings of its pictures, seeds fixed; every mistake names its field."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from underpaint.core.errors import FieldError, InputError
from underpaint.core.mistakes import Mistakes
from underpaint.core.text import MAX_CHARACTERS, canonicalize
from underpaint.pipelines.exported import can_draw
from underpaint.pipelines.model_folder import Model, check_style
from underpaint.pipelines.planning import TRANSPARENT, Options, check_seeds, plan_usable, random_seed
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import Settings
from underpaint.stages.serve.asking.field_mistakes import FieldMistakes
from underpaint.stages.serve.asking.request import MAX_PROMPT, PictureRequest
from underpaint.stages.serve.engine.catalog import Catalog, Served
from underpaint.stages.serve.engine.orders import Order

T = TypeVar("T")

PROMPT_KEPT = 20_000
"""Characters of a prompt that a picture's settings keep."""
QUALITY_OF = {"standard": "medium", "hd": "high"}
DEFAULT_QUALITIES = ("medium", "auto", "standard")
OPAQUE = "#ffffff"
STAND_IN = "a picture", 0
"""What a prompt that cannot be read is passed over with, so that other mistakes are found too."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """The pictures that a request means.

    Args:
        served: The model that draws them.
        orders: One for each picture.
        words_cut: Words of the prompt beyond what any model reads.
    """

    served: Served
    orders: tuple[Order, ...]
    words_cut: int

    @property
    def settings(self) -> Settings:
        """Those of the first picture."""
        return self.orders[0].settings


def meant(request: PictureRequest, catalog: Catalog) -> Served:
    """Return the model that draws a request: the one it names, else the first that draws pictures of its size.

    Args:
        request: What was asked for.
        catalog: The served models.

    Raises:
        FieldError: There is no model of this name.
    """
    return catalog.find(request.model, request.size)


def wish_of(
    request: PictureRequest,
    catalog: Catalog,
    *,
    watermark: str | None = None,
    presets: Mapping[str, int] | None = None,
    previews: int = 0,
) -> Wish:
    """Return the pictures that a request means.

    Args:
        request: What was asked for.
        catalog: The served models.
        watermark: The mark to put into the pixels.
        presets: Steps of ``low``, ``medium`` and ``high``, where they are set.
        previews: Unfinished pictures that are wanted of each.

    Raises:
        FieldError: A field cannot be used; the message says what can, for each of several.
    """
    served, found = meant(request, catalog), FieldMistakes()
    for unknown in _unknown_things(request, served, catalog):
        found.add(unknown)
    caption, words_cut = found.take(_caption, request.prompt, otherwise=STAND_IN, source="prompt")
    options = _options(request, served, presets or {}, found)
    found.tell()
    planned = _as_field("prompt", lambda: _planned(served.model, caption, options))
    update = {"prompt": request.prompt[:PROMPT_KEPT], "watermark": watermark}
    orders = tuple(_order(request, one.model_copy(update=update), previews) for one in planned)
    return Wish(served=served, orders=orders, words_cut=words_cut)


def _options(request: PictureRequest, served: Served, presets: Mapping[str, int], found: FieldMistakes) -> Options:
    """Return what holds for all pictures of a request; what cannot be used is taken down."""
    count = request.n or 1
    first = random_seed() if request.seed is None else request.seed
    style = request.style if served.model.styles else None
    options = Options(
        style=found.take(check_style, style, served.model, otherwise=None, source="style"),
        seed=found.take(check_seeds, first, count, otherwise=0, source="seed"),
        n=count,
        guidance=request.guidance,
        temperature=request.temperature,
        steps=found.take(_steps, request, served, presets, otherwise=None, source="steps"),
        background=found.take(_background, request, otherwise=TRANSPARENT, source="background"),
    )
    found.take(_check_engine, served, options, otherwise=None, source="steps")
    return options


def _planned(model: Model, caption: str, options: Options) -> list[Settings]:
    """Return settings; that numbers lie within their limits was checked when the request was read."""
    found = Mistakes()
    planned = plan_usable(model, [PromptRow.model_construct(prompt=caption)], options, found)
    found.tell()
    return planned


def _order(request: PictureRequest, settings: Settings, previews: int) -> Order:
    compression = 100 if request.output_compression is None else request.output_compression
    return Order(
        settings=settings, output_format=request.output_format or "png", compression=compression, previews=previews
    )


def _as_field(param: str, work: Callable[[], T]) -> T:
    try:
        return work()
    except InputError as error:
        raise FieldError(str(error), param=param) from None


def _unknown_things(request: PictureRequest, served: Served, catalog: Catalog) -> Iterator[FieldError]:
    """Yield what a request asks for that the model or this server does not know."""
    if request.size not in (None, "auto", served.model.size):
        yield FieldError(_wrong_size(request, served, catalog), param="size", code="unsupported_size")
    for param in ("negative_prompt", "sampler"):
        if getattr(request, param) is not None:
            yield _unsupported(param, f"{served.name} takes no {param}; leave it out")
    if request.moderation == "low":
        yield _unsupported("moderation", "this server has one policy for prompts; use auto, or leave moderation out")
    if request.style is not None and not served.model.styles:
        yield _unsupported("style", f"{served.name} has no styles; leave style out")


def _wrong_size(request: PictureRequest, served: Served, catalog: Catalog) -> str:
    """Return that no picture of a size is drawn, with the sizes there are and who draws this one."""
    all_served = list(catalog.by_name.values())
    if request.model is None and len(all_served) > 1:
        who, able = "no model here draws pictures of this size", all_served
    else:
        who, able = f"{served.name} draws pictures of {served.model.size} alone", [served]
    *others, last = ["auto", *dict.fromkeys(one.model.size for one in able)]
    other = next((f", or the model {one.name}" for one in all_served if one.model.size == request.size), "")
    return f"{who}, got size {request.size!r:.40}; use {', '.join(others)} or {last}{other}"


def _unsupported(param: str, message: str) -> FieldError:
    return FieldError(message, param=param, code="unsupported_parameter")


def _caption(prompt: str) -> tuple[str, int]:
    """Return what can be read of a prompt, and how many words cannot."""
    if "\0" in prompt:
        raise FieldError("the prompt holds a NUL character; remove it", param="prompt")
    words = _as_field("prompt", lambda: canonicalize(prompt, max_characters=MAX_PROMPT)).split()
    kept: list[str] = []
    for word in words:
        if sum(map(len, kept)) + len(kept) + len(word) > MAX_CHARACTERS:
            break
        kept.append(word)
    if not kept:
        raise FieldError(
            f"the prompt begins with a word of {len(words[0]):,} characters; at most {MAX_CHARACTERS} are read",
            param="prompt",
        )
    return " ".join(kept), len(words) - len(kept)


def _background(request: PictureRequest) -> str:
    if request.output_format == "jpeg":
        if request.background == "transparent":
            raise FieldError("a JPEG cannot be transparent; use background opaque, or png or webp", param="background")
        return OPAQUE
    if (request.output_format or "png") == "png" and request.output_compression not in (None, 100):
        raise FieldError(
            f"a PNG is always compressed without loss, got output_compression {request.output_compression}; use 100, "
            "or jpeg or webp",
            param="output_compression",
        )
    return OPAQUE if request.background == "opaque" else TRANSPARENT


def _steps(request: PictureRequest, served: Served, presets: Mapping[str, int]) -> int | None:
    named = request.quality not in (None, "auto")
    if request.steps is not None and served.model.steps is None:
        raise _unsupported("steps", f"{served.name} takes no steps; leave them out")
    if request.steps is not None and named:
        raise FieldError("quality is a number of steps by name; give steps or quality, not both", param="quality")
    if request.steps is not None or not named:
        return request.steps
    name = QUALITY_OF.get(str(request.quality), str(request.quality))
    usable = [*DEFAULT_QUALITIES, *(preset for preset in presets if preset not in DEFAULT_QUALITIES)]
    if name not in presets and name != "medium":
        raise _unsupported(
            "quality", f"{served.name} draws in the qualities {', '.join(usable)}; got {request.quality}"
        )
    return presets.get(name)


def _check_engine(served: Served, options: Options) -> None:
    edge = served.edge
    if edge is None or can_draw(edge, options.steps, options.guidance):
        return
    if options.steps not in (None, edge.steps):
        raise FieldError(
            f"{served.name} runs as a graph that was made for {edge.steps} steps, got {options.steps}; leave them "
            "out, or have the server started with --engine torch",
            param="steps",
        )
    raise FieldError(f"{served.name} runs as a graph that knows no guidance; leave it out", param="guidance")


def owner_of(key_id: str, user: str | None) -> str:
    """Return who shares the device fairly: a key, or a user of it; a user's name is not kept."""
    return key_id if user is None else f"{key_id}:{hashlib.sha256(user.encode()).hexdigest()[:16]}"
