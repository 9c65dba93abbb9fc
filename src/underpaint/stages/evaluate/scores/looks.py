"""How pictures look, without words and without a network: color, sharpness, contrast, fractal dimension, naturalness.

None of these is quality. Each compares the distribution over drawn pictures with that over real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import MetricError
from underpaint.metrics.appearance import colorfulness, contrast, fractal_dimension, sharpness
from underpaint.metrics.estimate import Estimate
from underpaint.metrics.naturalness import Naturalness
from underpaint.metrics.wasserstein import wasserstein_1
from underpaint.stages.evaluate.drawing.pictures import Drawn, Pixels, Real
from underpaint.stages.evaluate.scores.ledger import Score, attempt, refused

CHUNK = 256
Values = NDArray[np.float64]
DESCRIPTORS: dict[str, Callable[[Pixels], Values]] = {
    "colorfulness_w1": colorfulness,
    "sharpness_w1": sharpness,
    "contrast_w1": contrast,
    "fractal_dimension_w1": fractal_dimension,
}


def chunks(pictures: Sequence[Drawn | Real]) -> Iterator[Pixels]:
    """Yield the pixels of pictures, ``[n, H, W, 4]`` at a time."""
    for start in range(0, len(pictures), CHUNK):
        yield np.stack([picture.load() for picture in pictures[start : start + CHUNK]])


def described(pictures: Sequence[Drawn | Real], naturalness: Naturalness | None) -> dict[str, Values]:
    """Return descriptor to ``[N]``; without naturalness where the references are too few to fit it."""
    describe = dict(DESCRIPTORS)
    if naturalness is not None:
        describe["naturalness_w1"] = naturalness.score
    parts: dict[str, list[Values]] = {name: [] for name in describe}
    for pixels in chunks(pictures):
        white = on_white(pixels)
        for name, function in describe.items():
            parts[name].append(function(white))
    return {name: np.concatenate(values) for name, values in parts.items()}


def fitted(real: Sequence[Real]) -> Naturalness | None:
    """Return naturalness fitted to real pictures, or None if they are too few or do not vary."""
    try:
        return Naturalness.fit(np.concatenate([on_white(pixels) for pixels in chunks(real)]))
    except MetricError:
        return None


def look_scores(drawn: Sequence[Drawn], real: Sequence[Real], reference: str, rng: np.random.Generator) -> list[Score]:
    """Return the distance of each descriptor's distribution to that of real pictures.

    Args:
        drawn: Pictures of the main part.
        real: The reference.
        reference: Its digest.
        rng: Draws bootstraps.
    """
    images, clusters = [p.wish.image_id for p in drawn], [p.wish.cluster for p in drawn]
    names = [picture.sample.cluster for picture in real]
    naturalness = fitted(real)
    try:
        ours, theirs = described(drawn, naturalness), described(real, naturalness)
    except MetricError as error:
        return refused((*DESCRIPTORS, "naturalness_w1"), error, images=images)

    def distance(name: str) -> Callable[[], Estimate]:
        return lambda: wasserstein_1(ours[name], theirs[name], rng, clusters=clusters, reference_clusters=names)

    return [
        attempt(name, distance(name), images=images, reference=reference, reference_clusters=names) for name in ours
    ]


def on_white(pixels: Pixels) -> Pixels:
    """Return pictures ``[N, H, W, 4]`` laid on white, ``[N, H, W, 3]``."""
    alpha = pixels[..., 3:].astype(np.uint32)
    return ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
