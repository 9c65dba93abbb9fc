"""Transforms that leave what is computed as it is and change how: layout, compiled code, where it lies."""

from __future__ import annotations

import os
import shutil

from underpaint.core.optimization import Refusal
from underpaint.models.text_encoder import TextEncoder
from underpaint.stages.optimize.transforms.transform import NETWORKS, TEXT, Question, Transform

COMPILERS = ("g++", "clang++")


def check_layout(question: Question) -> Refusal | None:
    """Refuse to lay out convolutions where there are none."""
    if question.part.convs:
        return None
    return Refusal(
        code="layout.no_conv",
        reason=f"the {question.part.class_name} in the slot {question.slot!r} has no convolutions inside its blocks",
        remedy="leave it out for this slot",
    )


def check_compile(question: Question) -> Refusal | None:
    """Refuse to compile where no compiler is, or what was moved out of the way."""
    if question.had("memory.offload"):
        return Refusal(
            code="engine.offloaded",
            reason="what lies in main memory between calls is not compiled",
            remedy="keep one: memory.offload or engine.compile",
        )
    if question.capabilities.device == "cpu" and compiler() is None:
        return Refusal(
            code="host.compiler",
            reason="compiled code for a processor needs a C++ compiler, and there is none",
            remedy=f"install one of {', '.join(COMPILERS)}, or name one in the variable CXX",
        )
    return None


def compiler() -> str | None:
    """Return the C++ compiler that would be used here; None if there is none."""
    named = os.environ.get("CXX")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, COMPILERS)), None)


def check_offload(question: Question) -> Refusal | None:
    """Refuse to offload where everything lies in main memory anyway."""
    if question.part.class_name == TextEncoder.__name__:
        return Refusal(
            code="memory.small",
            reason="the text encoder of our pipelines is small, and they look for their device in it",
            remedy="leave it out; text encoders of diffusers are large enough to win something",
        )
    if question.capabilities.device == "cuda":
        return None
    return no_gpu("memory.offload moves networks between a GPU's memory and main memory", "leave it out")


def no_gpu(reason: str, remedy: str) -> Refusal:
    """Return the refusal of what needs a GPU."""
    return Refusal(code="host.cuda", reason=f"{reason}, and the pipeline does not run on one of NVIDIA", remedy=remedy)


GRAPHS: tuple[Transform, ...] = (
    Transform(
        name="layout.channels_last",
        does="lays weights of convolutions out pixel by pixel",
        slots=NETWORKS,
        check=check_layout,
    ),
    Transform(
        name="engine.compile",
        does="compiles blocks into code for this machine",
        slots=NETWORKS,
        check=check_compile,
        space=lambda _: {"dynamic": [False, True]},
    ),
    Transform(
        name="memory.offload",
        does="keeps a network in main memory while it is not called",
        slots=("decoder", *TEXT),
        check=check_offload,
    ),
)
