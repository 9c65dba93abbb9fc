"""Transforms that cut channels, heads or blocks out of a transformer, and train what remains for a while.

What stays is what contributes most while the pipeline draws the captions of the context; without captions the size of
weights decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from pydantic import JsonValue
from torch import Tensor

from underpaint.core.optimization import Refusal
from underpaint.core.progress import Progress
from underpaint.models.pruning import (
    PRUNABLE,
    best,
    feeding,
    head_scores,
    hidden_scores,
    mean_size,
    with_blocks,
    with_heads,
    with_hidden,
)
from underpaint.models.twin import twin
from underpaint.pipelines.optimizing.half import Pipeline
from underpaint.pipelines.optimizing.smaller import (
    NEEDS_RECOVERY,
    TILE,
    Pruned,
    PrunedDepth,
    PrunedHeads,
    PrunedWidth,
)
from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.slots import part_of, with_part
from underpaint.stages.optimize.recovery import DEFAULT, recovered
from underpaint.stages.optimize.transforms.transform import Context, Question, Transform

MEASURED = 16
"""Captions that contributions are measured with."""
RECOVERIES: tuple[JsonValue, ...] = (500, 2000, 8000)
"""Steps of training that a search is offered."""
SLOTS = ("denoiser", "transformer")
Network = Any


def _check(question: Question, what: str, before: int, after: int) -> Refusal | None:
    """Refuse to cut a network without a rule, to cut nothing or all, or to cut much without training."""
    part, params = question.part, question.params
    assert isinstance(params, Pruned)
    if part.class_name not in {one.__name__ for one in PRUNABLE}:
        return Refusal(
            code="prune.no_rule",
            reason=f"no rule says which dimensions of a {part.class_name} hang together",
            remedy=f"leave it out; there are rules for {' and '.join(one.__name__ for one in PRUNABLE)}",
        )
    if not 1 <= after < before:
        return Refusal(
            code="prune.range",
            reason=f"of {before} {what} {after} would stay",
            remedy=f"keep 1 to {before - 1}" if before > 1 else "leave it out: there is nothing to spare",
        )
    if params.recover == 0 and after < (1 - NEEDS_RECOVERY) * before:
        return Refusal(
            code="prune.no_recovery",
            reason=f"cutting {before - after} of {before} {what} needs training afterwards",
            remedy=f"set recover to a number of steps, or cut {NEEDS_RECOVERY:.0%} at most",
        )
    return None


def check_width(question: Question) -> Refusal | None:
    """Refuse widths that cannot be, or that kernels compute badly."""
    params = question.params
    assert isinstance(params, PrunedWidth)
    if refusal := _check(question, "channels", question.part.hidden, params.hidden):
        return refusal
    if params.hidden % TILE == 0:
        return None
    return Refusal(
        code="prune.tile",
        reason=f"{params.hidden} channels are no multiple of {TILE}, which instructions compute at once",
        remedy=f"keep {params.hidden // TILE * TILE} or {-(-params.hidden // TILE) * TILE}",
    )


def check_heads(question: Question) -> Refusal | None:
    """Refuse numbers of heads that cannot be."""
    assert isinstance(question.params, PrunedHeads)
    return _check(question, "heads", question.part.heads, question.params.heads)


def check_depth(question: Question) -> Refusal | None:
    """Refuse to drop blocks that are not there, or all."""
    params, blocks = question.params, question.part.blocks
    assert isinstance(params, PrunedDepth)
    missing = [number for number in params.drop if not 0 <= number < blocks]
    if missing and blocks:
        return Refusal(
            code="prune.range",
            reason=f"there is no block {missing[0]} among {blocks}",
            remedy=f"name blocks from 0 to {blocks - 1}",
        )
    return _check(question, "blocks", blocks, blocks - len({*params.drop}))


def measured(pipeline: Pipeline, slot: str, layer: str, context: Context) -> Mapping[int, Tensor] | None:
    """Return the mean size of what enters a layer of each block while captions are drawn; None without captions.

    Args:
        pipeline: The pipeline; a twin of its network is watched, so that it stays as it is.
        slot: The network's.
        layer: As ``feed_forward.down``.
        context: For the captions.
    """
    if not context.prompts:
        return None
    watched = twin(part_of(pipeline, slot))
    sizes: dict[int, list[Tensor]] = {}
    for index, module in feeding(watched, layer).items():
        module.register_forward_pre_hook(_listener(sizes.setdefault(index, [])))
    drawer, prompts = with_part(pipeline, slot, watched), context.prompts[:MEASURED]
    for number, prompt in enumerate(prompts):
        drawer.draw([DrawRequest(caption=prompt, seed=number)])
        context.report(Progress(task="measure contributions", done=number + 1, total=len(prompts), unit="pictures"))
    return {index: torch.stack(found).mean(dim=0) for index, found in sizes.items()}


def _listener(found: list[Tensor]) -> Callable[[Any, tuple[Tensor, ...]], None]:
    return lambda _, given: found.append(mean_size(given[0]))


def _finished(pipeline: Pipeline, slot: str, cut: Network, params: Pruned, context: Context) -> Pipeline:
    """Return the pipeline with a network that was cut, trained if the recipe says so."""
    if params.recover:
        loop = (context.loop or DEFAULT).model_copy(update={"steps": params.recover})
        identity = f"{context.base}:{slot}:{params.model_dump_json()}"
        cut = recovered(pipeline, cut, context.prompts, context.folder, loop, identity=identity, report=context.report)
    return with_part(pipeline, slot, cut)


def make_narrower(pipeline: Pipeline, slot: str, params: PrunedWidth, context: Context) -> Pipeline:
    """Return a pipeline whose network has fewer channels in its feed-forwards."""
    network: Network = part_of(pipeline, slot)
    scores = hidden_scores(network, measured(pipeline, slot, "feed_forward.down", context))
    return _finished(pipeline, slot, with_hidden(network, best(scores, params.hidden)), params, context)


def make_fewer_heads(pipeline: Pipeline, slot: str, params: PrunedHeads, context: Context) -> Pipeline:
    """Return a pipeline whose network has fewer attention heads."""
    network: Network = part_of(pipeline, slot)
    scores = head_scores(network, measured(pipeline, slot, "attention.out", context))
    return _finished(pipeline, slot, with_heads(network, best(scores, params.heads)), params, context)


def make_shallower(pipeline: Pipeline, slot: str, params: PrunedDepth, context: Context) -> Pipeline:
    """Return a pipeline whose network has fewer blocks."""
    network: Network = part_of(pipeline, slot)
    kept = [index for index in range(len(network.blocks)) if index not in params.drop]
    return _finished(pipeline, slot, with_blocks(network, kept), params, context)


def space_of_widths(question: Question) -> Mapping[str, Sequence[JsonValue]]:
    """Offer shares of the channels, in whole tiles."""
    hidden = question.part.hidden
    widths = sorted({int(hidden * share) // TILE * TILE for share in (0.5, 0.75, 0.9)} - {0, hidden})
    return {"hidden": widths, "recover": RECOVERIES}


def space_of_heads(question: Question) -> Mapping[str, Sequence[JsonValue]]:
    """Offer all numbers of heads below the present one."""
    return {"heads": list(range(1, question.part.heads)), "recover": RECOVERIES}


def space_of_depths(question: Question) -> Mapping[str, Sequence[JsonValue]]:
    """Offer every block but the first and the last by itself."""
    return {"drop": [[number] for number in range(1, question.part.blocks - 1)], "recover": RECOVERIES}


PRUNING: tuple[Transform, ...] = (
    Transform(
        name="prune.width",
        does="cuts channels out of feed-forwards",
        slots=SLOTS,
        check=check_width,
        space=space_of_widths,
        make=make_narrower,
    ),
    Transform(
        name="prune.heads",
        does="cuts attention heads out",
        slots=SLOTS,
        check=check_heads,
        space=space_of_heads,
        make=make_fewer_heads,
    ),
    Transform(
        name="prune.depth",
        does="leaves blocks out",
        slots=SLOTS,
        check=check_depth,
        space=space_of_depths,
        make=make_shallower,
    ),
)
