"""A pipeline without its networks: tokenizers, scheduler, settings and what else drawing needs, as a folder.

The folder has the layout of diffusers, and the settings in it are complete, also where the model's own were written by
a version that did not know all of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from underpaint.adapters.diffusers.calls import entry_of
from underpaint.adapters.diffusers.inspecting import NETWORKS, Facts, classes_of, parameters_of
from underpaint.adapters.diffusers.loading import FAILURES, first_line, networks_of, quiet
from underpaint.adapters.diffusers.locating import EXTRA
from underpaint.adapters.diffusers.safety import read_index, read_json, refuse_code
from underpaint.adapters.diffusers.schedulers import is_flow
from underpaint.adapters.diffusers.stand_in import Run, StandIn
from underpaint.adapters.graph_engine import REMEDY
from underpaint.adapters.require import require
from underpaint.core.errors import ArtifactError


def write_shell(pipeline: Any, facts: Facts, networks: Collection[str], folder: Path) -> None:
    """Write everything of a pipeline but some networks.

    Args:
        pipeline: The pipeline of diffusers as it draws, with the scheduler that it shall keep.
        facts: What is known about its folder.
        networks: Components of which the settings are written alone; other networks are kept whole.
        folder: Where to.
    """
    with quiet():
        pipeline.save_config(folder)
        for name, part in pipeline.components.items():
            place = folder / name
            if name in networks:
                _write_settings(part, place)
            elif isinstance(part, nn.Module):
                part.save_pretrained(place, safe_serialization=True)  # pyright: ignore[reportCallIssue]
            elif name == "scheduler":
                part.save_config(place)
            elif part is not None:
                _copy(facts, name, place)


def _write_settings(network: Any, place: Path) -> None:
    """Write a network's settings: those of diffusers save their own, those of transformers have an object for it."""
    if hasattr(network, "save_config"):
        network.save_config(place)
    else:
        network.config.save_pretrained(place)


def _copy(facts: Facts, name: str, place: Path) -> None:
    place.mkdir()
    for file in facts.files:
        if file.startswith(f"{name}/"):
            shutil.copyfile(facts.folder / file, place / Path(file).name)


def read_shell(folder: Path, computed: Mapping[str, Run], *, width: int, height: int) -> tuple[Any, Facts]:
    """Return a pipeline that draws with networks that something else computes, and what is known about it.

    Args:
        folder: What ``write_shell`` wrote.
        computed: What computes each network.
        width: Of the pictures in pixels.
        height: Of the pictures in pixels.

    Raises:
        ArtifactError: Something is missing, damaged, unsafe, or of a class that is not installed.
        MissingDependency: diffusers or transformers is not installed.
    """
    require("diffusers", extra=EXTRA)
    index = read_index(folder)
    refuse_code(folder, index)
    parameters, kinds = parameters_of(index, folder), classes_of(folder, index)
    with quiet():
        stand_ins = {
            name: StandIn(_skeleton(folder / name, kinds[name]), entry_of(name), run) for name, run in computed.items()
        }
        pipeline = _assembled(folder, index, stand_ins, kinds["scheduler"])
    pipeline.set_progress_bar_config(disable=True)
    for module in networks_of(pipeline).values():
        module.eval().requires_grad_(False)
    return pipeline, _facts(folder, index, parameters, computed, (width, height))


def read_empty(
    folder: Path, dtype: str, within: Callable[[], AbstractContextManager[Any]], *, width: int, height: int
) -> tuple[Any, Facts]:
    """Return a pipeline whose networks are built from their settings and not filled, and what is known about it.

    Args:
        folder: What ``write_shell`` wrote.
        dtype: Numbers that the networks compute with.
        within: Gives a context in which they are built, such as one that draws no first weights.
        width: Of the pictures in pixels.
        height: Of the pictures in pixels.

    Raises:
        ArtifactError: Something is missing, damaged, unsafe, or of a class that is not installed.
        MissingDependency: diffusers or transformers is not installed.
    """
    require("diffusers", extra=EXTRA)
    index = read_index(folder)
    refuse_code(folder, index)
    parameters, kinds = parameters_of(index, folder), classes_of(folder, index)
    networks = {name: kind for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, nn.Module)}
    with quiet(), torch.random.fork_rng(devices=[]):
        with within():
            built = {name: _from_settings(folder / name, kind) for name, kind in networks.items()}
        filled = {name: network.to(getattr(torch, dtype)) for name, network in built.items()}
        pipeline = _assembled(folder, index, filled, kinds["scheduler"])
    pipeline.set_progress_bar_config(disable=True)
    return pipeline, _facts(folder, index, parameters, networks, (width, height))


def _facts(
    folder: Path,
    index: Mapping[str, Any],
    parameters: dict[str, Any],
    networks: Collection[str],
    sides: tuple[int, int],
) -> Facts:
    """Return what is known about a pipeline that has no weights of its own."""
    return Facts(
        folder=folder,
        class_name=index["_class_name"],
        parameters=parameters,
        network=next(name for name in NETWORKS if name in networks),
        width=sides[0],
        height=sides[1],
        flow=is_flow(read_json(folder / "scheduler" / "scheduler_config.json")),
        variant=None,
        files=(),
        lora=(),
    )


def _skeleton(folder: Path, kind: Any) -> nn.Module:
    """Build a network from its settings, without numbers.

    Args:
        folder: The component's.
        kind: Its class.

    Raises:
        ArtifactError: Its settings are missing, or do not fit the installed class.
    """
    with torch.device("meta"):
        return _from_settings(folder, kind)


def _from_settings(folder: Path, kind: Any) -> nn.Module:
    try:
        if hasattr(kind, "load_config"):
            return kind.from_config(kind.load_config(str(folder), local_files_only=True))
        return kind(kind.config_class.from_pretrained(str(folder), local_files_only=True))
    except FAILURES as error:
        raise ArtifactError(f"{folder}: no {kind.__name__} can be built ({first_line(error)}); {REMEDY}") from None


def _assembled(folder: Path, index: Mapping[str, Any], stand_ins: Mapping[str, nn.Module], scheduler: Any) -> Any:
    """Return the pipeline with its scheduler as it was written: some classes change the settings of the one they get.

    Raises:
        ArtifactError: Something is missing, or does not fit the installed classes.
    """
    diffusers = require("diffusers", extra=EXTRA)
    kind = getattr(diffusers, index["_class_name"])
    try:
        pipeline = kind.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, torch_dtype=torch.float32, **stand_ins
        )
        pipeline.scheduler = scheduler.from_pretrained(str(folder / "scheduler"), local_files_only=True)
    except FAILURES as error:
        raise ArtifactError(f"{folder} cannot be loaded ({first_line(error)}); {REMEDY}") from None
    return pipeline
