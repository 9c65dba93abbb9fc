"""From a request to edit a picture to what the engine needs of it, and the complete settings of what it gives."""

from __future__ import annotations

from PIL import Image

from underpaint.core.errors import DataError, FieldError, InputError
from underpaint.pipelines.editing.asking import edits_as_graph
from underpaint.pipelines.editing.mask import Mask, read_mask
from underpaint.pipelines.editing.planning import check_editable, plan_edits
from underpaint.pipelines.editing.reading import Original, read_original
from underpaint.pipelines.editing.request import EditRequest
from underpaint.stages.serve.asking.edit_request import EditFields
from underpaint.stages.serve.asking.planning import Wish, wish_of
from underpaint.stages.serve.engine.catalog import Catalog, Served
from underpaint.stages.serve.engine.edit_input import EditInput
from underpaint.stages.serve.engine.orders import Order

FIDELITY = {"low": 0.9, "high": 0.3}
"""Strengths of ``input_fidelity``."""
OURS = ("strength", "seam", "negative_prompt")
"""Fields that are looked at with the picture; a message about one holds its name."""


def edit_input(model: str | None, catalog: Catalog, picture: Image.Image, mask: Image.Image | None) -> EditInput:
    """Return what an engine needs of a picture and its mask.

    Args:
        model: What callers call the model.
        catalog: The served models.
        picture: The picture, upright.
        mask: What is transparent in it is drawn anew; None for all.

    Raises:
        FieldError: The model cannot edit here, or the mask cannot be used.
    """
    served = catalog.find(model)
    check_served(served)
    original = read_original(picture, served.model.index.image_size)
    return EditInput.of(original, None if mask is None else _mask(mask, original))


def edit_wish(
    request: EditFields,
    catalog: Catalog,
    given: EditInput,
    *,
    watermark: str | None = None,
    presets: dict[str, int] | None = None,
) -> Wish:
    """Return the pictures that a request to edit means.

    Args:
        request: What was asked for.
        catalog: The served models.
        given: The picture and its mask, for the model that is asked for.
        watermark: The mark to put into the pixels.
        presets: Steps of the qualities.

    Raises:
        FieldError: A field cannot be used.
    """
    plain = wish_of(request.model_copy(update={"negative_prompt": None}), catalog, watermark=watermark, presets=presets)
    check_served(plain.served)
    asked = _edit_request(request, plain)
    try:
        planned = plan_edits(plain.served.model, given.original(), asked, given.mask(), called=_called)
    except InputError as error:
        param = next((name for name in OURS if name in str(error)), "image")
        raise FieldError(str(error), param=param) from None
    orders = tuple(
        Order(
            settings=settings.model_copy(
                update={"prompt": order.settings.prompt, "watermark": settings.watermark or watermark}
                | {"background": order.settings.background}
            ),
            output_format=order.output_format,
            compression=order.compression,
            edit=given,
        )
        for settings, order in zip(planned, plain.orders, strict=True)
    )
    return Wish(served=plain.served, orders=orders, words_cut=plain.words_cut)


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


def _edit_request(request: EditFields, plain: Wish) -> EditRequest:
    settings = plain.settings
    strength = request.strength
    if strength is None and request.input_fidelity is not None:
        strength = FIDELITY[request.input_fidelity]
    return EditRequest(
        prompt=settings.caption,
        style=settings.style,
        strength=strength,
        seed=settings.seed,
        n=len(plain.orders),
        guidance=settings.guidance,
        temperature=settings.temperature,
        steps=settings.steps,
        negative=request.negative_prompt,
        seam=request.seam,
    )
