"""What a transform is: a name, what it takes, when it is refused and why, what a search may vary, how it is made.

The half that opens a saved model lies in ``pipelines.optimizing``; where a transform neither calibrates nor trains,
that half is all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from underpaint.core.optimization import OptimizationRecipe, Refusal, Stage, Step
from underpaint.core.progress import Report, silent
from underpaint.learning.config import LoopConfig
from underpaint.pipelines.optimizing.half import Half, Pipeline
from underpaint.pipelines.optimizing.table import HALVES
from underpaint.pipelines.slots import SAMPLER, Capabilities, Slot
from underpaint.runtime.fingerprint import Fingerprint

MAIN_PARTS = ("denoiser", "transformer", "residual", "generator")
TEXT = ("text_encoder", "text_encoder_2", "text_encoder_3")
NETWORKS = (*MAIN_PARTS, "decoder", *TEXT)
"""Slots with networks."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a transform is checked against; no weights are needed to answer.

    Args:
        capabilities: Of the pipeline as it is when the step's turn comes.
        slot: Where it shall go.
        params: Its parameters.
        before: The steps before it.
        host: The machine that shall draw.
    """

    capabilities: Capabilities
    slot: str
    params: Any
    before: OptimizationRecipe
    host: Fingerprint

    @property
    def part(self) -> Slot:
        """What is in the slot."""
        return self.capabilities.slots[self.slot]

    def had(self, *names: str) -> bool:
        """Tell whether one of some transforms was applied before."""
        return any(step.name in names for step in self.before.steps)


@dataclass(frozen=True, kw_only=True)
class Context:
    """What is at hand while recipes are applied.

    Args:
        prompts: Canonical captions to calibrate and to train with; they must be in no set that judges.
        folder: Where training keeps its state, so that it goes on after an interruption; None where nothing is
            trained.
        loop: The recovery training, whose steps are the recipe's; None for the default.
        base: Digest of the model before, which identifies such a training.
        report: Receives progress.
        after: The steps that come after the one that is being applied; ``apply`` fills them in.
    """

    prompts: Sequence[str] = ()
    folder: Path | None = None
    loop: LoopConfig | None = None
    base: str = ""
    report: Report = field(default=silent)
    after: Sequence[Step] = ()


Check = Callable[[Question], Refusal | None]
Space = Callable[[Question], Mapping[str, Sequence[JsonValue]]]
"""From a question whose parameters do not matter to what a search may vary; empty where nothing fits."""
Make = Callable[[Pipeline, str, Any, Context], Pipeline]


def nothing(question: Question) -> None:  # noqa: ARG001
    """Refuse nothing."""
    return


def fixed(question: Question) -> Mapping[str, Sequence[JsonValue]]:  # noqa: ARG001
    """Offer nothing to vary."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Transform:
    """A transform.

    Args:
        name: As ``quant.int8_dynamic``.
        version: Its version; another one draws other pictures with the same parameters.
        does: What it does, in a few words.
        slots: Where it may go.
        check: Says why it is refused, if it is.
        space: Says what a search may vary.
        make: Calibrates or trains; None where the load half is all.
        of_graph: Whether it goes to graphs that an engine step made.
    """

    name: str
    version: int = 1
    does: str
    slots: tuple[str, ...] = (SAMPLER,)
    check: Check = nothing
    space: Space = fixed
    make: Make | None = None
    of_graph: bool = False

    @property
    def op(self) -> str:
        """Name and version."""
        return f"{self.name}@{self.version}"

    @property
    def half(self) -> Half:
        """What opens a model that was saved with it."""
        return HALVES[self.op]

    @property
    def stage(self) -> Stage:
        """When it is applied."""
        return self.half.stage

    def stage_in(self, slot: str) -> Stage:
        """Return when it is applied to a slot."""
        return self.half.stage_in(slot)
