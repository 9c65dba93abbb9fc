"""The real data set beside a synthetic one: what it holds out, and what its authors are owed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from underpaint.core.artifact import read_manifest
from underpaint.core.errors import DataError
from underpaint.core.samples import Sample, read_samples
from underpaint.pipelines.model_folder import Model
from underpaint.stages.data.notices import ATTRIBUTION, CREDITS
from underpaint.stages.data.synthetic.places import held_out_captions, held_out_styles

DATASET = "dataset"
"""The kind of artifact, and the role by which a model names the one that it has learnt from."""


@dataclass(frozen=True, kw_only=True)
class RealData:
    """A data set of real drawings.

    Args:
        folder: Where it lies.
        digest: Its identity.
        samples: All samples.
        credits: Words that must go along with the data and with weights trained on them.
    """

    folder: Path
    digest: str
    samples: list[Sample]
    credits: tuple[str, ...]

    @property
    def splits(self) -> dict[str, str]:
        """Caption to split."""
        return held_out_captions(self.samples)

    @property
    def held_out_styles(self) -> set[tuple[str, str]]:
        """The captions that are held out in one style, with the style."""
        return held_out_styles(self.samples)

    def taught(self, model: Model) -> bool:
        """Tell whether a model names this very data set as what it has learnt from."""
        return model.manifest.parents.get(DATASET) == self.digest


def open_real(folder: Path) -> RealData:
    """Open a data set of real drawings.

    Args:
        folder: A ``dataset`` artifact.

    Raises:
        InputError: There is no such folder.
        ArtifactError: It is no such artifact.
        DataError: Its samples or its attribution cannot be read, or a model drew its pictures.
    """
    manifest = read_manifest(folder, kind=DATASET)
    if manifest.config.get("dataset") == "synthetic":
        raise DataError(f"{folder} is itself synthetic; compare with the real data set that the model has learnt from")
    path = folder / ATTRIBUTION
    try:
        owed = json.loads(path.read_text(encoding="utf-8"))["obligations_on_weights"].get(CREDITS, [])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} cannot be read ({error}); build the data set again") from None
    return RealData(folder=folder, digest=manifest.digest, samples=read_samples(folder), credits=tuple(owed))
