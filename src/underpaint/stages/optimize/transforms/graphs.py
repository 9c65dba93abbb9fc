"""Transforms that leave what is computed as it is and change how: layout, compiled code, where it lies."""

from __future__ import annotations

from underpaint.core.optimization import Refusal
from underpaint.stages.optimize.transforms.transform import NETWORKS, Question, Transform


def check_layout(question: Question) -> Refusal | None:
    """Refuse to lay out convolutions where there are none."""
    if question.part.convs:
        return None
    return Refusal(
        code="layout.no_conv",
        reason=f"the {question.part.class_name} in the slot {question.slot!r} has no convolutions inside its blocks",
        remedy="leave it out for this slot",
    )


GRAPHS: tuple[Transform, ...] = (
    Transform(
        name="layout.channels_last",
        does="lays weights of convolutions out pixel by pixel",
        slots=NETWORKS,
        check=check_layout,
    ),
)
