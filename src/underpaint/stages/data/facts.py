"""The facts of a data set that its audit, its card, its datasheet and its notices are written from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from underpaint.core.config import Config
from underpaint.core.samples import Sample
from underpaint.stages.data.audit import Audit
from underpaint.stages.data.config import DataConfig
from underpaint.stages.data.contact import choose
from underpaint.stages.data.license import Obligations, credits_of
from underpaint.stages.data.sources import Evidence
from underpaint.stages.data.text_hashes import TextHashes

VERSION = "1.0.0"
PUBLISHED = "2026-11-21"
CREATOR = "The underpaint contributors"
CLDR = "Unicode CLDR"


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many samples and captions there are; samples by split, by style and by source."""

    captions: int
    by_split: Counter[str]
    by_style: Counter[str]
    by_source: Counter[str]

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of samples and captions: all, by split and by style."""
        counts = {"samples": self.by_split.total(), "captions": self.captions}
        by_split = {f"samples in split {split}": count for split, count in self.by_split.items()}
        by_style = {f"samples in style {style}": count for style, count in self.by_style.items() if style}
        return counts | dict(sorted((by_split | by_style).items()))


def tally(samples: Iterable[Sample]) -> Tally:
    """Count samples while they go by."""
    captions = TextHashes()
    by_split, by_style, by_source = Counter[str](), Counter[str](), Counter[str]()
    for sample in samples:
        captions.add(sample.caption)
        by_split[sample.split] += 1
        by_style[sample.style] += 1
        by_source[sample.source] += 1
    return Tally(captions=captions.count(), by_split=by_split, by_style=by_style, by_source=by_source)


def count_samples(samples: Iterable[Sample]) -> dict[str, int]:
    """Return the numbers of samples and captions: all, by split and by style."""
    return tally(samples).counts


@dataclass(frozen=True, kw_only=True)
class CardFacts(ABC):
    """Everything that the papers of a data set may state, whatever it was made of.

    Args:
        config: The settings of the build.
        samples: All samples; gone through several times, so they may lie in a file.
        sources: The evidence for each source.
        duties: What the licenses ask for.
        audit: The figures of the checks.
        made_with: Library that draws to version.
    """

    config: Config
    samples: Collection[Sample]
    sources: tuple[Evidence, ...]
    duties: Obligations
    audit: Config
    made_with: dict[str, str]

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the data set."""

    @property
    @abstractmethod
    def description(self) -> str:
        """A sentence; it states the number of samples."""

    @property
    @abstractmethod
    def keywords(self) -> list[str]:
        """Words to find the data set by."""

    @property
    @abstractmethod
    def creator(self) -> str:
        """Who made the data set."""

    @property
    @abstractmethod
    def published(self) -> str:
        """When, as YYYY-MM-DD."""

    @property
    @abstractmethod
    def captions_by(self) -> str:
        """Who wrote the captions."""

    @property
    def url(self) -> str:
        """A name that stays the same wherever the data set lies."""
        return f"urn:underpaint:dataset:{self.name}:{VERSION}"

    @cached_property
    def tally(self) -> Tally:
        """How many samples there are of what."""
        return tally(self.samples)

    @cached_property
    def shown(self) -> list[Sample]:
        """The samples that the contact sheet shows."""
        return choose(self.samples)

    @property
    def styles(self) -> list[str]:
        """Names of the styles."""
        return sorted(self.tally.by_style.keys() - {""})

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of samples: all, by split and by style."""
        return self.tally.counts

    @property
    def by_source(self) -> dict[str, int]:
        """Number of pictures from each source."""
        return dict(self.tally.by_source)

    @property
    def credits(self) -> list[str]:
        """Words that must go along with the data and with weights trained on them."""
        return credits_of(self.sources)


@dataclass(frozen=True, kw_only=True)
class Facts(CardFacts):
    """Everything that the papers of the stickers may state."""

    config: DataConfig
    audit: Audit

    @property
    def name(self) -> str:
        """Name of the data set."""
        origin = () if self.config.source == "npm" else (self.config.source,)
        return "-".join(("underpaint", self.config.dataset, *origin, *self.config.attributed, str(self.config.size)))

    @property
    def description(self) -> str:
        """A sentence; it states the number of samples."""
        return (
            f"{self.counts['samples']} small drawings with transparent background in the styles "
            f"{', '.join(self.styles)}, with {self.counts['captions']} different English captions, split by concept."
        )

    @property
    def keywords(self) -> list[str]:
        """Words to find the data set by."""
        return ["stickers", "emoji", "text-to-image", "illustrations", *self.styles]

    @property
    def creator(self) -> str:
        """Who made the data set."""
        return CREATOR

    @property
    def published(self) -> str:
        """When, as YYYY-MM-DD."""
        return PUBLISHED

    @property
    def captions_by(self) -> str:
        """Who wrote the captions."""
        return CLDR
