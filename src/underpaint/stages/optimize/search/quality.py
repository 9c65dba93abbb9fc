"""How a candidate's pictures differ in quality from those of the model before, on the search's own captions.

Both draw the same captions with the same seeds. ``kid`` compares all pictures with the real ones of the captions,
``match`` each picture with its own real one. The judge's evaluator has no part in it: these numbers only discard, and
what is bearable is measured on the model itself: between what other seeds change and what weights of 3 bits do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from underpaint.metrics.estimate import Estimate, variance_of_mean
from underpaint.metrics.estimate import Floats as Doubles
from underpaint.metrics.kernel import kid
from underpaint.metrics.paired import difference
from underpaint.models.extractor import Extractor
from underpaint.stages.optimize.search.drawing import Pixels
from underpaint.stages.optimize.search.record import Limit, Quality

METRICS = ("kid", "match")
HALF = 0.5
"""Share of what known-bad weights do that is bearable."""
NOISE = 2.0
"""Multiple of what other seeds do that is bearable at least."""
Z = 1.96


@dataclass(frozen=True, kw_only=True)
class Looks:
    """What an extractor sees in pictures of the search's captions.

    Args:
        kid: Kernel distance to the real pictures, with influences.
        match: ``[N]``, how far each picture is from its own real one.
    """

    kid: Estimate
    match: Doubles

    @property
    def values(self) -> dict[str, float]:
        """Metric to value."""
        return {"kid": self.kid.value, "match": float(self.match.mean())}


@dataclass(frozen=True, kw_only=True)
class Eyes:
    """What looks at pictures of the search.

    Args:
        extractor: Pixels to features.
        real: Features of the real pictures ``[N, D]``, in the order of the captions.
    """

    extractor: Extractor
    real: NDArray[np.float32]

    def named(self, metric: str) -> str:
        """Return a metric's name with its extractor."""
        return f"{metric}@{self.extractor.card.name}"

    def look(self, pixels: Pixels) -> Looks:
        """Look at pictures of the first captions ``[N, H, W, 4]``."""
        seen = self.extractor.extract(pixels).features.astype(np.float64)
        real = self.real[: len(seen)].astype(np.float64)
        apart = np.sqrt(((seen - real) ** 2).mean(axis=1))
        return Looks(kid=kid(seen, real, enforce=False), match=apart)

    def changes(self, candidate: Looks, base: Looks) -> dict[str, Quality]:
        """Return metric to change, above 0 is worse."""
        apart = difference(base.kid, candidate.kid)
        shift = candidate.match - base.match
        half = Z * float(np.sqrt(variance_of_mean(shift - shift.mean(), None)))
        n, mean = len(shift), float(shift.mean())
        ends = apart.interval
        assert ends is not None
        return {
            self.named("kid"): (apart.value, ends.low, ends.high, n),
            self.named("match"): (mean, mean - half, mean + half, n),
        }


def limits_of(
    null: Mapping[str, Quality], bad: Mapping[str, Quality] | None, glance_bad: Mapping[str, Quality] | None
) -> dict[str, Limit]:
    """Return what is bearable.

    Args:
        null: Changes by other seeds.
        bad: Changes by weights of 3 bits; None where they could not be drawn.
        glance_bad: Those on the prompts of the first glance.
    """
    return {
        name: _limit(change, bad[name] if bad else None, glance_bad[name] if glance_bad else None)
        for name, change in null.items()
    }


def _limit(null: Quality, bad: Quality | None, glance_bad: Quality | None) -> Limit:
    noise = max(abs(null[0]), (null[2] - null[1]) / (2 * Z))
    limit = NOISE * noise if bad is None else max(NOISE * noise, HALF * bad[0])
    return Limit(limit=limit, null=null[0], bad=bad and bad[0], glance_bad=glance_bad and glance_bad[0])


def loss_of(changes: Mapping[str, Quality], limits: Mapping[str, Limit]) -> float:
    """Return the worst change as a share of what is bearable."""
    return max(changes[name][0] / limits[name].limit for name in changes)


def as_bad(changes: Mapping[str, Quality], limits: Mapping[str, Limit]) -> bool:
    """Tell whether the first pictures are as bad in every metric as those of known-bad weights."""
    bad = {name: limits[name].glance_bad for name in changes}
    return all(value is not None and value > 0 and changes[name][0] >= value for name, value in bad.items())


def unsound(pixels: Pixels, again: Pixels, size: int) -> str:
    """Say why pictures cannot be those of a sound model; empty if they may be.

    Args:
        pixels: A few pictures ``[N, H, W, 4]``.
        again: The same, drawn once more.
        size: Side that they must have.
    """
    if pixels.ndim != 4 or pixels.shape[1:] != (size, size, 4):
        return f"it draws pictures of the shape {pixels.shape[1:]} instead of {(size, size, 4)}"
    if not np.array_equal(pixels, again):
        return "it draws other pixels when the same is asked again"
    flat = [number for number, picture in enumerate(pixels) if (picture == picture[:1, :1]).all()]
    return f"{len(flat)} of {len(pixels)} pictures are of one color" if len(flat) == len(pixels) else ""


def worst_first(candidate: Looks, base: Looks) -> Sequence[int]:
    """Return the places of the pictures, those that moved farthest from their real ones first."""
    return np.argsort(base.match - candidate.match, kind="stable").tolist()
