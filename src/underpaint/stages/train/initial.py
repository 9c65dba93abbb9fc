"""Weights to start from: a saved pipeline's networks, put into fresh ones that may have more parts.

What is new (blocks after the last one, early blocks) stays as initialized and starts as the identity, so a grown
network first draws what the saved one drew.

Source: function-preserving growth, Net2Net, arXiv 1511.05641.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from underpaint.core.artifact import MANIFEST, hash_file
from underpaint.core.config import digest_of
from underpaint.core.errors import ArtifactError, TrainingError
from underpaint.models.component import CONFIG, WEIGHTS
from underpaint.models.quantizer import MultiScaleQuantizer
from underpaint.pipelines.model_folder import Model, open_model, verify_whole
from underpaint.runtime.weights import read_weights
from underpaint.stages.train.networks import HybridGenerator

FROZEN = ("table", "weight")
OPTIONAL = frozenset({"residual"})
_NEW = re.compile(r"(?P<list>blocks)\.(?P<index>\d+)\.|early\.")


def identity_of(pipeline: Path) -> str:
    """Return what identifies a pipeline: its manifest's digest, or without one, that of its networks' files.

    Raises:
        ArtifactError: It has a manifest that its files do not match, or no networks.
    """
    if (pipeline / MANIFEST).exists():
        verify_whole(model := open_model(pipeline))
        return model.digest
    files = sorted(path for name in (CONFIG, WEIGHTS) for path in pipeline.glob(f"*/{name}"))
    if not files:
        raise ArtifactError(f"{pipeline} holds no saved networks; name the folder of a pipeline")
    return digest_of({path.relative_to(pipeline).as_posix(): hash_file(path) for path in files})


class SavedFiles:
    """Where the files of a saved pipeline lie: in its folder, or in the model that it shares components with.

    Args:
        folder: The pipeline's; one without a manifest has all of its components.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def _model(self) -> Model:
        return open_model(self.folder)

    def of(self, component: str, file: str = WEIGHTS) -> Path:
        """Return where a component's file lies; there may be none.

        Raises:
            ArtifactError: The pipeline shares components with a model that is missing or damaged.
        """
        own = self.folder / component
        if own.is_dir() or not (self.folder / MANIFEST).exists():
            return own / file
        return (self._model.folder_of(component) if component in self._model.components else own) / file


def initial_parent(pipeline: Path | None) -> dict[str, str]:
    """Return what a training from a saved pipeline adds to its parents: nothing where it starts afresh.

    Raises:
        ArtifactError: The pipeline has a manifest that its files do not match, or no networks.
    """
    return {} if pipeline is None else {"initial": identity_of(pipeline)}


def start_from(saved: SavedFiles, networks: HybridGenerator, quantizer: MultiScaleQuantizer) -> None:
    """Copy a saved pipeline's weights into fresh networks, in place.

    Args:
        saved: The pipeline's files; those without a refiner leave the refiner fresh.
        networks: The fresh networks, as large as the saved ones or with more blocks.
        quantizer: The quantizer that the networks will be trained with.

    Raises:
        ArtifactError: A file is missing or damaged.
        TrainingError: The saved weights do not fit; the message says which.
    """
    _check_codes(saved.of("quantizer"), quantizer)
    for name, network in networks.named_children():
        file = saved.of(name)
        if file.exists() or name not in OPTIONAL:
            fill(network, read_weights(file), file)


def fill(network: nn.Module, saved: Mapping[str, Tensor], file: Path) -> None:
    """Copy all of a saved network into a fresh one, in place; only whole new parts may stay fresh.

    Args:
        network: The fresh network.
        saved: Name to weight of the saved one.
        file: Where it was saved; named in the errors.

    Raises:
        TrainingError: A weight has another shape or no counterpart, or the frozen text table is another one.
    """
    state = network.state_dict()
    _check_places(state, saved, file)
    for name in state.keys() - saved.keys():
        if not _is_new(name, saved):
            raise _misfit(file, f"{name} is not there")
    if any(not torch.equal(saved[name], state[name]) for name in FROZEN if name in state):
        raise _misfit(file, "it was trained with another text table")
    copy_weights(network, saved, file)


@torch.no_grad()
def copy_weights(network: nn.Module, saved: Mapping[str, Tensor], file: Path) -> None:
    """Copy weights to their places in a network, which may have others too, in place.

    Args:
        network: The network.
        saved: Name to weight.
        file: Where they were saved; named in the error.

    Raises:
        TrainingError: A weight has no place of its shape.
    """
    state = network.state_dict()
    _check_places(state, saved, file)
    for name, value in saved.items():
        state[name].copy_(value)


def _check_places(state: Mapping[str, Tensor], saved: Mapping[str, Tensor], file: Path) -> None:
    for name, value in saved.items():
        if name not in state or state[name].shape != value.shape:
            here = list(state[name].shape) if name in state else "nothing"
            raise _misfit(file, f"{name} is {list(value.shape)} there and {here} here")


def _is_new(name: str, saved: Mapping[str, Tensor]) -> bool:
    """Tell whether a weight belongs to a part that the saved network does not have at all."""
    part = _NEW.match(name)
    return part is not None and not any(other.startswith(part[0]) for other in saved)


def _check_codes(file: Path, quantizer: MultiScaleQuantizer) -> None:
    """Refuse weights whose labels mean something else; a folder without a quantizer is taken on trust."""
    if not file.exists():
        return
    here = {name: value for name, value in quantizer.state_dict().items() if name in ("codes.codebook", "codes.gains")}
    there = read_weights(file)
    if any(name not in there or not torch.equal(there[name], value) for name, value in here.items()):
        raise _misfit(file, "its tokens are those of another tokenizer")


def _misfit(file: Path, what: str) -> TrainingError:
    return TrainingError(
        f"{file} cannot start this training: {what}; choose settings, tokenizer and text table like those of the saved "
        "model (more blocks at the end and early scales may be added), or start without it"
    )
