"""The transform that merges tokens of self-attention, where there are enough of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from underpaint.core.optimization import Refusal
from underpaint.pipelines.optimizing.token_merging import TokenMerge
from underpaint.stages.optimize.transforms.transform import Question, Transform


def check_merging(question: Question) -> Refusal | None:
    """Refuse to merge tokens of a network without a rule for it, or with few tokens."""
    params, part = question.params, question.part
    assert isinstance(params, TokenMerge)
    if not part.merging:
        return Refusal(
            code="tokens.no_rule",
            reason=f"no block of a {part.class_name} attends from the picture to itself in a way that has a rule here",
            remedy="leave it out; of diffusers, UNets and PixArt have such blocks",
        )
    if part.tokens < params.least_tokens:
        return Refusal(
            code="tokens.too_few",
            reason=f"attention sees {part.tokens} tokens, and merging pays from about {params.least_tokens} on",
            remedy="leave it out, or draw larger pictures",
        )
    return None


def space_of_merging(question: Question) -> Mapping[str, Sequence[JsonValue]]:  # noqa: ARG001
    """Offer how many tokens go."""
    return {"share": [0.3, 0.5, 0.6]}


MERGING: tuple[Transform, ...] = (
    Transform(
        name="tokens.merge",
        does="merges tokens that are alike before self-attention",
        slots=("denoiser",),
        check=check_merging,
        space=space_of_merging,
    ),
)
