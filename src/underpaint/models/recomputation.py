"""Blocks whose activations are not kept but recomputed in the backward pass, with the same paths dropped.

A third more arithmetic for memory that no longer grows with depth. What a block draws comes from a generator that has
moved on by then, so its state before the block is kept, and put back for the second pass.

Source: gradient checkpointing, arXiv 1604.06174.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint


def recomputed(block: Callable[..., tuple[Tensor, object]], x: Tensor, *given: object) -> Tensor:
    """Run a block without keeping its activations.

    Args:
        block: Returns the tokens and something that is not needed.
        x: Tokens ``[B, L, D]``.
        *given: Its further arguments in order; a generator among them is restored after either pass.

    Returns:
        The tokens ``[B, L, D]``.
    """
    generator = next((one for one in given if isinstance(one, torch.Generator)), None)
    if generator is None:
        return checkpoint(lambda y: block(y, *given)[0], x, use_reentrant=False)
    first = generator.get_state()
    passes = 0

    def run(y: Tensor) -> Tensor:
        nonlocal passes
        passes += 1
        now = generator.get_state()
        generator.set_state(first)
        try:
            return block(y, *given)[0]
        finally:  # the second pass is stopped by an exception as soon as it has what is needed
            if passes > 1:
                generator.set_state(now)

    return checkpoint(run, x, use_reentrant=False)
