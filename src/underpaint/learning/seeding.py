"""Fresh weights from a seed, without touching the program's random state."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def initialized_by(seed: int) -> Iterator[None]:
    """Make the networks built inside a ``with`` block depend on ``seed`` alone; the outer random state is restored.

    Layers draw their first weights from torch's default generator and offer no argument for another one.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
