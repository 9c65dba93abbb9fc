"""Whatever draws pictures from requests, in torch or in another engine; what a generator needs of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from underpaint.core.errors import InputError
from underpaint.pipelines.settings import DrawRequest, OnStage, Stage


class Drawer(ABC):
    """Loaded networks that turn requests into pixels."""

    engine: str = "torch"
    """What computes."""

    def __init__(self) -> None:
        self.threads = 1

    @property
    @abstractmethod
    def styles(self) -> tuple[str, ...]:
        """Names of the styles."""

    @property
    @abstractmethod
    def image_size(self) -> int:
        """Side of the pictures in pixels."""

    @abstractmethod
    def draw(self, requests: Sequence[DrawRequest], on_stage: OnStage | None = None) -> list[np.ndarray]:
        """Draw pictures; each depends on its own request alone, whatever else is in the batch.

        Args:
            requests: What to draw.
            on_stage: Called as each stage begins.

        Returns:
            One ``[H, H, 4]`` uint8 array a request, straight alpha.

        Raises:
            InputError: A style is unknown, or a request asks for what this model cannot do.
        """

    @abstractmethod
    def reads(self, caption: str) -> bool:
        """Tell whether a canonical caption is read to its end, and not cut off."""

    def unknown_words(self, caption: str) -> list[str]:  # noqa: ARG002
        """Return the words of a canonical caption that are read as no particular word; none where all text is read."""
        return []

    def unread(self, caption: str) -> str:
        """Return the end of a canonical caption that lies beyond the longest text the model reads; empty if none."""
        words = caption.split()
        for end in range(len(words), 0, -1):
            if self.reads(" ".join(words[:end])):
                return " ".join(words[end:])
        return caption


def style_row(style: str | None, styles: Sequence[str]) -> int:
    """Return the row of the style embedding for a name; None is "any", the last row.

    Raises:
        InputError: The name is unknown.
    """
    if style is None:
        return len(styles)
    if style not in styles:
        raise InputError(f"unknown style {style!r}; this model draws {', '.join(styles)}")
    return list(styles).index(style)


def alike(requests: Sequence[DrawRequest], most: int | None = None) -> Iterator[Sequence[DrawRequest]]:
    """Cut requests, in their order, into runs of equal numbers, which can be drawn together.

    Args:
        requests: What to draw.
        most: Longest run; None for any length.
    """
    start = 0
    for stop in range(1, len(requests) + 1):
        full = stop - start == most
        if full or stop == len(requests) or requests[stop].numbers != requests[start].numbers:
            yield requests[start:stop]
            start = stop


def unwatched(_stage: Stage) -> None:
    """Watch nothing: the ``on_stage`` of whoever does not care."""
