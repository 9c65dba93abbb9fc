"""Papers and splits: the card is true in every point, and what belongs together lies in one split."""

from __future__ import annotations

from underpaint.adapters.mlcroissant import validate
from underpaint.core.errors import DataError
from underpaint.stages.data.card import CARD
from underpaint.stages.data.card_check import card_problems
from underpaint.stages.data.checking.record import MAX_EXAMPLES, Example, Finding, Found, Suspect, status_of
from underpaint.stages.data.checking.subject import Subject
from underpaint.stages.data.leakage import CLOSED, EXEMPT, Leak, crosses, exact_leaks

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


def split_leaks(subject: Subject) -> list[Leak]:
    """Return clusters (of the stickers, captions too) that lie in two splits; equal pixels are reported elsewhere."""
    if subject.manifest.config.get("dataset") == STICKERS:
        return [leak for leak in exact_leaks(subject.samples) if leak.rule != "pixels"]
    first: dict[str, dict[str, str]] = {}
    for sample in subject.samples:
        if sample.cluster:
            first.setdefault(sample.cluster, {}).setdefault(sample.split, sample.file)
    leaks = []
    for places in first.values():
        (split, file), *others = places.items()
        leaks += [
            Leak(rule="cluster", first=f"{split}:{file}", second=f"{other}:{there}")
            for other, there in others
            if crosses(split, other)
        ]
    return leaks


def check_splits(subject: Subject) -> Found:
    """Report what belongs together but lies in two splits."""
    leaks = split_leaks(subject)
    by_file = {sample.file: i for i, sample in enumerate(subject.samples)}
    suspects: list[Suspect] = []
    examples: list[Example] = []
    for leak in leaks:
        files = [text.partition(":")[2].split(" (")[0] for text in (leak.first, leak.second)]
        examples.append(Example(files=tuple(files), text=f"{leak.rule}: {leak.first} and {leak.second}"))
        suspects += [
            subject.suspect(by_file[file], "split-leaks", "error", f"{leak.rule} stands in two splits")
            for file in files
            if file in by_file and subject.samples[by_file[file]].split == "train"
        ]
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
        examples=tuple(examples[:MAX_EXAMPLES]),
    )
    return Found(finding=finding, suspects=tuple(suspects))
