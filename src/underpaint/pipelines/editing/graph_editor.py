"""Edits drawn by an exported graph: words, cells and noise in NumPy, everything between in one run; no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from underpaint.core.progress import Report, silent
from underpaint.pipelines.editing.editor import Editor
from underpaint.pipelines.editing.graph_inputs import (
    AGAINST,
    FREE,
    MIXED,
    NEGATIVE,
    ORIGINAL,
    SHARE,
    UNSAID,
    WORDLESS,
    named,
)
from underpaint.pipelines.editing.mask import Mask
from underpaint.pipelines.editing.reading import Original
from underpaint.pipelines.editing_record import EditRecord
from underpaint.pipelines.exported import ExportedPipeline, load_graph
from underpaint.pipelines.exported_folder import GUIDANCE, MASK, PICTURE, WEIGHT, WORDS, EditGraph, ExportedModel
from underpaint.pipelines.settings import Settings

if TYPE_CHECKING:
    from underpaint.runtime.engine import Graph


class GraphEditor(Editor):
    """Draws edits of one picture with a graph.

    Args:
        model: An exported model that has a graph for it.
        pipeline: The same, loaded; it reads the words.
        graph: The graph that edits.
        edit: What the model says about it.
        original: The picture.
        mask: Where it may change; None for everywhere.
    """

    def __init__(
        self,
        model: ExportedModel,
        pipeline: ExportedPipeline,
        graph: Graph,
        edit: EditGraph,
        original: Original,
        mask: Mask | None = None,
    ) -> None:
        super().__init__(model, original, mask)
        self.engine, self.pipeline, self._graph, self._edit = pipeline.engine, pipeline, graph, edit

    @property
    def _optional(self) -> set[str]:
        """Inputs that a graph lacks which does not read them: guidance, what it pulls away from, and noise."""
        words = (named(AGAINST, name) for name in (WORDS, WEIGHT, MASK))
        return {GUIDANCE, NEGATIVE, *words, *(stream.name for stream in self.pipeline.edge.streams)}

    @property
    def schedule(self) -> Sequence[int]:
        """Sides of the model's scales, coarse to fine."""
        return self._edit.schedule

    def redraw(self, settings: Settings, record: EditRecord, free: Sequence[np.ndarray]) -> np.ndarray:
        """Draw the picture anew; see ``Editor``."""
        feeds = self.feeds(settings, record, free)
        unread = self._optional - self._graph.inputs.keys()
        return self._graph.run({name: value for name, value in feeds.items() if name not in unread})[PICTURE][0]

    def feeds(self, settings: Settings, record: EditRecord, free: Sequence[np.ndarray]) -> dict[str, NDArray[Any]]:
        """Return all inputs that a graph which edits may have.

        Args:
            settings: Words, style and numbers.
            record: What else is asked for.
            free: What is drawn anew at each scale, each ``[k * k]`` bool.

        Raises:
            InputError: The settings ask for what the graph cannot do.
        """
        caption = settings.caption or UNSAID
        feeds = self.pipeline.feeds([replace(settings.request, caption=caption)])
        for beginning, words in ((MIXED, record.mix), (AGAINST, record.negative)):
            feeds |= {named(beginning, name): value for name, value in self.pipeline.words([words or caption]).items()}
        return feeds | {
            ORIGINAL: self.original.pixels[None],
            FREE: np.concatenate(free),
            WORDLESS: np.array([not settings.caption]),
            SHARE: np.array(record.mix_share or 0.0, dtype=np.float32),
            NEGATIVE: np.array([record.negative is not None]),
        }


def load_graph_editor(
    model: ExportedModel,
    pipeline: ExportedPipeline,
    edit: EditGraph,
    original: Original,
    mask: Mask | None = None,
    report: Report = silent,
) -> GraphEditor:
    """Load the graph that edits, once for a pipeline; see ``GraphEditor`` and ``exported.load_exported``.

    Raises:
        ArtifactError: A file is missing, changed or damaged.
    """
    if pipeline.edit_graph is None:
        pipeline.edit_graph = load_graph(model, {}, pipeline.threads, report, edit)
    return GraphEditor(model, pipeline, pipeline.edit_graph, edit, original, mask)
