"""The facts of one data set that its card, its datasheet and its notices are written from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from underpaint.core.config import Config
from underpaint.core.samples import Sample
from underpaint.stages.data.audit import Audit
from underpaint.stages.data.config import DataConfig
from underpaint.stages.data.license import Obligations, credits_of
from underpaint.stages.data.sources import Evidence

VERSION = "1.0.0"
PUBLISHED = "2026-11-21"
CREATOR = "The underpaint contributors"
CLDR = "Unicode CLDR"


def count_samples(samples: Sequence[Sample]) -> dict[str, int]:
    """Return the numbers of samples and captions: all, by split and by style."""
    counts = {"samples": len(samples), "captions": len({sample.caption for sample in samples})}
    by_split = Counter(f"samples in split {sample.split}" for sample in samples)
    by_style = Counter(f"samples in style {sample.style}" for sample in samples if sample.style)
    return counts | dict(sorted((by_split + by_style).items()))


class Sampled(Protocol):
    """What has samples."""

    @property
    def samples(self) -> Sequence[Sample]:
        """All samples."""
        ...


class CardFacts(Sampled, Protocol):
    """What the card of any data set states, whatever it was made of."""

    @property
    def name(self) -> str:
        """Name of the data set."""
        ...

    @property
    def url(self) -> str:
        """A name that stays the same wherever the data set lies."""
        ...

    @property
    def description(self) -> str:
        """A sentence; it states the number of samples."""
        ...

    @property
    def keywords(self) -> list[str]:
        """Words to find the data set by."""
        ...

    @property
    def creator(self) -> str:
        """Who made the data set."""
        ...

    @property
    def published(self) -> str:
        """When, as YYYY-MM-DD."""
        ...

    @property
    def captions_by(self) -> str:
        """Who wrote the captions."""
        ...

    @property
    def config(self) -> Config:
        """The settings of the build."""
        ...

    @property
    def sources(self) -> tuple[Evidence, ...]:
        """The evidence for each source."""
        ...

    @property
    def duties(self) -> Obligations:
        """What the licenses ask for."""
        ...

    @property
    def made_with(self) -> dict[str, str]:
        """Library that draws to version."""
        ...

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of samples: all, by split and by style."""
        ...

    @property
    def credits(self) -> list[str]:
        """Words that must go along with the data and with weights trained on them."""
        ...


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything that the papers of a data set may state.

    Args:
        config: The settings of the build.
        samples: All samples.
        sources: The evidence for each source.
        duties: What the license gate found.
        audit: The figures of the checks.
        made_with: Library that draws to version.
    """

    config: DataConfig
    samples: list[Sample]
    sources: tuple[Evidence, ...]
    duties: Obligations
    audit: Audit
    made_with: dict[str, str]

    @property
    def name(self) -> str:
        """Name of the data set."""
        origin = () if self.config.source == "npm" else (self.config.source,)
        return "-".join(("underpaint", self.config.dataset, *origin, *self.config.attributed, str(self.config.size)))

    @property
    def url(self) -> str:
        """A name that stays the same wherever the data set lies."""
        return f"urn:underpaint:dataset:{self.name}:{VERSION}"

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

    @property
    def styles(self) -> list[str]:
        """Names of the styles."""
        return sorted({sample.style for sample in self.samples})

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of samples: all, by split and by style."""
        return count_samples(self.samples)

    @property
    def credits(self) -> list[str]:
        """Words that must go along with the data and with weights trained on them."""
        return credits_of(self.sources)

    @property
    def by_source(self) -> dict[str, int]:
        """Number of pictures from each source."""
        return dict(Counter(sample.source for sample in self.samples))
