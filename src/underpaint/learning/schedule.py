"""The learning rate over a training: a linear warm-up to its peak, then a cosine down to a share of it.

Source: cosine annealing, arXiv 1608.03983, equation 5, without restarts.
"""

from __future__ import annotations

import math

from underpaint.learning.config import LoopConfig


def learning_rate(step: int, config: LoopConfig) -> float:
    """Return the learning rate of a step: linear warm-up, then a cosine down to ``final_lr`` of the peak.

    Args:
        step: Steps done before it.
        config: The loop's settings.
    """
    if step < config.warmup:
        return config.lr * (step + 1) / config.warmup
    done = (step - config.warmup) / max(config.steps - config.warmup, 1)
    return config.lr * (config.final_lr + (1.0 - config.final_lr) * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0))))
