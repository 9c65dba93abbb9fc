"""Starting one network from another's weights: the flow transformer from a trained scale transformer.

Both are made of the same blocks over the same text, so what the one knows of words and pictures serves the other.
Blocks beyond the donor's depth start as the identity.

Source: growing networks, Net2Net, arXiv 1511.05641.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from underpaint.core.errors import TrainingError
from underpaint.models.component import WEIGHTS
from underpaint.models.flow_transformer import FlowTransformer
from underpaint.models.text_encoder import TextEncoder
from underpaint.runtime.weights import read_weights

SHARED = ("style_embedding.", "null_embedding", "prefix.", "modulate.", "read.", "blocks.", "norm.")


def grow_flow(text_encoder: TextEncoder, transformer: FlowTransformer, pipeline: Path) -> None:
    """Copy a saved hybrid pipeline's text encoder and trunk into fresh networks, in place.

    Args:
        text_encoder: Of the same settings as the donor's.
        transformer: Of the same width and heads, at least as deep.
        pipeline: The hybrid pipeline's folder.

    Raises:
        TrainingError: The donor has other sizes.
    """
    text = read_weights(pipeline / "text_encoder" / WEIGHTS)
    _copy(text, dict(text_encoder.state_dict()), pipeline / "text_encoder")
    donor = read_weights(pipeline / "transformer" / WEIGHTS)
    trunk = {name: value for name, value in donor.items() if name.startswith(SHARED)}
    _copy(trunk, dict(transformer.state_dict()), pipeline / "transformer")
    transformer.read.bias.data.add_(donor["scale_embedding"][-1].to(transformer.read.bias.dtype))


def _copy(donor: dict[str, Tensor], target: dict[str, Tensor], source: Path) -> None:
    for name, value in donor.items():
        if name not in target or target[name].shape != value.shape:
            got = tuple(target[name].shape) if name in target else "nothing"
            raise TrainingError(
                f"{source} cannot start this network: {name} is {tuple(value.shape)} there and {got} here; "
                "choose a model of the same width, heads and text depth, or start without one"
            )
        target[name].copy_(value)
