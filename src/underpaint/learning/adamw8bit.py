"""AdamW whose two moments take one byte a number in place of four.

Of the second moment the root is stored: it is what the step divides by, and has half the decades. Small tensors keep
float32, where a byte would save nothing.

Source: AdamW, arXiv 1711.05101, algorithm 2; 8-bit moments, arXiv 2110.02861, section 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from underpaint.learning.blockwise import dequantize, quantize

SMALL = 4096
"""Tensors with fewer numbers keep moments of 32 bits."""

State = dict[str, Tensor]


class AdamW8bit(torch.optim.Optimizer):
    """AdamW with 8-bit moments; every state is a tensor, so that ``learning.state`` keeps it bit for bit.

    Args:
        params: Parameters or groups of them, float32.
        lr: Learning rate.
        betas: Decay of the first and the second moment.
        eps: Added to the root of the second moment.
        weight_decay: Decoupled weight decay.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # noqa: ARG002
        """Take one step along the gradients; parameters without one are passed over."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)

    def _update(self, parameter: nn.Parameter, group: dict[str, Any]) -> None:
        state: State = self.state[parameter]
        if not state:
            state.update(_fresh(parameter))
        (beta1, beta2), gradient = group["betas"], parameter.grad
        assert gradient is not None
        m, root = _read(state)
        m.lerp_(gradient, 1.0 - beta1)
        v = root.square_().mul_(beta2).addcmul_(gradient, gradient, value=1.0 - beta2)
        state["step"] += 1
        root = v.sqrt_()
        _write(state, m, root)
        step = state["step"]
        root.div_((1.0 - beta2**step).sqrt()).add_(group["eps"])
        parameter.mul_(1.0 - group["lr"] * group["weight_decay"])
        parameter.sub_(m.div_(root).mul_(group["lr"] / (1.0 - beta1**step)))


def _fresh(parameter: Tensor) -> State:
    """Return the state before the first step."""
    zeros = torch.zeros(parameter.shape, device=parameter.device)
    state: State = {"step": torch.zeros((), device=parameter.device), "m": zeros, "root": zeros.clone()}
    if parameter.numel() >= SMALL:
        state |= {"m_scale": zeros, "root_scale": zeros}
        _write(state, zeros, zeros)
    return state


def _read(state: State) -> tuple[Tensor, Tensor]:
    """Return both moments as float32 that may be changed in place: of small tensors the state itself."""
    if "m_scale" not in state:
        return state["m"], state["root"]
    return dequantize(state["m"], state["m_scale"], True), dequantize(state["root"], state["root_scale"], False)


def _write(state: State, m: Tensor, root: Tensor) -> None:
    """Keep both moments in the state."""
    for name, value, signed in (("m", m, True), ("root", root, False)):
        if "m_scale" in state:
            state[name], state[f"{name}_scale"] = quantize(value, signed)
        else:
            state[name] = value.clone()


def state_bytes(optimizer: torch.optim.Optimizer) -> int:
    """Return what an optimizer's state takes in memory, in bytes."""
    tensors = [value for slots in optimizer.state.values() for value in slots.values() if isinstance(value, Tensor)]
    return sum(value.numel() * value.element_size() for value in tensors)
