"""The optimizer of every training: AdamW with weight decay on matrices and kernels only."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from underpaint.learning.adamw8bit import AdamW8bit
from underpaint.learning.config import LoopConfig


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return the trained parameters in two groups: of two dimensions or more, and embeddings, norms and offsets."""
    trained = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    decayed = [p for name, p in trained if p.ndim >= 2 and "embedding" not in name]
    kept = [p for name, p in trained if p.ndim < 2 or "embedding" in name]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def make_optimizer(module: nn.Module, config: LoopConfig) -> torch.optim.Optimizer:
    """Return AdamW over a module's trained parameters, with moments of 32 or 8 bits.

    Args:
        module: What is trained.
        config: The loop's settings.
    """
    groups = parameter_groups(module, config.weight_decay)
    if config.optimizer == "adamw8bit":
        return AdamW8bit(groups, lr=config.lr, betas=config.betas)
    return torch.optim.AdamW(groups, lr=config.lr, betas=config.betas, fused=True)
