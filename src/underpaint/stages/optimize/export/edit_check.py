"""Whether an exported graph edits pictures as the pipeline does."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from underpaint.core.progress import Progress, Report, silent
from underpaint.pipelines.editing.asking import editor_of
from underpaint.pipelines.editing.mask import Mask
from underpaint.pipelines.editing.planning import plan_edits
from underpaint.pipelines.editing.reading import read_original
from underpaint.pipelines.editing.request import EditRequest
from underpaint.pipelines.exported import load_exported
from underpaint.pipelines.exported_folder import ExportedModel
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.stages.optimize.export.check import figures_of, gap, insist_on_sameness, wishes

FIRST, SECOND = "a smiling cat", "a red apple"
CASES: tuple[tuple[EditRequest, bool], ...] = (
    (EditRequest(prompt=FIRST, strength=0.0, seed=1), False),
    (EditRequest(seed=2), False),
    (EditRequest(prompt=SECOND, strength=0.7, seed=3), False),
    (EditRequest(prompt=SECOND, strength=1.0, negative=FIRST, seed=4), False),
    (EditRequest(prompt=FIRST, strength=0.8, mix=SECOND, mix_share=0.4, seed=5), True),
    (EditRequest(prompt=SECOND, seed=6), True),
    (EditRequest(seed=7), True),
)
"""What is asked for, and whether within a mask of half the picture."""


def edit_differences(pipeline: TextToPicture[Any], exported: ExportedModel, report: Report) -> dict[str, float]:
    """Edit the same picture in torch and with the graph, and return how far they are apart.

    Words to draw away from are left out where nothing is guided, since they then mean nothing.

    Args:
        pipeline: The model in torch.
        exported: Its export.
        report: Receives progress.

    Returns:
        As ``check.figures_of``.

    Raises:
        ArtifactError: A picture differs by more than ``check.LEVELS``.
    """
    side = pipeline.image_size
    original = read_original(Image.fromarray(pipeline.draw(wishes(())[:1])[0]), side)
    half = np.zeros((side, side), dtype=bool)
    half[:, : side // 2] = True
    graphs = load_exported(exported, report=silent)
    gaps: list[np.ndarray] = []
    for index, (case, masked) in enumerate(CASES):
        request = case if exported.edge.guidance is not None else case.model_copy(update={"negative": None})
        mask = Mask(inside=half) if masked else None
        (settings,) = plan_edits(exported, original, request, mask)
        ours, theirs = (editor_of(exported, drawer, original, mask).pixels(settings) for drawer in (pipeline, graphs))
        gaps.append(gap(ours, theirs))
        report(Progress(task="compare edits with torch", done=index + 1, total=len(CASES), unit="pictures"))
    found = figures_of(gaps)
    insist_on_sameness(found)
    return found
