"""How the channels of convolutions lie in a graph that was laid out for one kind of processor.

ONNX Runtime can lay them out in blocks as long as one instruction computes. Such a graph computes a little faster and
runs on that kind of processor alone; all others run anywhere, those in 8 bits too: their weights use seven, so that no
processor's sums overflow.

Source: ONNX Runtime, "Graph Optimizations", layout optimizations and offline mode.
"""

from __future__ import annotations

from pathlib import Path

from underpaint.core.config import Config
from underpaint.core.errors import InputError
from underpaint.runtime.processor import Processor, read_processor

LANES = {"x86": 8, "arm": 4}
"""Numbers of 32 bits that one instruction computes, by family; on x86 of up to AVX2."""
WIDE, WIDE_LANES = "avx512f", 16


class ChannelLayout(Config):
    """A layout of channels.

    Args:
        family: Family of processors.
        lanes: Numbers of 32 bits that one of their instructions computes.
    """

    family: str
    lanes: int

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.family} with {self.lanes} numbers an instruction"


def layout_of(processor: Processor) -> ChannelLayout | None:
    """Return the layout for a processor; None where the system does not tell enough of it."""
    if not processor.flags_known or processor.family not in LANES:
        return None
    lanes = WIDE_LANES if WIDE in processor.flags else LANES[processor.family]
    return ChannelLayout(family=processor.family, lanes=lanes)


def own_layout() -> ChannelLayout:
    """Return the layout for this machine's processor.

    Raises:
        InputError: The system does not tell enough of it.
    """
    processor = read_processor()
    layout = layout_of(processor)
    if layout is None:
        raise InputError(
            f"this processor ({processor.model or processor.family}) is not known well enough to lay a graph out for "
            "it; leave --native out, and the graph runs on any"
        )
    return layout


def check_layout(layout: ChannelLayout | None, folder: Path, model: str) -> None:
    """Refuse a graph that was laid out for another kind of processor; one without a layout runs on any.

    Args:
        layout: The graph's.
        folder: Where it lies, for the message.
        model: What it was made from, for the message.

    Raises:
        InputError: This processor is of another kind, or the system does not tell its kind.
    """
    if layout is None:
        return
    processor = read_processor()
    here = layout_of(processor)
    if here != layout:
        raise InputError(
            f"{folder} was laid out for {layout}, and this processor ({processor.model or processor.family}) is "
            f"{here or 'not known well enough'}; make a graph for it with 'underpaint export {model} --native --out "
            "DIR', or one for any processor without --native"
        )
