"""Privacy: how near drawn pictures come to the pictures the model has learnt from, beside how near held-out ones come.

The ratio of a picture is its distance to the nearest training picture over half the mean distance to the 50 nearest
concepts, at 32 px. The threshold flags 1 % of the held-out pictures, which no model has seen; a model that copies
nothing flags no more. This finds near-exact copies only, not borrowed ideas.

Source: Carlini et al., Extracting Training Data from Diffusion Models, arXiv 2301.13188, section 5.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from underpaint.core.config import Config
from underpaint.core.errors import MetricError
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import Sample
from underpaint.metrics.estimate import Estimate
from underpaint.metrics.memorization import RATE, Neighbors, flagged_share, nearest, threshold
from underpaint.stages.data.memorization import HELD_OUT, percentiles_of
from underpaint.stages.data.picture import read_picture
from underpaint.stages.data.thumbnail import thumbnail_of

CLOSEST, WIDTH = 10, 32 * 32 * 3
STEP = 500


class Near(Config):
    """A drawn picture beside the training picture that it comes nearest to."""

    file: str
    caption: str
    nearest: str
    nearest_caption: str
    ratio: float


class PrivacyReport(Config):
    """What was found.

    Args:
        applicable: Whether it could be measured.
        reason: Why it could not be measured; empty if it could.
        data_sha256: Digest of the real data set.
        learnt_from: Whether the model names this very data set as what it was trained on.
        members: Training pictures compared with.
        held_out: Held-out pictures that give the threshold.
        drawn: Drawn pictures that were measured.
        threshold: Ratio below which a picture is flagged.
        false_alarms: Share of held-out pictures that are flagged.
        flagged: Share of drawn pictures that are flagged.
        flagged_low: Lower end of its 95 % interval, over captions.
        flagged_high: Upper end.
        percentiles: Percentile to ratio of the drawn pictures.
        held_out_percentiles: Percentile to ratio of the held-out pictures.
        closest: The drawn pictures with the smallest ratios, to look at.
    """

    applicable: bool
    reason: str = ""
    data_sha256: str = ""
    learnt_from: bool = False
    members: int = 0
    held_out: int = 0
    drawn: int = 0
    threshold: float = 0.0
    false_alarms: float = RATE
    flagged: float = 0.0
    flagged_low: float = 0.0
    flagged_high: float = 0.0
    percentiles: dict[str, float] = {}
    held_out_percentiles: dict[str, float] = {}
    closest: tuple[Near, ...] = ()


NOT_COMPARED = PrivacyReport(
    applicable=False, reason="the data set that the model has learnt from was not at hand; name it with --data"
)


def as_features(thumbnails: np.ndarray) -> np.ndarray:
    """Return ``[N, 32, 32, 3]`` uint8 as ``[N, 3072]`` float32 in 0 to 1."""
    return thumbnails.reshape(len(thumbnails), WIDTH).astype(np.float32) / 255


def thumbnails_of(samples: Sequence[Sample], folder: Path, report: Report) -> np.ndarray:
    """Read the pictures of a real data set as ``[N, 32, 32, 3]`` uint8."""
    small = np.empty((len(samples), 32, 32, 3), np.uint8)
    for number, sample in enumerate(samples):
        small[number] = thumbnail_of(read_picture(folder / sample.file))
        if number % STEP == 0 or number == len(samples) - 1:
            report(Progress(task="read real pictures", done=number + 1, total=len(samples), unit="pictures"))
    return small


def neighbors_of(
    thumbnails: np.ndarray, members: Sequence[Sample], held_out: Sequence[Sample], folder: Path, report: Report
) -> tuple[Neighbors, Neighbors]:
    """Look for the nearest training pictures of drawn pictures, and of held-out ones.

    Args:
        thumbnails: The drawn pictures, ``[N, 32, 32, 3]`` uint8.
        members: The training pictures of the real data set.
        held_out: Those that no model has seen.
        folder: Where the real data set lies.
        report: Receives progress.

    Raises:
        MetricError: There are too few pictures to say anything.
    """
    training = as_features(thumbnails_of(members, folder, report))
    unseen = as_features(thumbnails_of(held_out, folder, report))
    twins = [f"{sample.cluster}/{sample.style}" for sample in members]
    report(Progress(task="compare with real pictures", done=0, total=len(thumbnails), unit="pictures"))
    base = nearest(unseen, training, groups=twins)
    found = nearest(as_features(thumbnails), training, groups=twins)
    report(Progress(task="compare with real pictures", done=len(thumbnails), total=len(thumbnails), unit="pictures"))
    return found, base


def check_privacy(
    drawn: Sequence[Sample],
    thumbnails: np.ndarray,
    real: Sequence[Sample],
    folder: Path,
    *,
    data_sha256: str,
    learnt_from: bool,
    report: Report = silent,
) -> PrivacyReport:
    """Compare drawn pictures with the training pictures of a real data set.

    Args:
        drawn: The drawn pictures.
        thumbnails: Theirs, ``[N, 32, 32, 3]`` uint8.
        real: All samples of the real data set.
        folder: Where that lies.
        data_sha256: Its digest.
        learnt_from: Whether the model names it as its own.
        report: Receives progress.
    """
    members = [sample for sample in real if sample.split == "train"]
    held_out = [sample for sample in real if sample.split in HELD_OUT]
    try:
        found, base = neighbors_of(thumbnails, members, held_out, folder, report)
        below = threshold(base.ratios)
        share = flagged_share(found.ratios, below, clusters=[sample.caption for sample in drawn])
    except MetricError as error:
        return PrivacyReport(applicable=False, reason=str(error), data_sha256=data_sha256, learnt_from=learnt_from)
    return PrivacyReport(
        applicable=True,
        data_sha256=data_sha256,
        learnt_from=learnt_from,
        members=len(members),
        held_out=len(held_out),
        drawn=len(drawn),
        threshold=round(below, 4),
        percentiles=percentiles_of(found.ratios),
        held_out_percentiles=percentiles_of(base.ratios),
        closest=closest_of(drawn, members, found),
    ).model_copy(update=share_of(share))


def share_of(estimate: Estimate) -> dict[str, float]:
    """Return the share of flagged pictures with its interval; the estimate is what lies above the false alarms."""
    interval = estimate.interval
    assert interval is not None
    low, high = max(interval.low + RATE, 0.0), min(interval.high + RATE, 1.0)
    return {
        "flagged": round(estimate.value + RATE, 4),
        "flagged_low": round(low, 4),
        "flagged_high": round(high, 4),
    }


def closest_of(drawn: Sequence[Sample], members: Sequence[Sample], found: Neighbors) -> tuple[Near, ...]:
    """Return the drawn pictures that come nearest to training, the nearest first."""
    ratios = found.ratios
    return tuple(
        Near(
            file=drawn[i].file,
            caption=drawn[i].caption,
            nearest=members[found.indices[i, 0]].file,
            nearest_caption=members[found.indices[i, 0]].caption,
            ratio=round(float(ratios[i]), 4),
        )
        for i in np.argsort(ratios, kind="stable")[:CLOSEST].tolist()
    )
