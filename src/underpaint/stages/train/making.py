"""An artifact in its folder: made once, and afterwards found there if it is the one that is asked for.

Its own settings and its parents decide; an artifact of others is never written over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from underpaint.core.artifact import MANIFEST, Manifest, read_manifest
from underpaint.core.config import Config
from underpaint.core.errors import TrainingError
from underpaint.pipelines.saved import save_pipeline
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.runtime.processes import by_first, first_says, together


def made(
    folder: Path,
    config: Config | None,
    parents: Mapping[str, str],
    make: Callable[[], object],
    *,
    by_all: bool = False,
) -> Manifest:
    """Return the artifact in a folder, made now if it is not there.

    Where several processes train, the first one makes it alone while the others wait, unless all can share the work.

    Args:
        folder: Where it lies or shall lie.
        config: The settings it must have; None for any.
        parents: The parents it must have; those it has beyond them are not compared.
        make: Makes it.
        by_all: Whether ``make`` is a training whose steps all processes share.

    Raises:
        TrainingError: Another artifact lies there.
    """
    if not first_says((folder / MANIFEST).exists):
        (together if by_all else by_first)(make)
    manifest = read_manifest(folder)
    settings_differ = config is not None and manifest.config_digest != config.digest()
    if settings_differ or any(manifest.parents.get(k) != v for k, v in parents.items()):
        raise TrainingError(
            f"{folder} was made with other settings or other data; choose another --out, or remove that folder"
        )
    return manifest


def made_pipeline(
    folder: Path,
    config: Config,
    parents: Mapping[str, str],
    put_together: Callable[[], TextToPicture[Any]],
    figures: Mapping[str, Any],
) -> Manifest:
    """Return the pipeline in a folder, saved now in half precision if it is not there.

    Args:
        folder: Where it lies or shall lie.
        config: The settings it must have.
        parents: The parents it must have.
        put_together: Makes it from its parts.
        figures: What its training measured.

    Raises:
        TrainingError: Another artifact lies there.
    """
    told = {"stage": "train", "config": config, "parents": parents, "figures": figures}
    return made(folder, config, parents, lambda: save_pipeline(put_together(), folder, **told, dtype=torch.float16))
