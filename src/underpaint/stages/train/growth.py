"""Starting one network from another's weights: the flow transformer from a trained scale transformer.

Both are made of the same blocks over the same text, so what the one knows of words and pictures serves the other.
Blocks beyond the donor's depth start as the identity.

Source: growing networks, Net2Net, arXiv 1511.05641.
"""

from __future__ import annotations

from pathlib import Path

import torch

from underpaint.models.flow_transformer import FlowTransformer
from underpaint.models.text_encoder import TextEncoder
from underpaint.runtime.weights import read_weights
from underpaint.stages.train.initial import SavedFiles, copy_weights, fill

SHARED = ("style_embedding.", "null_embedding", "prefix.", "modulate.", "read.", "blocks.", "norm.")
"""Parts that both transformers have; the donor's head and its first scale's input have no counterpart."""


@torch.no_grad()
def grow_flow(text_encoder: TextEncoder, transformer: FlowTransformer, pipeline: Path) -> None:
    """Copy a saved hybrid pipeline's text encoder and trunk into fresh networks, in place.

    Args:
        text_encoder: Of the same settings and above the same text table as the donor's.
        transformer: Of the same width and heads, at least as deep.
        pipeline: The hybrid pipeline's folder.

    Raises:
        ArtifactError: A file is missing or damaged.
        TrainingError: The donor has other sizes or another text table.
    """
    files = SavedFiles(pipeline)
    text = files.of("text_encoder")
    fill(text_encoder, read_weights(text), text)
    file = files.of("transformer")
    donor = read_weights(file)
    copy_weights(transformer, {name: value for name, value in donor.items() if name.startswith(SHARED)}, file)
    transformer.read.bias.add_(donor["scale_embedding"][-1].to(transformer.read.bias.dtype))
