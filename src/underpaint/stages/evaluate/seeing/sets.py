"""The sets of pictures that an evaluation looks at, drawn and real, and what extractors see in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from underpaint.core.config import digest_of
from underpaint.core.progress import Report, silent
from underpaint.core.samples import Sample
from underpaint.models.extractor import Extractor
from underpaint.stages.evaluate.drawing.pictures import Drawn, Real, real_pictures
from underpaint.stages.evaluate.seeing.extraction import extract_all
from underpaint.stages.evaluate.seeing.view import RealView, View


@dataclass(kw_only=True)
class Eyes:
    """Extractors with the cache of what they have seen.

    Args:
        extractors: In the order of the report.
        cache: Folder of cached features.
        report: Receives progress.
        batch_size: Pictures at once.
    """

    extractors: Sequence[Extractor]
    cache: Path
    report: Report = silent
    batch_size: int = 64
    _real: dict[tuple[str, str], RealView] = field(default_factory=dict)

    def drawn(self, extractor: Extractor, pictures: Sequence[Drawn]) -> View:
        """Return what an extractor sees in drawn pictures."""
        seen = extract_all(
            [(picture.sha256, picture.load) for picture in pictures],
            extractor,
            self.cache,
            batch_size=self.batch_size,
            report=self.report,
        )
        return View(
            extractor=extractor.card.key,
            wishes=[picture.wish for picture in pictures],
            features=seen.features,
            probabilities=seen.probabilities,
        )

    def real(self, extractor: Extractor, pictures: Sequence[Real]) -> RealView:
        """Return what an extractor sees in real pictures; each set is looked at once."""
        digest = digest_of([picture.sha256 for picture in pictures])
        key = (extractor.card.key, digest)
        if key not in self._real:
            seen = extract_all(
                [(picture.sha256, picture.load) for picture in pictures],
                extractor,
                self.cache,
                batch_size=self.batch_size,
                report=self.report,
            )
            self._real[key] = RealView(
                extractor=extractor.card.key,
                samples=[picture.sample for picture in pictures],
                features=seen.features,
                probabilities=seen.probabilities,
                digest=digest,
            )
        return self._real[key]


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A data set as an evaluation uses it.

    Args:
        folder: Where it lies.
        digest: Its identity.
        samples: All of its samples.
        reference: The real pictures of the reference, in the order of the protocol.
        size: Side of its pictures in pixels.
        license: SPDX expression.
    """

    folder: Path
    digest: str
    samples: Sequence[Sample]
    reference: Sequence[Real]
    size: int
    license: str = ""

    @property
    def training(self) -> list[Real]:
        """The training pictures."""
        return real_pictures(self.folder, [sample for sample in self.samples if sample.split == "train"])

    @property
    def reference_digest(self) -> str:
        """SHA-256 over the pixel hashes of the reference, in order."""
        return digest_of([picture.sha256 for picture in self.reference])
