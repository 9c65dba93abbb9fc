"""Likeness of a drawn picture to the real one of the same prompt; advisory, since many pictures fit one prompt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from underpaint.core.errors import NotApplicable
from underpaint.metrics.estimate import Estimate
from underpaint.metrics.interval import mean_by_prompt
from underpaint.metrics.perceptual import feature_distance, ms_ssim, psnr, ssim
from underpaint.models.extractor import Extractor
from underpaint.stages.evaluate.drawing.pictures import Drawn, Pixels, Real, real_pictures
from underpaint.stages.evaluate.scores.ledger import Score, attempt
from underpaint.stages.evaluate.scores.looks import chunks, on_white
from underpaint.stages.evaluate.seeing.sets import DataSet

SIDE_OF_FIVE_SCALES = 176


def _five_scales(ours: Pixels, theirs: Pixels) -> np.ndarray:
    if min(ours.shape[1:3]) < SIDE_OF_FIVE_SCALES:
        raise NotApplicable(
            f"its five scales need {SIDE_OF_FIVE_SCALES} pixels a side, got {ours.shape[1:3]}; use ssim"
        )
    return ms_ssim(ours, theirs)


PIXELWISE = {"psnr": psnr, "ssim": ssim, "ms_ssim": _five_scales}


def _check_shapes(ours: Pixels, theirs: Pixels) -> None:
    if ours.shape != theirs.shape:
        raise NotApplicable(
            f"the pictures have {ours.shape[2]} x {ours.shape[1]} pixels, the real ones {theirs.shape[2]} x "
            f"{theirs.shape[1]}; build the data set with --size {ours.shape[1]}"
        )


def pixel_values(drawn: Sequence[Drawn], real: Sequence[Real], metric: str) -> np.ndarray:
    """Return one of ``PIXELWISE`` of each pair on white, ``[N]``.

    Raises:
        NotApplicable: The pictures have other sizes than the real ones.
    """
    parts = []
    for ours, theirs in zip(chunks(drawn), chunks(real), strict=True):
        _check_shapes(ours, theirs)
        parts.append(PIXELWISE[metric](on_white(ours), on_white(theirs)))
    return np.concatenate(parts)


def map_values(drawn: Sequence[Drawn], real: Sequence[Real], extractor: Extractor) -> np.ndarray:
    """Return the perceptual distance of each pair in an extractor's maps, ``[N]``."""
    parts = []
    for ours, theirs in zip(chunks(drawn), chunks(real), strict=True):
        parts.append(feature_distance(extractor.maps(ours), extractor.maps(theirs)))
    return np.concatenate(parts)


def pair_scores(
    drawn: Sequence[Drawn], data: DataSet, extractors: Sequence[Extractor], rng: np.random.Generator
) -> list[Score]:
    """Return PSNR, SSIM, its form over several scales and perceptual distance to the real pictures of the same prompts.

    Args:
        drawn: Pictures of the main part.
        data: The data set.
        extractors: Those with maps.
        rng: Draws bootstraps.
    """
    known = [picture for picture in drawn if picture.wish.sample is not None]
    if not known:
        return []
    real = real_pictures(data.folder, [picture.wish.sample for picture in known if picture.wish.sample is not None])
    images, clusters = [p.wish.image_id for p in known], [p.wish.cluster for p in known]

    def by_pixels(metric: str) -> Estimate:
        return mean_by_prompt(pixel_values(known, real, metric), clusters, rng)

    def by_maps(extractor: Extractor) -> Estimate:
        return mean_by_prompt(map_values(known, real, extractor), clusters, rng)

    scores = [attempt(metric, lambda m=metric: by_pixels(m), images=images) for metric in PIXELWISE]
    return scores + [
        attempt("feature_distance", lambda e=extractor: by_maps(e), images=images, extractor=extractor.card.key)
        for extractor in extractors
    ]
