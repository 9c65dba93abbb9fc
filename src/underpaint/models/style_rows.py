"""New rows in the style embedding: a transformer that knows more styles and draws the old ones as before."""

from __future__ import annotations

import torch
from torch import Tensor

from underpaint.models.transformer import ScaleTransformer
from underpaint.runtime.weights import skip_initialization

ROWS = "style_embedding.weight"


def with_styles(transformer: ScaleTransformer, rows: Tensor) -> ScaleTransformer:
    """Return the same transformer with more styles.

    Args:
        transformer: The transformer.
        rows: The new styles' rows ``[N, W]``; they come after the old styles and before the row for none.
    """
    old = transformer.config.num_styles
    state = transformer.state_dict()
    state[ROWS] = torch.cat([state[ROWS][:old], rows.to(state[ROWS]), state[ROWS][old:]])  # [old + N + 1, W]
    with skip_initialization():
        grown = ScaleTransformer(transformer.config.model_copy(update={"num_styles": old + len(rows)}))
    grown.load_state_dict(state)
    return grown.to(rows.device).train(transformer.training)
