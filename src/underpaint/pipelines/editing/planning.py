"""From an edit that is asked for to the settings of every picture; nothing is loaded for it."""

from __future__ import annotations

from functools import partial

from PIL import Image

from underpaint.core.errors import InputError
from underpaint.core.mistakes import Mistakes
from underpaint.pipelines.editing.mask import Mask
from underpaint.pipelines.editing.reading import Original
from underpaint.pipelines.editing.request import EditRequest
from underpaint.pipelines.editing_record import EditRecord
from underpaint.pipelines.limits import within
from underpaint.pipelines.marks import search
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.planning import Called, Options, guides, plan_usable, read_prompt, usable
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import Settings

EDITED_BY = "HybridPipeline"
SEAM = 2
NEW_WITHIN_MASK, NEW_WORDS, NO_WORDS_WITHIN_MASK, NO_WORDS = 1.0, 0.8, 0.8, 0.5
"""Strengths where none is asked for: with new words, within a mask or not, and without, within a mask or not."""
STAND_IN = "a picture"
"""Words that an edit without words is planned with; the model never reads them."""


def check_editable(model: Model) -> None:
    """Refuse a model that cannot edit.

    Raises:
        InputError: It has no scales of tokens that could be kept.
    """
    if model.index.pipeline != EDITED_BY:
        raise InputError(
            f"{model.name} is a {model.index.pipeline}, which has no scales that could be kept; edit with a hybrid "
            "model, such as the one that comes with underpaint (leave out -m)"
        )


def suitable_strength(request: EditRequest, mask: Mask | None) -> float:
    """Return the strength where none is asked for.

    Args:
        request: What is asked for, its prompt as the user gave it.
        mask: Where the picture may change; None for everywhere.
    """
    if request.prompt is None:
        return NO_WORDS if mask is None else NO_WORDS_WITHIN_MASK
    return NEW_WORDS if mask is None else NEW_WITHIN_MASK


def kept_scales(strength: float, num_scales: int) -> int:
    """Return how many scales, the coarsest first, keep the picture's own tokens.

    Strengths between the ends keep the coarsest scale at least, and draw the finest anew.

    Args:
        strength: From 0, which keeps all of them, to 1, which keeps none.
        num_scales: Scales of the model.
    """
    if strength in (0.0, 1.0):
        return 0 if strength else num_scales
    return num_scales - min(max(round(strength * num_scales), 1), num_scales - 1)


def plan_edits(
    model: Model, original: Original, request: EditRequest, mask: Mask | None = None, *, called: Called = str
) -> list[Settings]:
    """Return the settings of every picture that an edit shall give, in order.

    Args:
        model: Draws them.
        original: The picture.
        request: What is asked for.
        mask: Where it may change; None for everywhere.
        called: What the user calls each of the request's fields, for messages.

    Raises:
        InputError: Something that is asked for cannot be used; all mistakes are listed.
    """
    check_editable(model)
    if request.strength is None:
        request = request.model_copy(update={"strength": suitable_strength(request, mask)})
    request = _with_own_words(request, original, model)
    found = Mistakes()
    record = _record(request, original, mask, found, called)
    row = PromptRow.model_construct(prompt=STAND_IN if request.prompt is None else request.prompt)
    planned = plan_usable(model, [row], usable(_options(request), found, called), found)
    if record.negative is not None and planned and not (guides(model) and planned[0].guidance):
        found.add(InputError(_meaningless_negative(model, called)))
    found.tell()
    changed = {"edit": record, "watermark": None if mask is None else carried_mark(original)}
    if request.prompt is None:
        changed |= {"prompt": "", "caption": ""}
    return [settings.model_copy(update=changed) for settings in planned]


def _meaningless_negative(model: Model, called: Called) -> str:
    """Return why there is nothing to draw away from words with, and what to do about it."""
    if guides(model):
        return f"{called('negative')} means nothing without guidance; leave it out, or raise the guidance"
    return (
        f"{called('negative')} means nothing here, since {model.name} draws without guidance; leave it out, or edit "
        "with a model that has guidance, such as the one that comes with underpaint (leave out -m)"
    )


def _with_own_words(request: EditRequest, original: Original, model: Model) -> EditRequest:
    """Return a request with the words and style that the picture was drawn from, where it asks for none."""
    own = original.settings
    if own is None:
        return request
    style = own.style if request.style is None and own.style in model.styles else request.style
    prompt = own.caption or None if request.prompt is None else request.prompt
    return request.model_copy(update={"style": style, "prompt": prompt})


def _options(request: EditRequest) -> Options:
    names = ("style", "seed", "n", "guidance", "temperature", "steps")
    return Options(**{name: getattr(request, name) for name in names})


def _record(request: EditRequest, original: Original, mask: Mask | None, found: Mistakes, called: Called) -> EditRecord:
    """Return what the pictures say of their origin; what cannot be used is taken down and left out."""
    seam = 0 if mask is None else SEAM
    if request.seam is not None:
        seam = int(_number(request.seam, "seam", found, called))
        if mask is None:
            found.add(InputError(f"{called('seam')} means nothing without a mask; leave it out, or give a mask"))
    mix = _words(request.mix, "mix", found, called)
    if mix is not None and request.prompt is None:
        found.add(InputError(f"{called('mix')} needs a prompt to be mixed with; write what to draw"))
    return EditRecord(
        picture_sha256=original.sha256,
        mask_sha256=None if mask is None else mask.sha256,
        strength=_number(request.strength or 0.0, "strength", found, called),
        seam=seam,
        negative=_words(request.negative, "negative", found, called),
        mix=mix,
        mix_share=None if mix is None else _number(request.mix_share, "mix_share", found, called),
    )


def _number(value: float, name: str, found: Mistakes, called: Called) -> float:
    return found.take(partial(within, value, name, called(name)), otherwise=0.0)


def _words(text: str | None, name: str, found: Mistakes, called: Called) -> str | None:
    return None if text is None else found.take(read_prompt, text, otherwise=None, source=called(name))


def carried_mark(original: Original) -> str | None:
    """Return the mark in a picture's pixels, which those outside a mask keep; None if none is found."""
    found = search(Image.fromarray(original.pixels))
    return found.name if found is not None and found.found else None
