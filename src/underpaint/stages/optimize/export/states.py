"""The states of a network: what a pipeline calls it with while it draws, as its sampling and caches will have it.

Ranges of 8 bits are found with states of several prompts, spread over the steps of each picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from underpaint.adapters.diffusers.calls import Call, bind
from underpaint.core.progress import Progress, Report
from underpaint.pipelines.around import Moment, Surrounding
from underpaint.pipelines.diffusers_pipeline import DiffusersPipeline
from underpaint.pipelines.optimizing.block_cache import BlockCache, CachedLevels
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.optimize.export.calibration import FIRST_SEED

PER_PICTURE = 4
"""States that are kept of a picture: 16 prompts give 64, which is enough for ranges."""
HELD_OUT = 2
"""Pictures whose states are measured with, of the first prompts and other seeds."""


@dataclass(frozen=True, kw_only=True)
class State:
    """A call of a network.

    Args:
        call: What it was called with.
        deep: What its deep levels had said before, where the outermost level was computed alone.
    """

    call: Call
    deep: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class States:
    """The states of some pictures.

    Args:
        found_with: Those that ranges are found with.
        held_out: Those that errors are measured with.
        prompts: Different prompts that they are of.
    """

    found_with: tuple[State, ...]
    held_out: tuple[State, ...]
    prompts: int


class Listener(Surrounding):
    """Notes every call of a network.

    Args:
        network: The network.
    """

    def __init__(self, network: nn.Module) -> None:
        self.states: list[State] = []
        super().__init__(network)

    def answer(self, moment: Moment, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ARG002
        """Note a call and let the network answer."""
        self.states.append(State(call=bind(self.network, "forward", args, kwargs)))
        return self.network(*args, **kwargs)


class LevelsListener(CachedLevels):
    """Notes every call of a UNet whose levels take turns.

    Args:
        network: The UNet.
        cache: Which calls compute all levels.
    """

    def __init__(self, network: nn.Module, cache: BlockCache) -> None:
        self.states: list[State] = []
        super().__init__(network, cache)

    def answer(self, moment: Moment, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Note a call after it was decided how much of it is computed."""
        answer, memory = super().answer(moment, args, kwargs), self._memory
        deep = memory.said[moment.branch] if memory.shallow else None
        self.states.append(State(call=bind(self.network, "forward", args, kwargs), deep=deep))
        return answer


@torch.inference_mode()
def collect(
    pipeline: DiffusersPipeline, listener: Listener | LevelsListener, prompts: Sequence[str], report: Report
) -> States:
    """Draw pictures and return what a network was called with.

    Args:
        pipeline: Which calls the listener where its network was.
        listener: In it.
        prompts: Canonical captions, each a picture.
        report: Receives progress.
    """
    return _heard(pipeline, listener, prompts[:HELD_OUT], prompts, report)


@torch.inference_mode()
def collect_held_out(
    pipeline: DiffusersPipeline, listener: Listener | LevelsListener, prompts: Sequence[str], report: Report
) -> States:
    """Return states that errors are measured with alone, as ``collect`` does: nothing is fitted to others."""
    return _heard(pipeline, listener, prompts[:HELD_OUT], (), report)


def _heard(
    pipeline: DiffusersPipeline,
    listener: Listener | LevelsListener,
    measured: Sequence[str],
    fitted: Sequence[str],
    report: Report,
) -> States:
    asked = [DrawRequest(caption=caption, seed=FIRST_SEED + number) for number, caption in enumerate(fitted)]
    beyond = FIRST_SEED + len(asked)
    others = [DrawRequest(caption=caption, seed=beyond + number) for number, caption in enumerate(measured)]
    kept: list[list[State]] = []
    for number, request in enumerate([*asked, *others]):
        report(Progress(task="collect states", done=number, total=len(asked) + len(others), unit="pictures"))
        listener.states.clear()
        pipeline.draw([request])
        kept.append(spread(listener.states, number))
    found, held = kept[: len(asked)], kept[len(asked) :]
    return States(found_with=(*chain(*found),), held_out=(*chain(*held),), prompts=len({*fitted}))


def spread(states: Sequence[State], offset: int, count: int = PER_PICTURE) -> list[State]:
    """Return some states spread over a picture, others for every picture.

    Args:
        states: In the order of the steps.
        offset: Number of the picture.
        count: How many are kept.
    """
    places = {(offset + number * len(states) // count) % len(states) for number in range(min(count, len(states)))}
    return [states[place] for place in sorted(places)]
