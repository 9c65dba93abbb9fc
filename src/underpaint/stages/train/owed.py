"""What a model owes: the credits that licenses of its pictures ask whoever hands on the weights to give."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from underpaint.stages.train.dataset import obligations_of

CREDITS = "credits"
"""The figure of a model that holds the words to hand on; a model that owes nobody has none."""


def with_credits(figures: Mapping[str, Any], *datasets: Path, start: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the figures of a model together with all credits that it has to hand on, each once.

    Args:
        figures: Its figures; credits in them stay.
        datasets: The ``dataset`` artifacts that it has learned from.
        start: Figures of the model whose weights it started from, if any.

    Raises:
        DataError: The attribution of a data set cannot be read.
    """
    inherited = [words for held in (start or {}, figures) for words in held.get(CREDITS, ())]
    owed = [*inherited, *(words for dataset in datasets for words in obligations_of(dataset).credits)]
    return {**figures, **({CREDITS: list(dict.fromkeys(owed))} if owed else {})}
