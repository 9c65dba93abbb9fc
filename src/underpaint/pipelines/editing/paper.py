"""Paper: a picture that is opaque all along its rim and of one color there, so that the rim was hardly meant as drawn.

Paper counts as a part of the drawing. What stays of the coarse scales is then its color, whatever is drawn on it.
"""

from __future__ import annotations

import numpy as np

from underpaint.pipelines.editing.reading import Original
from underpaint.pipelines.editing.square import fitted

OPAQUE = 250
"""Level of alpha from which nothing is seen through."""
ALIKE = 12.0
"""Levels by which colors along the rim of paper differ from their median, on the mean; a scan of paper has grain."""


def is_on_paper(original: Original) -> bool:
    """Tell whether a picture seems to be drawn on paper.

    Args:
        original: The picture, in the model's square.
    """
    left, top, width, height = fitted(original.size, len(original.pixels))
    own = original.pixels[top : top + height, left : left + width]
    rim = np.concatenate([own[0], own[-1], own[:, 0], own[:, -1]]).astype(np.float32)  # [2 W + 2 H, 4]
    colors = rim[:, :3]
    return bool(rim[:, 3].min() >= OPAQUE and np.abs(colors - np.median(colors, axis=0)).mean() <= ALIKE)
