"""What a training took, for the manifest of what it made."""

from __future__ import annotations

from typing import Any

from torch import nn

from underpaint.learning.loop import Run
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
