"""The transform by which a UNet becomes two graphs, of which the second computes the outermost level alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from underpaint.core.optimization import Refusal
from underpaint.pipelines.optimizing.level_pair import LevelPair
from underpaint.stages.optimize.transforms.engine_checks import ENGINES
from underpaint.stages.optimize.transforms.engines import PAIR
from underpaint.stages.optimize.transforms.sampling import check_output_cache
from underpaint.stages.optimize.transforms.transform import Question, Transform

SLOT = "denoiser"


def check_pair(question: Question) -> Refusal | None:
    """Refuse a pair where there is no graph to make two of, no levels, or nothing to skip."""
    if not any(one.name in ENGINES and one.slot == question.slot for one in question.before.steps):
        return Refusal(
            code="cache.no_graph",
            reason=f"{PAIR} makes two graphs of a UNet, and the {question.slot} is none yet",
            remedy="put engine.openvino or engine.onnx of the denoiser before it, or take cache.blocks in torch",
        )
    if question.part.levels < 2:
        return Refusal(
            code="cache.no_levels",
            reason=f"the network of this {question.capabilities.pipeline} is no UNet of two levels or more",
            remedy="take cache.output, which skips whole calls of any network",
        )
    params = question.params
    assert isinstance(params, LevelPair)
    if params.every == 1:
        return Refusal(
            code="cache.pointless",
            reason="with every=1 every call computes all levels, so the second graph would never be used",
            remedy="leave it out, or set every=2 or more",
        )
    return check_output_cache(question)


def space_of_pairs(question: Question) -> Mapping[str, Sequence[JsonValue]]:
    """Offer how often all levels are computed, where there are levels."""
    return {"every": [2, 3, 5], "warm_up": [1, 2, 4], "last": [0, 1]} if question.part.levels > 1 else {}


PAIRS: tuple[Transform, ...] = (
    Transform(
        name=PAIR,
        does="makes two graphs of a UNet, the second of the outermost level, which most calls compute alone",
        slots=(SLOT,),
        check=check_pair,
        space=space_of_pairs,
        of_graph=True,
    ),
)
