"""Whether an exported graph draws what the pipeline draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from underpaint.core.errors import ArtifactError
from underpaint.core.progress import Progress, Report
from underpaint.pipelines.drawer import Drawer
from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.text_to_picture import TextToPicture

LEVELS = 1
"""Largest difference between a pixel of the pipeline and one of an f32 graph, in levels of 255."""
CAPTIONS = ("a smiling cat", "a red apple", "a rocket", "woman judge with dark skin tone")
"""What is drawn for the check, in every style and in none."""


def wishes(styles: Sequence[str]) -> list[DrawRequest]:
    """Return what is drawn for the check."""
    asked = [None, *styles]
    return [
        DrawRequest(caption=caption, style=style, seed=10 * row + column)
        for row, caption in enumerate(CAPTIONS)
        for column, style in enumerate(asked)
    ]


def premultiplied(pixels: np.ndarray) -> np.ndarray:
    """Return straight RGBA ``[..., 4]`` uint8 with color times alpha, in levels of 255."""
    levels = pixels.astype(np.float64)
    return np.concatenate([levels[..., :3] * levels[..., 3:] / 255.0, levels[..., 3:]], axis=-1)


def differences(pipeline: TextToPicture[Any], exported: Drawer, steps: int | None, report: Report) -> dict[str, float]:
    """Draw the same requests with both and return how far they are apart; see ``compared``.

    Args:
        pipeline: The model in torch.
        exported: Its graph.
        steps: Steps that the graph was unrolled for.
        report: Receives progress.
    """
    return compared(pipeline, exported, [replace(wish, steps=steps) for wish in wishes(pipeline.styles)], report)


def gap(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return by how many levels of 255 two pictures ``[H, W, 4]`` uint8 differ, premultiplied."""
    return np.abs(premultiplied(ours) - premultiplied(theirs))


def compared(pipeline: Drawer, exported: Drawer, requests: Sequence[DrawRequest], report: Report) -> dict[str, float]:
    """Draw requests with a model in torch and as graphs, and return how far they are apart; see ``figures_of``."""
    gaps: list[np.ndarray] = []
    for index, request in enumerate(requests):
        (ours,), (theirs,) = pipeline.draw([request]), exported.draw([request])
        gaps.append(gap(ours, theirs))
        report(Progress(task="compare with torch", done=index + 1, total=len(requests), unit="pictures"))
    return figures_of(gaps)


def figures_of(gaps: Sequence[np.ndarray]) -> dict[str, float]:
    """Return how far pictures are apart.

    Args:
        gaps: From ``gap``, one a picture.

    Returns:
        ``pictures``, ``same_share`` (pictures that differ by at most one level anywhere), ``mean_levels`` and
        ``max_levels``.
    """
    whole = np.stack(gaps)  # [N, H, W, 4]
    largest = whole.reshape(len(whole), -1).max(axis=1)
    return {
        "pictures": len(whole),
        "same_share": float((largest <= LEVELS).mean()),
        "mean_levels": float(whole.mean()),
        "max_levels": float(whole.max()),
    }


def insist_on_sameness(found: dict[str, float]) -> None:
    """Refuse an f32 graph that draws other pictures.

    Raises:
        ArtifactError: A picture differs by more than ``LEVELS``.
    """
    if found["same_share"] < 1.0:
        raise ArtifactError(
            f"the graph does not draw the pipeline's pictures: {1.0 - found['same_share']:.0%} of {found['pictures']} "
            f"differ, by {found['max_levels']:.0f} levels at most; this is a defect of the export, please report it"
        )
