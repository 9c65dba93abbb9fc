"""An entry: what is known of one picture before it is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A picture that may become a sample.

    Args:
        where: File and row, as messages name it.
        key: What names the picture within the input.
        place: Where the picture lies; only the source can read it.
        id: Id of the sample.
        name: The caption as the row gives it.
        caption: Its canonical form.
        alternatives: Other captions of the row, in canonical form.
        split: The split that was given; empty if none.
        license: SPDX expression.
        author: Whom to name; may be empty.
        source: Where the picture comes from; may be empty.
        group: What belongs together; empty if nothing was said.
        style: The style; may be empty.
        weight: How often it is to be drawn, relative to others; None if nothing was said.
        sound: Whether nothing was wrong with the row.
    """

    where: str
    key: str
    place: Any
    id: str
    name: str
    caption: str
    alternatives: tuple[str, ...]
    split: str
    license: str
    author: str
    source: str
    group: str
    style: str
    weight: float | None
    sound: bool = True
