"""What one extractor sees in a set of pictures, side by side with what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from underpaint.core.samples import Sample
from underpaint.stages.evaluate.drawing.wishes import Wish

Features = NDArray[np.float32]


def numbered(names: Sequence[str]) -> NDArray[np.int64]:
    """Return a number for each name, equal for equal names."""
    return np.unique(np.asarray(names), return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class View:
    """Drawn pictures in the eyes of an extractor.

    Args:
        extractor: ``name:digest8`` of the extractor's card.
        wishes: What was asked for, a wish a picture.
        features: ``[N, D]``.
        probabilities: Head to ``[N, K]``; empty without classifier.
    """

    extractor: str
    wishes: Sequence[Wish]
    features: Features
    probabilities: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def images(self) -> list[str]:
        """Names of the pictures."""
        return [wish.image_id for wish in self.wishes]

    @property
    def clusters(self) -> NDArray[np.int64]:
        """``[N]``: pictures of one concept share a number."""
        return numbered([wish.cluster for wish in self.wishes])

    def where(self, keep: Callable[[Wish], bool]) -> View:
        """Return the part that fulfils a condition."""
        return self.rows(np.flatnonzero([keep(wish) for wish in self.wishes]).tolist())

    def rows(self, rows: Sequence[int]) -> View:
        """Return the pictures at some positions."""
        return View(
            extractor=self.extractor,
            wishes=[self.wishes[row] for row in rows],
            features=self.features[list(rows)],
            probabilities={head: values[list(rows)] for head, values in self.probabilities.items()},
        )

    def part(self, name: str) -> View:
        """Return the pictures of one part of the protocol."""
        return self.where(lambda wish: wish.part == name)


@dataclass(frozen=True, kw_only=True)
class RealView:
    """Real pictures in the eyes of an extractor.

    Args:
        extractor: ``name:digest8`` of the extractor's card.
        samples: Their records.
        features: ``[M, D]``.
        probabilities: Head to ``[M, K]``.
        digest: What identifies the set: SHA-256 over the pixel hashes in order.
    """

    extractor: str
    samples: Sequence[Sample]
    features: Features
    probabilities: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    digest: str = ""

    @property
    def clusters(self) -> NDArray[np.int64]:
        """``[M]``: drawings of one concept share a number."""
        return numbered([sample.cluster for sample in self.samples])

    def rows(self, rows: Sequence[int]) -> RealView:
        """Return the pictures at some positions; the digest is that of the whole set."""
        return RealView(
            extractor=self.extractor,
            samples=[self.samples[row] for row in rows],
            features=self.features[list(rows)],
            probabilities={head: values[list(rows)] for head, values in self.probabilities.items()},
            digest=self.digest,
        )
