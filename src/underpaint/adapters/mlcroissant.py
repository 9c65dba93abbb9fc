"""Croissant cards by mlcroissant: validation, and reading records back."""

from __future__ import annotations

import itertools
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from underpaint.adapters.require import require
from underpaint.core.errors import DataError


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what the library logs and warns on import and on reading."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def validate(card: Path) -> list[str]:
    """Validate a card.

    Args:
        card: Path of ``croissant.json``.

    Returns:
        mlcroissant's warnings.

    Raises:
        DataError: It is not valid; the message is mlcroissant's.
    """
    with _quiet():
        library = require("mlcroissant", extra="data")
        try:
            return sorted(library.Dataset(jsonld=str(card)).metadata.ctx.issues.warnings)
        except (library.ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"mlcroissant refuses {card}: {error}") from None


def read_records(card: Path, record_set: str, *, count: int) -> list[dict[str, Any]]:
    """Read the first records that a card describes.

    Args:
        card: Path of ``croissant.json``; its files lie beside it.
        record_set: Id of the record set.
        count: How many.
    """
    with _quiet():
        library = require("mlcroissant", extra="data")
        records = library.Dataset(jsonld=str(card)).records(record_set=record_set)
        return list(itertools.islice(records, count))
