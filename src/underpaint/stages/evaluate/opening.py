"""Opening what an evaluation works on: the data set, and whatever the user names as subject."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from underpaint.core.artifact import read_manifest
from underpaint.core.errors import InputError
from underpaint.core.progress import Report, silent
from underpaint.core.samples import read_samples
from underpaint.pipelines.exported_folder import is_exported
from underpaint.pipelines.model_folder import INDEX, TRAINED, shipped_models
from underpaint.stages.evaluate.config import EvaluateConfig
from underpaint.stages.evaluate.drawing.folder import PictureFolder, open_folder
from underpaint.stages.evaluate.drawing.pictures import real_pictures
from underpaint.stages.evaluate.drawing.subjects import ModelSubject, Sampling, open_subject
from underpaint.stages.evaluate.drawing.wishes import reference_samples
from underpaint.stages.evaluate.seeing.sets import DataSet


def open_data(folder: Path, config: EvaluateConfig) -> DataSet:
    """Open a data set.

    Raises:
        ArtifactError: It is none.
        DataError: It has no held-out pictures.
    """
    manifest = read_manifest(folder, kind="dataset")
    samples = read_samples(folder)
    reference = real_pictures(folder, reference_samples(samples, config))
    with Image.open(reference[0].path) as image:
        size = image.width
    licenses = " AND ".join(sorted({sample.license for sample in samples}))
    return DataSet(
        folder=folder, digest=manifest.digest, samples=samples, reference=reference, size=size, license=licenses
    )


def is_model(name: str | Path | None) -> bool:
    """Tell whether a name means a model: none at all, a shipped one, a hub's, or the folder of a pipeline or graph."""
    if name is None:
        return True
    folder = Path(name)
    if folder.is_dir():
        return is_exported(folder) or any((place / INDEX).is_file() for place in (folder, folder / TRAINED))
    return str(name) in shipped_models() or not folder.exists()


def open_source(
    name: str | Path | None,
    data: DataSet,
    config: EvaluateConfig,
    report: Report = silent,
    *,
    sampling: Sampling | None = None,
    device: str | None = None,
    skip_unreadable: bool = False,
) -> ModelSubject | PictureFolder:
    """Open a model or a folder of pictures.

    Args:
        name: A model's folder or name, a folder of pictures, or None for the shipped model.
        data: The data set, which knows the prompts.
        config: The suite.
        report: Receives progress.
        sampling: How a model draws.
        device: Where a model runs.
        skip_unreadable: Leave damaged pictures of a folder out.

    Raises:
        InputError: There is no such model or folder.
        ArtifactError: The model is damaged.
        DataError: Pictures cannot be read.
    """
    if is_model(name):
        if device is not None:
            from underpaint.runtime.device import choose_device

            choose_device(device)
        return open_subject(name, sampling, device)
    if sampling is not None and sampling.described():
        raise InputError(
            f"{name} is a folder of pictures, which are not drawn again; leave out {', '.join(sampling.described())}"
        )
    return open_folder(Path(str(name)), data.samples, config.splits, report, skip_unreadable=skip_unreadable)
