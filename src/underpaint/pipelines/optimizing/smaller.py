"""What is written down of networks that were cut: how much stays, and how long they were trained afterwards.

Opening a saved one does nothing of it again: its own settings say how large it is.
"""

from __future__ import annotations

from pydantic import Field

from underpaint.core.config import Config

NEEDS_RECOVERY = 0.1
"""Share of a network that may be cut without training it afterwards."""
TILE = 8
"""Channels that one instruction computes; widths are multiples of it."""


class Pruned(Config):
    """What all cuts have.

    Args:
        recover: Steps of training towards the network before.
    """

    recover: int = Field(default=0, ge=0, le=10_000_000)


class TinyDecoder(Config):
    """Parameters of ``decoder.tiny``.

    Args:
        widths: Channels of the decoder at 1/2, 1/4 and 1/8 of the picture's side.
        recover: Steps of training towards the decoder before.
    """

    widths: tuple[int, int, int] = (16, 32, 48)
    recover: int = Field(default=2000, ge=1, le=10_000_000)


class PrunedWidth(Pruned):
    """Parameters of ``prune.width``.

    Args:
        recover: As in ``Pruned``.
        hidden: Channels of a feed-forward that stay.
    """

    hidden: int = Field(ge=TILE)


class PrunedHeads(Pruned):
    """Parameters of ``prune.heads``.

    Args:
        recover: As in ``Pruned``.
        heads: Attention heads that stay.
    """

    heads: int = Field(ge=1)


class PrunedDepth(Pruned):
    """Parameters of ``prune.depth``.

    Args:
        recover: As in ``Pruned``.
        drop: Numbers of the blocks that go, from 0.
    """

    drop: tuple[int, ...] = Field(min_length=1)
