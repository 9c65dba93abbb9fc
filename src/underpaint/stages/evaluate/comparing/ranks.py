"""Ranks as sets: which places a model may hold, given that close models cannot be told apart.

Source: Mogstad, Romano, Shaikh, Wilhelm, "Inference for ranks", Review of Economic Studies 2024: confidence sets for
ranks from all pairwise differences at once.
"""

from __future__ import annotations

from collections.abc import Mapping

from underpaint.metrics.sequential import holm, p_value

Pair = tuple[int, int]


def better_pairs(differences: Mapping[Pair, tuple[float, float]], alpha: float) -> set[Pair]:
    """Return the pairs whose first is proven better, with a probability of any mistake of at most ``alpha``.

    Args:
        differences: For each two models one entry: (difference of the first minus the second, its standard error);
            lower is better.
        alpha: Two-sided, over all pairs.
    """
    pairs = list(differences)
    p_values = [p_value(*differences[pair], mode="equivalence") for pair in pairs]
    proven = [pair for pair, rejected in zip(pairs, holm(p_values, alpha), strict=True) if rejected]
    return {(a, b) if differences[a, b][0] < 0 else (b, a) for a, b in proven}


def rank_sets(models: list[int], better: set[Pair]) -> dict[int, tuple[int, int]]:
    """Return the best and the worst place that each model may hold.

    Args:
        models: Numbers of the models.
        better: Pairs whose first is proven better.
    """
    return {
        model: (
            1 + sum((other, model) in better for other in models),
            len(models) - sum((model, other) in better for other in models),
        )
        for model in models
    }
