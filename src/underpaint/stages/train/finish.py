"""The end of a training: what it took, and the artifact with the networks that it made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from underpaint.core.artifact import Manifest, seal, staging
from underpaint.core.config import Config
from underpaint.learning.loop import Run
from underpaint.models.component import save_component
from underpaint.runtime.device import describe


def effort(training: Run, module: nn.Module) -> dict[str, Any]:
    """Return minutes, hardware, pictures seen, and the parameters of each network.

    Args:
        training: The finished run.
        module: The networks that were trained.
    """
    return {
        "minutes": round(training.seconds / 60.0, 1),
        "hardware": describe(training.device),
        "seen_images": training.config.steps * training.config.pictures_a_step,
        "parameters": {name: sum(p.numel() for p in network.parameters()) for name, network in module.named_children()},
    }


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
        parents: What it was trained from.
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
