"""More scales for larger pictures: tokenizer and generator of a small size as the start for a larger one.

The autoencoder is convolutional and positions are shares of the picture, so both fit any side. What a scale adds is
one row of the scale embedding, which starts as the last one's; the codes are shared by all scales, and so are the
smoothing convolutions, of which each serves a third of the scales, so that a middle scale may get its neighbors'.

Source: training VAR from low to high resolution, arXiv 2404.02905, appendix A; Net2Net, arXiv 1511.05641.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from underpaint.core.errors import TrainingError
from underpaint.models.component import CONFIG, read_component_config
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.runtime.weights import read_weights
from underpaint.stages.train.initial import OPTIONAL, SavedFiles, fill, start_from
from underpaint.stages.train.networks import HybridGenerator

SCALES = "scale_embedding"


def saved_schedule(pipeline: Path) -> tuple[int, ...] | None:
    """Return the scales of a saved pipeline; None where none are saved with it."""
    return _schedule_in(SavedFiles(pipeline))


def _schedule_in(files: SavedFiles) -> tuple[int, ...] | None:
    file = files.of("quantizer", CONFIG)
    if not file.exists():
        return None
    return read_component_config(file.parent, QuantizerConfig, "MultiScaleQuantizer").schedule


def continues(schedule: Sequence[int], saved: Sequence[int]) -> bool:
    """Tell whether a schedule has all scales of a saved one, in their order and first, and further ones."""
    return len(schedule) > len(saved) and tuple(schedule[: len(saved)]) == tuple(saved)


def with_more_scales(saved: Mapping[str, Tensor], scales: int) -> dict[str, Tensor]:
    """Return a scale transformer's weights for more scales: each further one starts as the last.

    Args:
        saved: Name to weight.
        scales: Number of scales wanted, at least as many as are there.
    """
    rows = saved[SCALES]  # [S, D]
    further = rows[-1:].expand(scales - len(rows), -1)
    return {**saved, SCALES: torch.cat([rows, further])}


def grow_tokenizer(pipeline: Path, autoencoder: nn.Module, quantizer: MultiScaleQuantizer) -> None:
    """Copy a saved pipeline's autoencoder and codes into fresh ones for larger pictures, in place.

    Args:
        pipeline: The pipeline's folder.
        autoencoder: Of the same widths.
        quantizer: With as many codes, and the saved scales first among its own.

    Raises:
        ArtifactError: A file is missing or damaged.
        TrainingError: Sizes or scales do not fit.
    """
    files = SavedFiles(pipeline)
    _require_growth(files, quantizer)
    for name, network in (("autoencoder", autoencoder), ("quantizer", quantizer)):
        file = files.of(name)
        fill(network, read_weights(file), file)


def start_generator(pipeline: Path, networks: HybridGenerator, quantizer: MultiScaleQuantizer) -> None:
    """Copy a saved pipeline's generator into a fresh one, in place, which may have further scales.

    With the same scales the codes must be the same too; a finer tokenizer has moved its own since it was grown.

    Args:
        pipeline: The pipeline's folder.
        networks: The fresh networks.
        quantizer: The quantizer that they will be trained with.

    Raises:
        ArtifactError: A file is missing or damaged.
        TrainingError: The saved weights do not fit.
    """
    files, scales = SavedFiles(pipeline), quantizer.num_scales
    saved = _schedule_in(files)
    if saved is None or len(saved) == scales:
        start_from(files, networks, quantizer)
        return
    _require_growth(files, quantizer)
    for name, network in networks.named_children():
        file = files.of(name)
        if file.exists() or name not in OPTIONAL:
            weights = read_weights(file)
            fill(network, with_more_scales(weights, scales) if SCALES in weights else weights, file)


def _require_growth(files: SavedFiles, quantizer: MultiScaleQuantizer) -> None:
    saved, wanted = _schedule_in(files), quantizer.config.schedule
    if saved is None or not continues(wanted, saved):
        raise TrainingError(
            f"{files.folder} has the scales {saved}, which are not the first of {wanted}; choose a recipe whose scales "
            "begin like those, or train without --from"
        )
