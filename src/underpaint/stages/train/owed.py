"""What a model owes: the credits that licenses of its pictures ask whoever hands on the weights to give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from underpaint.core.errors import DataError
from underpaint.stages.train.dataset import ATTRIBUTION

CREDITS = "credits"
"""The figure of a model that holds the words to hand on; a model that owes nobody has none."""
OBLIGATIONS, HANDED_ON = "obligations_on_weights", "hand_on_these_credits"


def credits_of(dataset: Path) -> list[str]:
    """Return the words that must go along with weights trained on a data set.

    Args:
        dataset: A ``dataset`` artifact; one without an attribution asks for none.

    Raises:
        DataError: Its attribution cannot be read.
    """
    path = dataset / ATTRIBUTION
    if not path.is_file():
        return []
    try:
        return [str(words) for words in json.loads(path.read_text(encoding="utf-8"))[OBLIGATIONS].get(HANDED_ON, ())]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} cannot be read ({error}); build the data set again") from None


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
    owed = [*inherited, *(words for dataset in datasets for words in credits_of(dataset))]
    return {**figures, **({CREDITS: list(dict.fromkeys(owed))} if owed else {})}
