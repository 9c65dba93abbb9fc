"""Columns: which one holds what, by the names in use or by choice, and the nearest name where there is none."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

from underpaint.adapters.pyarrow import ArrowTable
from underpaint.core.errors import MissingColumn
from underpaint.stages.data.folder.config import ROLES


def find_column(role: str, found: Iterable[str], columns: Mapping[str, str]) -> str | None:
    """Return the column that holds something; None if there is none.

    Args:
        role: A key of ``ROLES``.
        found: The columns that are there.
        columns: Role to chosen column.
    """
    names = (columns[role],) if role in columns else ROLES[role]
    present = set(found)
    return next((name for name in names if name in present), None)


def caption_columns(found: Iterable[str], columns: Mapping[str, str]) -> list[str]:
    """Return the columns that hold captions: ``caption``, then ``caption_1``, ``caption_2`` and so on.

    Args:
        found: The columns that are there.
        columns: Role to chosen column.
    """
    present = list(found)
    for name in (columns["caption"],) if "caption" in columns else ROLES["caption"]:
        numbered = {
            one: int(one[len(name) + 1 :]) for one in present if re.fullmatch(rf"{re.escape(name)}_[0-9]{{1,4}}", one)
        }
        if taken := [name] * (name in present) + sorted(numbered, key=lambda one: numbered[one]):
            return taken
    return []


def missing_column(role: str, found: Iterable[str], columns: Mapping[str, str], table: str) -> MissingColumn:
    """Say that a table lacks a column, which ones it has, and which name comes nearest."""
    names = (columns[role],) if role in columns else ROLES[role]
    present = list(found)
    near = [match for name in names for match in difflib.get_close_matches(name, present, 1, 0.6)]
    hint = f"; did you mean {near[0]!r}? choose it with --column {role}={near[0]}" if near else ""
    return MissingColumn(
        f"{table} has no column for the {role} ({' or '.join(names)}), only {', '.join(present) or 'none'}"
        f"{hint or f'; name one so, or choose another with --column {role}=NAME'}"
    )


def column_for(role: str, found: Iterable[str], columns: Mapping[str, str], table: str) -> str | None:
    """Return the column that holds something.

    Args:
        role: A key of ``ROLES``.
        found: The columns that are there.
        columns: Role to chosen column.
        table: Named in the error; with an empty name a missing column is None.

    Raises:
        MissingColumn: There is none.
    """
    found = list(found)
    column = find_column(role, found, columns)
    if column is None and table:
        raise missing_column(role, found, columns, table)
    return column


def picture_columns(table: ArrowTable, columns: Mapping[str, str]) -> list[str]:
    """Return the columns of a table that hold pictures themselves: the chosen one, or those with a usual name first."""
    chosen = columns.get("picture")
    held = [name for name in table.binary_columns if chosen in (None, name)]
    return sorted(held, key=lambda name: (name not in ROLES["picture"], held.index(name)))
