"""What a data set says of itself: its card is true in every point, and what it puts together lies in one split."""

from __future__ import annotations

import itertools
from collections import defaultdict

from underpaint.adapters.mlcroissant import validate
from underpaint.core.errors import DataError
from underpaint.core.samples import Sample
from underpaint.stages.data.card import CARD
from underpaint.stages.data.card_check import card_problems
from underpaint.stages.data.checking.record import MAX_EXAMPLES, Example, Finding, Found, status_of
from underpaint.stages.data.checking.subject import Subject
from underpaint.stages.data.leakage import CLOSED, EXEMPT, crosses, exact_leaks, label

STICKERS = "stickers"
"""The data set whose captions name concepts, so that no caption may stand in two splits."""


def check_card(subject: Subject) -> tuple[Found, tuple[str, ...]]:
    """Check the card strictly, and ask mlcroissant.

    Returns:
        The finding, and what mlcroissant warns of.
    """
    warnings: tuple[str, ...] = ()
    present = (subject.folder / CARD).is_file()
    problems = card_problems(subject.folder) if present else []
    if present and not problems:
        try:
            warnings = tuple(validate(subject.folder / CARD))
        except DataError as error:
            problems = [str(error)]
    finding = Finding(
        check="card",
        title="The card",
        severity="error",
        status=status_of(len(problems)) if present else "not_applicable",
        count=len(problems),
        unit="problems",
        looked_at=int(present),
        says=(
            "Names, licenses, dates, hashes and counts of croissant.json must be those of the folder, and mlcroissant "
            "must read it." if present else "The data set has no croissant.json."
        ),
        error_rate="Exact for names, hashes and counts; whether the prose is true, nobody but a reader can tell.",
        examples=tuple(Example(files=(), text=problem) for problem in problems[:MAX_EXAMPLES]),
    )  # fmt: skip
    return Found(finding=finding), warnings


def split_leaks(subject: Subject) -> list[tuple[str, Sample, Sample]]:
    """Return rule and pair for what lies in two splits: clusters, of the stickers captions too; pixels have a check."""
    if subject.manifest.config.get("dataset") == STICKERS:
        return [leak for leak in exact_leaks(subject.samples) if leak[0] != "pixels"]
    clusters: dict[str, dict[str, Sample]] = defaultdict(dict)
    for sample in subject.samples:
        if sample.cluster:
            clusters[sample.cluster].setdefault(sample.split, sample)
    pairs = (pair for by_split in clusters.values() for pair in itertools.combinations(by_split.values(), 2))
    return [("cluster", one, other) for one, other in pairs if crosses(one.split, other.split)]


def check_splits(subject: Subject) -> Found:
    """Report what belongs together but lies in two splits."""
    leaks = split_leaks(subject)
    positions = {sample.file: i for i, sample in enumerate(subject.samples)}
    suspects = [
        subject.suspect(positions[sample.file], "split-leaks", "error", f"{rule} stands in two splits")
        for rule, *pair in leaks
        for sample in pair
        if sample.split == "train"
    ]
    examples = tuple(
        Example(files=(one.file, other.file), text=f"{rule}: {label(one)} and {label(other)}")
        for rule, one, other in leaks[:MAX_EXAMPLES]
    )
    finding = Finding(
        check="split-leaks",
        title="What belongs together lies in two splits",
        severity="error",
        status=status_of(len(leaks)),
        count=len(leaks),
        unit="pairs",
        looked_at=len(subject.samples),
        says=(
            f"No cluster may stand in two splits, of the stickers no caption of {', '.join((*CLOSED, EXEMPT))} in "
            "another one either. Those in training are listed for exclusion."
        ),
        error_rate="Exact for what samples.jsonl says; what nobody put into one cluster is looked for by pixels.",
        examples=examples,
    )
    return Found(finding=finding, suspects=tuple(suspects))
