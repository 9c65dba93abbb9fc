"""Edits drawn by the networks of a hybrid model in torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from underpaint.models.pixels import from_straight, to_straight
from underpaint.pipelines.editing.editor import Editor
from underpaint.pipelines.editing.kept import Asked, redrawn
from underpaint.pipelines.editing.mask import Mask
from underpaint.pipelines.editing.reading import Original
from underpaint.pipelines.editing.words import states_of
from underpaint.pipelines.editing_record import EditRecord
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.settings import Settings
from underpaint.runtime.device import threads


class NetworkEditor(Editor):
    """Draws edits of one picture with networks.

    Args:
        model: What a hybrid model says about itself.
        pipeline: Its networks.
        original: The picture.
        mask: Where it may change; None for everywhere.
    """

    def __init__(self, model: Model, pipeline: HybridPipeline, original: Original, mask: Mask | None = None) -> None:
        super().__init__(model, original, mask)
        self.pipeline = pipeline

    @property
    def schedule(self) -> Sequence[int]:
        """Sides of the model's scales, coarse to fine."""
        return self.pipeline.quantizer.config.schedule

    @torch.inference_mode()
    def redraw(self, settings: Settings, record: EditRecord, free: Sequence[np.ndarray]) -> np.ndarray:
        """Draw the picture anew; see ``Editor``."""
        with threads(self.pipeline.threads):
            return to_straight(self._redrawn(settings, record, free))[0]

    def _redrawn(self, settings: Settings, record: EditRecord, free: Sequence[np.ndarray]) -> Tensor:
        """Return the picture ``[1, 4, S, S]``; as the autoencoder sees it where nothing is drawn anew."""
        pipeline = self.pipeline
        picture = from_straight(torch.from_numpy(self.original.pixels)[None]).to(pipeline.device)
        if not any(cells.any() for cells in free):
            return pipeline.autoencoder.decode(pipeline.autoencoder.encode(picture))
        asked = Asked(
            text=states_of(pipeline, settings),
            style=pipeline.style_index([settings.style]),
            against=None if record.negative is None else pipeline.encode_text([record.negative]),
        )
        cells = [torch.from_numpy(one).to(pipeline.device) for one in free]
        return redrawn(pipeline, picture, asked, pipeline.numbers([settings.request]), cells)
