"""A series in a folder: the first picture, then those that keep a part of it, but for what lies there already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from underpaint.core.progress import Progress, Report, silent
from underpaint.pipelines.editing.asking import editor_of
from underpaint.pipelines.editing.reading import read_original
from underpaint.pipelines.generator import Generator
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.picture_folder import Placed, Seal, draw_into
from underpaint.pipelines.settings import Settings
from underpaint.pipelines.stickers.series import Series, plan_others


class Loading:
    """A model that is loaded when it is first needed, and then kept.

    Args:
        load: Loads it.
    """

    def __init__(self, load: Callable[[], Generator]) -> None:
        self._load = load
        self._loaded: Generator | None = None

    def __call__(self) -> Generator:
        """Return the loaded model."""
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded


def counting_first(progress: Progress) -> Progress:
    """Return a report about the others with the first picture, which is there, among the finished ones."""
    return replace(progress, done=progress.done + 1, total=None if progress.total is None else progress.total + 1)


def draw_series_into(
    folder: Path,
    model: Model,
    first: Settings,
    series: Series,
    same: float,
    load: Callable[[], Generator],
    *,
    report: Report = silent,
    seal: Seal | None = None,
) -> list[Placed]:
    """Draw a series into a folder, each picture written as soon as it is finished.

    Args:
        folder: Where to; made if needed.
        model: Draws it.
        first: Settings of the first picture.
        series: What is drawn.
        same: How much of the first picture the others keep, 0 to 1.
        load: Loads the model; only called if something is missing.
        report: Called after each of the others.
        seal: Makes the last change to each file before it is written; None if there is none to make.

    Returns:
        One entry for each picture, in order.

    Raises:
        InputError: Words cannot be used.
        StorageError: The folder cannot be written, or the disk is full; what is finished stays.
    """
    loading = Loading(load)
    (beginning,) = draw_into(folder, [first], loading, seal=seal)
    original = read_original(beginning.path, model.index.image_size)
    planned = plan_others(model, original, first, series, same)
    others = draw_into(
        folder,
        planned,
        lambda: editor_of(model, loading().pipeline, original),
        stems=series.stems(first),
        report=lambda progress: report(counting_first(progress)),
        seal=seal,
    )
    return [beginning, *others]
