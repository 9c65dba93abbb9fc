"""Which captions a search may use: some calibrate and train, others compare, and those that decide are neither.

They are told apart by concept: what shares a group of near-duplicates, a concept or a caption is on one side only. A
search takes captions that the model was trained on, so that all held-out ones are left to decide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from underpaint.core.errors import DataError
from underpaint.core.samples import Sample
from underpaint.stages.optimize.search.config import SearchConfig

SEED_BITS = 52


@dataclass(frozen=True, kw_only=True)
class Split:
    """Captions of a search.

    Args:
        calibration: Canonical captions, no two alike.
        search: Pictures whose captions candidates are compared on, one of each concept.
    """

    calibration: tuple[str, ...]
    search: tuple[Sample, ...]


def groups_of(sample: Sample) -> frozenset[str]:
    """Return the names by which a sample is told to belong with others."""
    return frozenset({f"cluster {sample.cluster}", f"group {sample.group}", f"caption {sample.caption}"})


def all_groups(samples: Iterable[Sample]) -> frozenset[str]:
    """Return the names of many samples."""
    return frozenset(name for sample in samples for name in groups_of(sample))


def split_prompts(samples: Sequence[Sample], judged: frozenset[str], config: SearchConfig) -> Split:
    """Choose captions, the same ones every time.

    Args:
        samples: Of the data set.
        judged: Names of all that decides; see ``groups_of``.
        config: How many.

    Raises:
        DataError: There are too few concepts besides those that decide.
    """
    free = [sample for sample in samples if sample.split == "train" and not groups_of(sample) & judged]
    one_each = _one_of_each(free, config.seed)
    needed = config.prompts + config.calibration
    if len(one_each) < needed:
        raise DataError(
            f"the data set has {len(one_each)} concepts in its split train that no other split has, and a search needs "
            f"{config.prompts} to compare candidates on and {config.calibration} others to calibrate with "
            f"[calibration.too_few]; take a data set with {needed - len(one_each)} more"
        )
    search = one_each[: config.prompts]
    calibration = one_each[config.prompts : needed]
    return Split(calibration=tuple(sample.caption for sample in calibration), search=tuple(search))


def _one_of_each(samples: Iterable[Sample], seed: int) -> list[Sample]:
    """Return samples of which no two share a name, in the order of a hash."""
    taken: set[str] = set()
    chosen = []
    for sample in sorted(samples, key=lambda one: _order(f"{one.id}/{one.style}", seed)):
        names = groups_of(sample)
        if not names & taken:
            taken |= names
            chosen.append(sample)
    return chosen


def _order(text: str, seed: int) -> str:
    return hashlib.sha256(f"underpaint-optimize-{seed}:{text}".encode()).hexdigest()


def picture_seed(sample: Sample, seed: int, number: int = 0) -> int:
    """Return the seed of a picture of a sample.

    Args:
        sample: What is drawn.
        seed: Of the search.
        number: Another number gives another picture.
    """
    digest = hashlib.sha256(f"{seed}:{number}:{sample.id}/{sample.style}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - SEED_BITS)
