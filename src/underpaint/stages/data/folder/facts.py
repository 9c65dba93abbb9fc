"""The facts of a person's pictures that their card, their datasheet and their notices are written from."""

from __future__ import annotations

from dataclasses import dataclass

from underpaint.stages.data.facts import CardFacts
from underpaint.stages.data.folder.audit import FolderAudit
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.publication import UNKNOWN_DATE

MAX_AUTHORS = 8
"""Authors that the card names as those who made the data set; the notices name all."""


@dataclass(frozen=True, kw_only=True)
class FolderFacts(CardFacts):
    """Everything that the papers of a person's pictures may state.

    Args:
        alternatives: How many captions there are besides the first of each picture.
    """

    config: FolderConfig
    audit: FolderAudit
    alternatives: int = 0

    @property
    def name(self) -> str:
        """Name of the data set."""
        return self.config.name

    @property
    def description(self) -> str:
        """A sentence; it states the number of samples."""
        counts, size = self.counts, self.config.size
        return (
            f"{counts['samples']} pictures of {size}x{size} pixels with {counts['captions']} different captions, made "
            f"of a person's own files ({self.audit.kind})."
            + (" When they were published is not known." if self.published == UNKNOWN_DATE else "")
        )

    @property
    def keywords(self) -> list[str]:
        """Words to find the data set by."""
        return ["text-to-image", "pictures", *self.styles]

    @property
    def creator(self) -> str:
        """Who made the data set."""
        return ", ".join(sorted({source.author for source in self.sources})[:MAX_AUTHORS])

    @property
    def published(self) -> str:
        """When, as YYYY-MM-DD."""
        return self.config.date

    @property
    def captions_by(self) -> str:
        """Who wrote the captions."""
        return "not stated"
