"""The way back from an optimized model: its manifest names the model before by digest, which was never touched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from underpaint.core.artifact import MANIFEST, require_new, staging
from underpaint.core.config import parse_json
from underpaint.core.errors import ArtifactError, InputError, UnderpaintError
from underpaint.core.progress import Report, silent
from underpaint.pipelines.model_folder import Model, shipped_models, verify_whole
from underpaint.pipelines.opening import open_model
from underpaint.pipelines.optimized_folder import OptimizedModel
from underpaint.stages.optimize.search.trial_log import is_search_workspace

FRONTIER = "frontier.json"


@dataclass(frozen=True, kw_only=True)
class Before:
    """A model before.

    Args:
        address: How it is named to any command.
        digest: What identifies it.
    """

    address: str
    digest: str


def model_before(folder: Path, out: Path | None = None, report: Report = silent) -> Before:
    """Find the model that an optimized one was made from, and copy it if that is asked for.

    Args:
        folder: The optimized model's.
        out: A new folder for a copy; None for none.
        report: Receives progress.

    Raises:
        InputError: The model is not an optimized one, or the model before is nowhere that is looked at.
        ArtifactError: A model is damaged.
        StorageError: The copy cannot be written.
    """
    if is_search_workspace(folder):
        raise InputError(
            f"{folder} is what a search keeps while it is not finished, so there is nothing to take back; give the "
            "'underpaint optimize' command again to go on with it, or remove the folder to forget it"
        )
    model = open_model(folder)
    if not isinstance(model, OptimizedModel):
        raise InputError(
            f"{folder} was made by no optimization, so there is nothing to take back; draw with it as it is"
        )
    before = _found(model)
    if before is None:
        raise InputError(
            f"the model before {folder} is {model.settings.base}, digest {model.parent[:16]}; it is neither shipped, "
            f"nor where the search named it, nor beside {folder}: move it there, or open it wherever it lies"
        )
    if out is None:
        return Before(address=str(before.address), digest=before.digest)
    _copied(before, out, report)
    return Before(address=str(out), digest=before.digest)


def _found(model: OptimizedModel) -> Model | None:
    for address in _places(model):
        try:
            before = open_model(address)
        except UnderpaintError:
            continue
        if before.digest == model.parent:
            return before
    return None


def _places(model: OptimizedModel) -> Iterator[str]:
    """Yield where the model before may be: shipped, where it was when it was optimized, beside the optimized one."""
    if model.settings.base in shipped_models():
        yield model.settings.base
    record = model.folder / FRONTIER
    if record.is_file():
        try:
            values = parse_json(record.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ArtifactError(f"{record} is damaged ({error}); optimize the model again") from None
        if isinstance(values, dict) and isinstance(values.get("base_address"), str):
            yield values["base_address"]
    beside = model.folder.resolve().parent
    yield from (str(place.parent) for place in sorted(beside.glob(f"*/{MANIFEST}")))


def _copied(before: Model, out: Path, report: Report) -> None:
    """Copy a model whole, after its files were checked."""
    require_new(out)
    if not (before.folder / MANIFEST).is_file():
        raise InputError(f"{before.name} is no folder of ours that could be copied; draw with it as {before.address}")
    verify_whole(before, report)
    with staging(out) as place:
        shutil.copytree(before.folder, place, dirs_exist_ok=True)
