"""Muon: steps along the orthogonalized momentum of a matrix; AdamW for everything that is no hidden matrix.

A gradient's momentum is nearly of low rank, so that AdamW hardly moves the directions that occur seldom. Muon gives all
directions the same length: five Newton-Schulz iterations bring the singular values near one. Steps are scaled to the
root mean square of AdamW's, so that one learning rate serves both.

Unlike ``torch.optim.Muon`` it iterates in the parameters' own precision, takes matrices of one shape together, and
holds AdamW for the rest, so that a training has one optimizer with one state.

Source: Muon, Jordan et al. 2024 (quintic Newton-Schulz); scale and weight decay, arXiv 2502.16982, equation 4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from underpaint.core.errors import InputError

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
ADAMW_RMS = 0.2
"""Root mean square of AdamW's steps at learning rate 1, which Muon's are scaled to."""
EPS = 1e-7


def orthogonalized(matrices: Tensor) -> Tensor:
    """Return matrices ``[N, rows, columns]`` with the same singular vectors and singular values near one.

    Values above 0.002 of a matrix's norm come to lie in [0.68, 1.21]; smaller ones stay below one.

    Args:
        matrices: ``[N, rows, columns]``.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + EPS)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Muon for groups marked ``muon``, AdamW for the others; every state is a tensor.

    Args:
        groups: Groups of float32 parameters; those with ``"muon": True`` hold matrices only.
        lr: Learning rate of both.
        betas: AdamW's decay rates.
        momentum: Muon's decay of the momentum, which is taken by Nesterov's rule.
        eps: Added to the root of AdamW's second moment.

    Raises:
        InputError: A group marked ``muon`` holds something else than matrices.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.95),
        momentum: float = 0.95,
        eps: float = 1e-8,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "momentum": momentum, "eps": eps, "weight_decay": 0.0, "muon": False}
        super().__init__(groups, defaults)
        others = [p for group in self.param_groups if group["muon"] for p in group["params"] if p.ndim != 2]
        if others:
            raise InputError(
                f"Muon takes matrices, got a parameter of shape {list(others[0].shape)} ({len(others)} such in all); "
                "put these into a group without 'muon', which AdamW moves"
            )

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # noqa: ARG002
        """Take one step along the gradients; parameters without one are passed over."""
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if not group["muon"]:
                for parameter in parameters:
                    self._adamw(parameter, group)
                continue
            alike: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for parameter in parameters:
                alike[parameter.shape].append(parameter)
            for matrices in alike.values():
                self._muon(matrices, group)

    def _muon(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        """Move matrices of one shape along their orthogonalized momenta."""
        directions: list[Tensor] = []
        for parameter in parameters:
            gradient, state = parameter.grad, self.state[parameter]
            assert gradient is not None
            if not state:
                state["momentum"] = torch.zeros_like(parameter)
            state["momentum"].lerp_(gradient, 1.0 - group["momentum"])
            directions.append(torch.lerp(gradient, state["momentum"], group["momentum"]))
        rows, columns = parameters[0].shape
        length = group["lr"] * ADAMW_RMS * max(rows, columns) ** 0.5
        for parameter, step in zip(parameters, orthogonalized(torch.stack(directions)).unbind(), strict=True):
            parameter.mul_(1.0 - group["lr"] * group["weight_decay"]).sub_(step, alpha=length)

    def _adamw(self, parameter: nn.Parameter, group: dict[str, Any]) -> None:
        """Move a parameter by AdamW's rule (Source: arXiv 1711.05101, algorithm 2)."""
        gradient, state = parameter.grad, self.state[parameter]
        assert gradient is not None
        if not state:
            zeros = torch.zeros_like(parameter)
            state.update(step=torch.zeros((), device=parameter.device), exp_avg=zeros, exp_avg_sq=zeros.clone())
        beta1, beta2 = group["betas"]
        state["step"] += 1
        state["exp_avg"].lerp_(gradient, 1.0 - beta1)
        state["exp_avg_sq"].mul_(beta2).addcmul_(gradient, gradient, value=1.0 - beta2)
        root = (state["exp_avg_sq"] / (1.0 - beta2 ** state["step"])).sqrt_().add_(group["eps"])
        parameter.mul_(1.0 - group["lr"] * group["weight_decay"])
        parameter.sub_(state["exp_avg"] / root * (group["lr"] / (1.0 - beta1 ** state["step"])))
