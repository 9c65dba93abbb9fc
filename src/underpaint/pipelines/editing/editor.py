"""Drawing edits of one picture: encoded once, its kept tokens put back while the others are drawn, laid over it.

Source: masked token replacement as in MaskGIT, arXiv 2202.04200, section 4.3, scale by scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from underpaint.core.errors import ArtifactError, InputError
from underpaint.models.pixels import from_straight, to_straight
from underpaint.pipelines.drawer import Drawer
from underpaint.pipelines.editing.cells import free_cells
from underpaint.pipelines.editing.kept import Asked, redrawn
from underpaint.pipelines.editing.mask import Mask, merged, weights
from underpaint.pipelines.editing.planning import check_editable, kept_scales
from underpaint.pipelines.editing.reading import Original
from underpaint.pipelines.editing.words import states_of
from underpaint.pipelines.editing_record import EditRecord
from underpaint.pipelines.finishing import finish, other_model
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.settings import Settings
from underpaint.runtime.device import threads


class Editor:
    """Draws edits of one picture, each from its own settings alone.

    Args:
        model: What a hybrid model says about itself.
        drawer: Its networks.
        original: The picture.
        mask: Where it may change; None for everywhere.

    Raises:
        InputError: The model cannot edit.
    """

    def __init__(self, model: Model, drawer: Drawer, original: Original, mask: Mask | None = None) -> None:
        check_editable(model)
        assert isinstance(drawer, HybridPipeline)
        self.model, self.pipeline, self.original, self.mask = model, drawer, original, mask

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
            yield finish(pixels, one, self.pipeline.engine, None if self.mask is None else self.mask.inside)

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

    @torch.inference_mode()
    def pixels(self, settings: Settings) -> np.ndarray:
        """Draw one edit: ``[S, S, 4]`` uint8, straight alpha, without a mark.

        Args:
            settings: Of an edit of this picture.
        """
        record = self._record(settings)
        with threads(self.pipeline.threads):
            drawn = to_straight(self._drawn(settings, record))[0]
        if self.mask is None:
            return drawn
        return merged(self.original.pixels, drawn, weights(self.mask.inside, record.seam))

    def _drawn(self, settings: Settings, record: EditRecord) -> Tensor:
        """Return the picture ``[1, 4, S, S]``, drawn anew; where nothing is, as the autoencoder sees it."""
        pipeline, schedule = self.pipeline, self.pipeline.quantizer.config.schedule
        picture = from_straight(torch.from_numpy(self.original.pixels)[None]).to(pipeline.device)
        num_kept = kept_scales(record.strength, len(schedule))
        if num_kept == len(schedule):
            return pipeline.autoencoder.decode(pipeline.autoencoder.encode(picture))
        free = free_cells(schedule, num_kept, None if self.mask is None else self.mask.inside)
        asked = Asked(
            text=states_of(pipeline, settings),
            style=pipeline.style_index([settings.style]),
            against=None if record.negative is None else pipeline.encode_text([record.negative]),
        )
        cells = [torch.from_numpy(one).to(pipeline.device) for one in free]
        return redrawn(pipeline, picture, asked, pipeline.numbers([settings.request]), cells)
