"""From a trainee to an artifact: the whole training, what it took, and the networks that it made."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from underpaint.core.artifact import Manifest, seal, staging
from underpaint.core.config import Config, digest_of
from underpaint.core.progress import Report
from underpaint.learning.config import LoopConfig
from underpaint.learning.loop import Run, Trainee
from underpaint.models.component import save_component
from underpaint.runtime.device import describe


class Settings(Protocol):
    """Settings of a training, whatever else they hold."""

    @property
    def loop(self) -> LoopConfig:
        """The loop's settings."""
        ...

    def digest(self) -> str:
        """Return what identifies all of the settings."""
        ...


@contextlib.contextmanager
def trained(
    trainee: Trainee,
    config: Settings,
    parents: Mapping[str, str],
    work: Path,
    *,
    device: torch.device,
    report: Report,
    kind: type[Run] = Run,
) -> Iterator[Run]:
    """Train to the last step; inside the ``with`` block the averaged weights are in place, in evaluation mode.

    Args:
        trainee: What is trained.
        config: The settings.
        parents: Role to digest of what it is trained from; with the settings they identify the run.
        work: Folder of the running state; a run found there is resumed.
        device: Where the trainee's module lies.
        report: Receives progress.
        kind: The class of the run.

    Raises:
        TrainingError: The loss diverged, or ``work`` belongs to another run.
    """
    identity = digest_of({"config": config.digest(), "parents": dict(parents)})
    training = kind(trainee, config.loop, work, identity, device, report)
    training.finish()
    with training.average.applied():
        trainee.module.eval()
        yield training


def time_taken(training: Run) -> dict[str, Any]:
    """Return minutes, hardware and pictures seen of a finished run."""
    return {
        "minutes": round(training.seconds / 60.0, 1),
        "hardware": describe(training.device),
        "seen_images": training.config.steps * training.config.pictures_a_step,
    }


def effort(training: Run, module: nn.Module) -> dict[str, Any]:
    """Return what a run took, and the parameters of each network.

    Args:
        training: The finished run.
        module: The networks that were trained.
    """
    parameters = {name: sum(p.numel() for p in network.parameters()) for name, network in module.named_children()}
    return time_taken(training) | {"parameters": parameters}


def write_networks(
    networks: Mapping[str, nn.Module],
    out: Path,
    *,
    kind: str,
    config: Config,
    parents: Mapping[str, str],
    figures: Mapping[str, Any],
) -> Manifest:
    """Write trained networks as an artifact.

    Args:
        networks: Name of the subfolder to network; each has its settings in ``config``.
        out: The new artifact.
        kind: Kind of the artifact.
        config: The settings of the training.
        parents: Role to digest of what it was trained from.
        figures: What was measured.
    """
    with staging(out) as folder:
        for name, network in networks.items():
            save_component(network, network.config, folder / name)  # pyright: ignore[reportArgumentType]
        return seal(
            folder,
            kind=kind,
            stage="train",
            config=config,
            parents=parents,
            figures=figures,
            packages=("torch", "numpy", "tokenizers"),
        )
