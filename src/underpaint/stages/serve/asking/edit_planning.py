"""From a request to edit a picture to what the engine needs of it, and the complete settings of what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PIL import Image

from underpaint.core.errors import DataError, FieldError, InputError
from underpaint.core.mistakes import errors_of
from underpaint.pipelines.editing.asking import edits_as_graph
from underpaint.pipelines.editing.mask import Mask, read_mask
from underpaint.pipelines.editing.planning import STAND_IN, check_editable, plan_edits
from underpaint.pipelines.editing.reading import Original, read_original
from underpaint.pipelines.editing.request import EditRequest
from underpaint.pipelines.settings import Settings
from underpaint.stages.serve.asking.edit_request import EditFields
from underpaint.stages.serve.asking.field_mistakes import FieldMistakes
from underpaint.stages.serve.asking.planning import Wish, meant, wish_of
from underpaint.stages.serve.asking.request import PictureRequest
from underpaint.stages.serve.engine.catalog import Catalog, Served
from underpaint.stages.serve.engine.edit_input import EditInput
from underpaint.stages.serve.engine.orders import Order

FIDELITY = {"low": 0.9, "high": 0.3}
"""Strengths of ``input_fidelity``."""
OURS = ("strength", "seam", "negative_prompt")
"""Fields that are looked at with the picture; a message about one holds its name."""


def edit_input(request: PictureRequest, catalog: Catalog, picture: Image.Image, mask: Image.Image | None) -> EditInput:
    """Return what an engine needs of a picture and its mask.

    Args:
        request: What was asked for, which says who draws it.
        catalog: The served models.
        picture: The picture, upright.
        mask: What is transparent in it is drawn anew; None for all.

    Raises:
        FieldError: The model cannot edit here, or the mask cannot be used.
    """
    served = meant(request, catalog)
    check_served(served)
    original = read_original(picture, served.model.index.image_size)
    return EditInput.of(original, None if mask is None else _mask(mask, original))


def stand_in(request: PictureRequest, catalog: Catalog, has_mask: bool) -> EditInput:
    """Return an empty picture in the place of one that cannot be used, so that other mistakes are found too.

    Args:
        request: What was asked for, which says who draws it.
        catalog: The served models.
        has_mask: Whether a mask came with it.

    Raises:
        FieldError: There is no such model.
    """
    side = meant(request, catalog).model.index.image_size
    empty = Image.new("RGBA", (side, side))
    original = read_original(empty, side)
    return EditInput.of(original, read_mask(empty, original) if has_mask else None)


def edit_wish(
    request: EditFields,
    catalog: Catalog,
    given: EditInput,
    *,
    watermark: str | None = None,
    presets: Mapping[str, int] | None = None,
) -> Wish:
    """Return the pictures that a request to edit means.

    Args:
        request: What was asked for.
        catalog: The served models.
        given: The picture and its mask, for the model that is asked for.
        watermark: The mark to put into the pixels.
        presets: Steps of the qualities.

    Raises:
        FieldError: A field cannot be used; the message says what can, for each of several.
    """
    served, found = meant(request, catalog), FieldMistakes()
    words = request.model_copy(update={"negative_prompt": None})
    asked_for = partial(wish_of, words, catalog, watermark=watermark, presets=presets)
    plain: Wish | None = found.take(asked_for, otherwise=None)
    is_served = found.take(_is_served, served, otherwise=False)
    planned = _planned(served, _edit_request(request, plain), given, found) if is_served else []
    found.tell()
    assert plain is not None
    orders = tuple(
        _order(settings, order, given, watermark) for settings, order in zip(planned, plain.orders, strict=True)
    )
    return Wish(served=served, orders=orders, words_cut=plain.words_cut)


def _planned(served: Served, asked: EditRequest, given: EditInput, found: FieldMistakes) -> list[Settings]:
    """Return the settings of an edit; what is wrong with what edits alone have is taken down."""
    try:
        return plan_edits(served.model, given.original(), asked, given.mask(), called=_called)
    except InputError as error:
        for one in errors_of(error):
            found.add(one, next((name for name in OURS if name in str(one)), "image"))
        return []


def _order(settings: Settings, plain: Order, given: EditInput, watermark: str | None) -> Order:
    words = {"prompt": plain.settings.prompt, "background": plain.settings.background}
    return Order(
        settings=settings.model_copy(update={**words, "watermark": settings.watermark or watermark}),
        output_format=plain.output_format,
        compression=plain.compression,
        edit=given,
    )


def _is_served(served: Served) -> bool:
    check_served(served)
    return True


def check_served(served: Served) -> None:
    """Refuse a model that cannot edit here.

    Raises:
        FieldError: It is no hybrid, or runs as a graph that takes no picture.
    """
    try:
        check_editable(served.model)
        if served.engine != "torch" and not edits_as_graph(served.model, served.engine):
            raise InputError(
                f"{served.name} runs as a graph, which takes no picture; serve it with --engine torch, or an export "
                "that was made with --edit"
            )
    except InputError as error:
        raise FieldError(str(error), param="model", code="unsupported_parameter") from None


def _called(name: str) -> str:
    """Return what callers call a field of an edit."""
    return "negative_prompt" if name == "negative" else name


def _mask(mask: Image.Image, original: Original) -> Mask:
    try:
        return read_mask(mask, original)
    except (InputError, DataError) as error:
        raise FieldError(str(error), param="mask") from None


def _edit_request(request: EditFields, plain: Wish | None) -> EditRequest:
    """Return what is asked of an edit; where its words cannot be drawn, what edits alone have."""
    strength = request.strength
    if strength is None and request.input_fidelity is not None:
        strength = FIDELITY[request.input_fidelity]
    ours = EditRequest(
        prompt=STAND_IN,
        strength=strength,
        guidance=request.guidance,
        negative=request.negative_prompt,
        seam=request.seam,
    )
    if plain is None:
        return ours
    settings = plain.settings
    names = ("style", "seed", "guidance", "temperature", "steps")
    drawn = {name: getattr(settings, name) for name in names}
    return ours.model_copy(update={"prompt": settings.caption, "n": len(plain.orders), **drawn})
