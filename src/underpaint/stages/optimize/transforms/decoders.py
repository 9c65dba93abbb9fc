"""The transform that puts a small decoder in the place of the large one, and trains it to paint alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from underpaint.core.optimization import Refusal
from underpaint.models.autoencoder import Autoencoder
from underpaint.pipelines.optimizing.half import Pipeline
from underpaint.pipelines.optimizing.smaller import TILE, TinyDecoder
from underpaint.pipelines.slots import with_part
from underpaint.stages.optimize.recovery import DEFAULT
from underpaint.stages.optimize.tiny_decoder import distilled
from underpaint.stages.optimize.transforms.transform import Context, Question, Transform

SLOT = "decoder"


def check_decoder(question: Question) -> Refusal | None:
    """Refuse to replace a decoder without a rule, or by widths that cannot be normalized."""
    params, part = question.params, question.part
    assert isinstance(params, TinyDecoder)
    if part.class_name != Autoencoder.__name__:
        return Refusal(
            code="decoder.no_rule",
            reason=f"no small decoder is known that could learn from a {part.class_name}",
            remedy="leave it out, or name a model whose vae is an AutoencoderTiny of the same latent space",
        )
    if any(width < TILE or width % TILE for width in params.widths):
        return Refusal(
            code="decoder.widths",
            reason=f"the widths {list(params.widths)} are no multiples of {TILE}, which norms divide into groups",
            remedy="choose for example [16, 32, 48]",
        )
    return None


def make_decoder(pipeline: Pipeline, slot: str, params: TinyDecoder, context: Context) -> Pipeline:
    """Return a pipeline with a small decoder."""
    loop = (context.loop or DEFAULT).model_copy(update={"steps": params.recover})
    part = distilled(
        pipeline,
        params.widths,
        context.prompts,
        context.folder,
        loop,
        identity=f"{context.base}:{params.model_dump_json()}",
        report=context.report,
    )
    return with_part(pipeline, slot, part)


def space_of_decoders(question: Question) -> Mapping[str, Sequence[JsonValue]]:  # noqa: ARG001
    """Offer widths from a third to a half of the large decoder's."""
    return {"widths": [[16, 32, 48], [24, 48, 64]], "recover": [2000, 8000]}


DECODERS: tuple[Transform, ...] = (
    Transform(
        name="decoder.tiny",
        does="paints with a small decoder that learned from the large one",
        slots=(SLOT,),
        check=check_decoder,
        space=space_of_decoders,
        make=make_decoder,
    ),
)
