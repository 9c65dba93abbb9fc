"""The optimizer of every training: AdamW or Muon, with weight decay on matrices and kernels only."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from underpaint.learning.adamw8bit import AdamW8bit
from underpaint.learning.config import LoopConfig
from underpaint.learning.muon import Muon


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return the trained parameters in two groups: of two dimensions or more, and embeddings, norms and biases.

    Args:
        module: What is trained.
        weight_decay: Of the first group; the second has none.
    """
    trained = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    decayed = [p for name, p in trained if is_decayed(name, p)]
    kept = [p for name, p in trained if not is_decayed(name, p)]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def with_muon(module: nn.Module, groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the groups with the hidden matrices apart and marked ``muon``.

    What reads the input or writes the output in many classes is no hidden matrix: embeddings, kernels, and heads.

    Args:
        module: What is trained.
        groups: Its parameters, as ``parameter_groups`` returns them.
    """
    hidden = {id(p) for name, p in module.named_parameters() if is_hidden_matrix(name, p)}
    parted: list[dict[str, Any]] = []
    for group in groups:
        matrices = [p for p in group["params"] if id(p) in hidden]
        rest = [p for p in group["params"] if id(p) not in hidden]
        parted += [{**group, "params": matrices, "muon": True}, {**group, "params": rest}]
    return [group for group in parted if group["params"]]


def is_decayed(name: str, parameter: nn.Parameter) -> bool:
    """Tell by name and shape whether a parameter is a matrix or a kernel, and no embedding."""
    return parameter.ndim >= 2 and "embedding" not in name


def is_hidden_matrix(name: str, parameter: nn.Parameter) -> bool:
    """Tell by name and shape whether a parameter is a matrix between hidden states."""
    return parameter.ndim == 2 and is_decayed(name, parameter) and "head." not in name


def make_optimizer(module: nn.Module, config: LoopConfig) -> torch.optim.Optimizer:
    """Return the optimizer of a module's trained parameters: AdamW with moments of 32 or 8 bits, or Muon.

    Args:
        module: What is trained.
        config: The loop's settings.
    """
    groups = parameter_groups(module, config.weight_decay)
    if config.optimizer == "adamw8bit":
        return AdamW8bit(groups, lr=config.lr, betas=config.betas)
    if config.optimizer == "muon":
        return Muon(with_muon(module, groups), lr=config.lr, betas=config.betas)
    return torch.optim.AdamW(groups, lr=config.lr, betas=config.betas, fused=True)
