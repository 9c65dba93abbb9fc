"""Drawing edits of one picture: what every engine shares. What was drawn is laid over the picture, and marked.

Source: masked token replacement as in MaskGIT, arXiv 2202.04200, section 4.3, scale by scale.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from copy import copy
from typing import Self

import numpy as np
from PIL import Image

from underpaint.core.errors import ArtifactError, InputError
from underpaint.pipelines.editing.cells import free_cells
from underpaint.pipelines.editing.mask import Mask, merged, weights
from underpaint.pipelines.editing.planning import check_editable, kept_scales
from underpaint.pipelines.editing.reading import Original
from underpaint.pipelines.editing_record import EditRecord
from underpaint.pipelines.finishing import finish, other_model
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.settings import Settings


class Editor(ABC):
    """Draws edits of one picture, each from its own settings alone.

    Args:
        model: What a hybrid model says about itself.
        original: The picture.
        mask: Where it may change; None for everywhere.

    Raises:
        InputError: The model cannot edit.
    """

    engine: str = "torch"
    """What computes."""

    def __init__(self, model: Model, original: Original, mask: Mask | None = None) -> None:
        check_editable(model)
        self.model, self.original, self.mask = model, original, mask

    def on(self, original: Original, mask: Mask | None = None) -> Self:
        """Return what draws edits of another picture with the same networks or the same graph.

        Args:
            original: The picture.
            mask: Where it may change; None for everywhere.
        """
        other = copy(self)
        other.original, other.mask = original, mask
        return other

    @property
    @abstractmethod
    def schedule(self) -> Sequence[int]:
        """Sides of the model's scales, coarse to fine."""

    @abstractmethod
    def redraw(self, settings: Settings, record: EditRecord, free: Sequence[np.ndarray]) -> np.ndarray:
        """Draw the picture anew: ``[S, S, 4]`` uint8, straight alpha.

        Args:
            settings: Words, style and numbers.
            record: What else is asked for.
            free: What is drawn anew at each scale, each ``[k * k]`` bool; the picture's own where nothing is.
        """

    def draw(self, settings: Sequence[Settings], *, batch_size: int = 1) -> Iterator[Image.Image]:  # noqa: ARG002
        """Draw pictures from complete settings, one after the other as they are finished.

        Args:
            settings: As ``planning.plan_edits`` returned them, or those of an earlier edit of the same picture.
            batch_size: There for the sake of ``Generator.draw``; edits are drawn one by one.

        Raises:
            InputError: The settings are those of another picture or mask, or of no edit.
            ArtifactError: They are those of another model.
        """
        for one in settings:
            if one.model_sha256 != self.model.digest:
                raise ArtifactError(other_model(one, self.model))
            self._record(one)
        for one in settings:
            pixels = self.pixels(one)
            yield finish(pixels, one, self.engine, None if self.mask is None else self.mask.inside)

    def _record(self, settings: Settings) -> EditRecord:
        """Return what settings say of the edit, which must be one of this picture."""
        record, mask = settings.edit, None if self.mask is None else self.mask.sha256
        if record is None:
            raise InputError("these settings are those of a picture drawn from words alone; use generate or draw")
        for name, said, here in (
            ("picture", record.picture_sha256, self.original.sha256),
            ("mask", record.mask_sha256, mask),
        ):
            if said != here:
                raise InputError(
                    f"these settings are those of an edit with another {name} ({said or 'none'!s:.12}, not "
                    f"{here or 'none'!s:.12}); give the {name} that was used"
                )
        return record

    def pixels(self, settings: Settings) -> np.ndarray:
        """Draw one edit: ``[S, S, 4]`` uint8, straight alpha, without a mark.

        Args:
            settings: Of an edit of this picture.
        """
        record, inside = self._record(settings), None if self.mask is None else self.mask.inside
        free = free_cells(self.schedule, kept_scales(record.strength, len(self.schedule)), inside)
        drawn = self.redraw(settings, record, free)
        if inside is None:
            return drawn
        return merged(self.original.pixels, drawn, weights(inside, record.seam))
