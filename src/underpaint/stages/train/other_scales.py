"""Other scales than a saved model's: further ones for larger pictures, or fewer of them for fewer passes.

The autoencoder is convolutional and positions are shares of the picture, so both fit any side. What a scale adds is
one row of the scale embedding, which is its own where the saved model has that side and starts as the last one's where
it has not; the codes are shared by all scales, and so are the smoothing convolutions, of which each serves a third of
the scales, so that a middle scale may get its neighbors'.

Source: training VAR from low to high resolution, arXiv 2404.02905, appendix A; Net2Net, arXiv 1511.05641.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

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


def leaves_out(schedule: Sequence[int], saved: Sequence[int]) -> bool:
    """Tell whether a schedule has some of a saved one's scales, the finest among them, and no others."""
    return set(schedule) < set(saved) and schedule[-1] == saved[-1]


def can_follow(schedule: Sequence[int], saved: Sequence[int]) -> bool:
    """Tell whether a saved tokenizer can be trained on for a schedule: for further scales, or for some of its own."""
    return continues(schedule, saved) or leaves_out(schedule, saved)


def with_scales(weights: Mapping[str, Tensor], schedule: Sequence[int], saved: Sequence[int]) -> dict[str, Tensor]:
    """Return a scale transformer's weights for another schedule: a side that is new starts as the last one.

    Args:
        weights: Name to weight.
        schedule: The scales wanted.
        saved: The scales that the weights are for.
    """
    row_of = {side: row for row, side in enumerate(saved)}
    rows = [row_of.get(side, len(saved) - 1) for side in schedule]
    return {**weights, SCALES: weights[SCALES][rows]}  # [S, D]


def continue_tokenizer(pipeline: Path, autoencoder: nn.Module, quantizer: MultiScaleQuantizer) -> None:
    """Copy a saved pipeline's autoencoder and codes into fresh ones with other scales, in place.

    Args:
        pipeline: The pipeline's folder.
        autoencoder: Of the same widths.
        quantizer: With as many codes, and the saved scales first among its own, or some of the saved ones.

    Raises:
        ArtifactError: A file is missing or damaged.
        TrainingError: Sizes or scales do not fit.
    """
    files = SavedFiles(pipeline)
    _require_fit(files, quantizer)
    for name, network in (("autoencoder", autoencoder), ("quantizer", quantizer)):
        file = files.of(name)
        fill(network, read_weights(file), file)


def start_generator(pipeline: Path, networks: HybridGenerator, quantizer: MultiScaleQuantizer) -> None:
    """Copy a saved pipeline's generator into a fresh one, in place, which may have further scales or fewer.

    With the same scales the codes must be the same too; a tokenizer with others has moved its own since.

    Args:
        pipeline: The pipeline's folder.
        networks: The fresh networks.
        quantizer: The quantizer that they will be trained with.

    Raises:
        ArtifactError: A file is missing or damaged.
        TrainingError: The saved weights do not fit.
    """
    files, wanted = SavedFiles(pipeline), quantizer.config.schedule
    saved = _schedule_in(files)
    if saved is None or len(saved) == len(wanted):
        start_from(files, networks, quantizer)
        return
    _require_fit(files, quantizer)
    for name, network in networks.named_children():
        file = files.of(name)
        if file.exists() or name not in OPTIONAL:
            weights = read_weights(file)
            fill(network, with_scales(weights, wanted, saved) if SCALES in weights else weights, file)


def _require_fit(files: SavedFiles, quantizer: MultiScaleQuantizer) -> None:
    saved, wanted = _schedule_in(files), quantizer.config.schedule
    if saved is None or not can_follow(wanted, saved):
        raise TrainingError(
            f"{files.folder} has the scales {saved}, which are not the first of {wanted}, nor has it all of those; "
            "choose a recipe whose scales begin like them or are some of them"
        )
