"""A saved model without the components that a model which comes with the package has too.

Weights that are the same to the byte are shipped once: the folder has the rest, and its index names the other model.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from underpaint.core.artifact import MANIFEST, Manifest, identity_of, list_files, staging
from underpaint.core.errors import InputError
from underpaint.pipelines.model_folder import INDEX, Model, Shares, shipped_models, verify_whole

WHOLE = "pipeline"
"""Role of the whole model among the parents."""


def save_sharing(model: Model, lender: Model, out: Path) -> Manifest:
    """Save a model again, without the components that equal those of a model that comes with the package.

    Args:
        model: A saved model that has all of its components.
        lender: The model that comes with the package.
        out: The new folder; must not exist yet.

    Returns:
        The manifest: stage, settings and figures are those of the model, which is one of the parents.

    Raises:
        InputError: The models have no component in common, or one of them cannot be used for this.
        ArtifactError: A file of them is missing or changed.
        StorageError: The folder exists or cannot be written.
    """
    _check(model, lender)
    verify_whole(model)
    verify_whole(lender)
    shared = shared_components(model, lender)
    if not shared:
        raise InputError(f"no component of {model.name} equals that of {lender.name}, so there is nothing to share")
    with staging(out) as folder:
        for name in model.components:
            if name not in shared:
                shutil.copytree(model.folder / name, folder / name)
        _write_index(model, lender, folder)
        return _sealed(model, folder)


def shared_components(model: Model, lender: Model) -> tuple[str, ...]:
    """Return the components of which both models have the same files."""
    both = (name for name in model.components if name in lender.components)
    return tuple(name for name in both if _hashes(model, name) == _hashes(lender, name))


def _hashes(model: Model, component: str) -> dict[str, str]:
    files = model.home_of(component).manifest.files
    return {name: entry.sha256 for name, entry in files.items() if name.startswith(f"{component}/")}


def _check(model: Model, lender: Model) -> None:
    """Refuse models that cannot share, before any work."""
    for one in (model, lender):
        if type(one) is not Model or one.shared is not None:
            raise InputError(
                f"{one.name} is not a saved model with all of its components, so it can neither share them nor leave "
                "them out; name the folder that 'underpaint train' wrote"
            )
    place = shipped_models().get(lender.name)
    if place is None or place.resolve() != lender.folder.resolve():
        raise InputError(
            f"{lender.name} does not come with underpaint, so others do not have it; share with one of "
            f"{', '.join(shipped_models()) or 'none'}"
        )


def _write_index(model: Model, lender: Model, folder: Path) -> None:
    values = json.loads((model.folder / INDEX).read_text(encoding="utf-8"))
    values["_shares"] = Shares(model=lender.name, sha256=lender.digest).model_dump()
    (folder / INDEX).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def _sealed(model: Model, folder: Path) -> Manifest:
    """Write the manifest of the model with the files that are left."""
    changes = {"files": list_files(folder), "parents": {**model.manifest.parents, WHOLE: model.digest}}
    manifest = model.manifest.model_copy(update=changes)
    manifest = manifest.model_copy(update={"digest": identity_of(manifest)})
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return manifest
