"""Faults planted into a real data set, and what the checks name of them: how much is found, how much of it is right.

Copies of training drawings are added in memory, equal or slightly changed, to the same split or to a test split, under
their own caption or under a stranger's. A finding is right if it names a picture of a copy's cluster; the data set's
own findings count as false ones, though some of them are right.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from data_plants import CHANGES, one_a_group
from PIL import Image

from underpaint.core.artifact import read_manifest
from underpaint.core.cache import cache_folder
from underpaint.core.progress import silent
from underpaint.core.samples import Sample, read_samples
from underpaint.stages.data.checking.fingerprints import Fingerprints, fingerprint
from underpaint.stages.data.checking.record import CheckConfig, Found
from underpaint.stages.data.checking.run import look_for_all
from underpaint.stages.data.checking.subject import Subject
from underpaint.stages.data.checking.suspicion import content_words
from underpaint.stages.data.perceptual_hash import perceptual_hashes
from underpaint.stages.data.picture import read_picture
from underpaint.stages.data.thumbnail import thumbnail_of

SLIGHT = ("noise of 2 %", "JPEG at quality 75", "shrunk to 1/2 and back", "darker by a tenth")
"""Changes that leave a picture a near copy, in turn."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A kind of copy that must not be.

    Args:
        check: The check that must name it.
        changed: Whether the copy is changed, or equal.
        split: Where it is put; empty for the split of its original.
        relabeled: Whether it gets a stranger's caption.
    """

    check: str
    changed: bool = False
    split: str = ""
    relabeled: bool = False


FAULTS = {
    "equal copies in one split": Fault(check="exact-duplicates"),
    "equal copies across splits": Fault(check="exact-leaks", split="test_concept"),
    "near copies across splits": Fault(check="near-leaks", changed=True, split="test_concept"),
    "equal copies under a stranger's caption": Fault(check="conflicting-captions", relabeled=True),
    "near copies under a stranger's caption (poison)": Fault(check="poisoning", changed=True, relabeled=True),
}


RIGHTLY: dict[str, Callable[[Fault], bool]] = {
    "exact-duplicates": lambda fault: not fault.changed and not fault.split,
    "exact-leaks": lambda fault: not fault.changed and bool(fault.split),
    "near-leaks": lambda fault: bool(fault.split),
    "conflicting-captions": lambda fault: not fault.changed and fault.relabeled,
    "poisoning": lambda fault: fault.relabeled,
}
"""Check to whether it is right to name a copy with some fault, and what lies in its cluster."""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A planted copy.

    Args:
        kind: Key of ``FAULTS``.
        original: The sample it was made of.
        sample: Its own.
        thumbnail: ``[32, 32, 3]`` uint8.
    """

    kind: str
    original: Sample
    sample: Sample
    thumbnail: np.ndarray

    @property
    def files(self) -> set[str]:
        """The two files of which a finding may name either."""
        return {self.original.file, self.sample.file}


def changed(pixels: np.ndarray, number: int) -> np.ndarray:
    """Change ``[H, W, 4]`` pixels slightly, by the first change in turn that does anything (black cannot be darker)."""
    names = [SLIGHT[(number + step) % len(SLIGHT)] for step in range(len(SLIGHT))]
    made = (np.asarray(CHANGES[n](Image.fromarray(pixels), np.random.default_rng(number))) for n in names)
    return next(other for other in made if not np.array_equal(other, pixels))


def copy_of(folder: Path, original: Sample, stranger: Sample, kind: str, number: int) -> Copy:
    """Make one copy.

    Args:
        folder: The data set.
        original: What is copied.
        stranger: Whose caption it gets if it is relabeled.
        kind: Key of ``FAULTS``.
        number: Of the copy; decides on its change and noise.
    """
    fault, pixels = FAULTS[kind], read_picture(folder / original.file)
    if fault.changed:
        pixels = changed(pixels, number)
    sample = original.model_copy(
        update={
            "id": f"{original.id}.copy{number}",
            "file": f"images/copies/{number}.png",
            "split": fault.split or original.split,
            "caption": stranger.caption if fault.relabeled else original.caption,
            "sha256_pixels": hashlib.sha256(pixels.tobytes()).hexdigest(),
        }
    )
    return Copy(kind=kind, original=original, sample=sample, thumbnail=thumbnail_of(pixels))


def plant(folder: Path, samples: Sequence[Sample], count: int, seed: int) -> Iterator[Copy]:
    """Plant so many copies of each kind, each of another group of training.

    Args:
        folder: The data set.
        samples: Its samples.
        count: Copies of each kind.
        seed: Of the choice.
    """
    random = np.random.default_rng(seed)
    chosen = one_a_group([s for s in samples if s.split == "train"], count * len(FAULTS), random)
    for number, original in enumerate(chosen):
        words = content_words(original)
        strangers = (chosen[(number + step) % len(chosen)] for step in range(1, len(chosen)))
        stranger = next(other for other in strangers if not words & content_words(other))
        yield copy_of(folder, original, stranger, list(FAULTS)[number % len(FAULTS)], number)


def spoiled(folder: Path, copies: Sequence[Copy], cache: Path) -> Subject:
    """Return a data set together with planted copies, opened for checks.

    Args:
        folder: The data set.
        copies: What is planted.
        cache: Folder for fingerprints.
    """
    manifest, samples = read_manifest(folder), read_samples(folder)
    prints = fingerprint(folder, samples, digest=manifest.digest, size=None, cache=cache, jobs=1)
    added = np.stack([copy.thumbnail for copy in copies])
    every = Fingerprints(
        thumbnails=np.concatenate([prints.thumbnails, added]),
        hashes=np.concatenate([prints.hashes, perceptual_hashes(added)]),
        alpha=np.concatenate([prints.alpha, np.ones(len(copies), np.float32)]),
        constant=np.concatenate([prints.constant, np.zeros(len(copies), bool)]),
        problems=prints.problems,
    )
    together = [*samples, *(copy.sample for copy in copies)]
    return Subject(
        name="spoiled",
        folder=folder,
        manifest=manifest,
        num_files=len(manifest.files),
        samples=together,
        prints=every,
    )


def findings(subject: Subject) -> dict[str, Found]:
    """Make all checks of the pictures and their words, and return each by its name."""
    return {one.finding.check: one for one in look_for_all(subject, (), CheckConfig(), silent)}


def faults_found(folder: Path, count: int, seed: int, cache: Path | None = None) -> list[dict[str, object]]:
    """Plant copies and count what is named.

    Args:
        folder: A data set.
        count: Copies of each kind; fewer if there are too few groups.
        seed: Of the choice.
        cache: Folder for fingerprints; that of the checks if None.
    """
    copies = list(plant(folder, read_samples(folder), count, seed))
    subject = spoiled(folder, copies, cache or cache_folder())
    found = findings(subject)
    rows: list[dict[str, object]] = []
    for kind, fault in FAULTS.items():
        mine = [copy for copy in copies if copy.kind == kind]
        named = {suspect.file for suspect in found[fault.check].suspects}
        right = named & files_rightly_named(subject, copies, fault.check)
        hits = sum(bool(copy.files & named) for copy in mine)
        rates = {"recall": hits / max(1, len(mine)), "precision": len(right) / max(1, len(named))}
        rows.append({"fault": kind, "planted": len(mine), **rates})
    return rows


def files_rightly_named(subject: Subject, copies: Sequence[Copy], check: str) -> set[str]:
    """Return the files in the clusters of all copies that a check should name."""
    clusters = {copy.sample.cluster for copy in copies if RIGHTLY[check](FAULTS[copy.kind])}
    return {sample.file for sample in subject.samples if sample.cluster in clusters}
