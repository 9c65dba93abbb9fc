"""Duplicates: equal and nearly equal pictures, inside a split, across splits, and in other data sets."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from underpaint.stages.data.checking.pairs import Alike, Pair
from underpaint.stages.data.checking.record import (
    MAX_EXAMPLES,
    CheckConfig,
    Example,
    Finding,
    Found,
    Severity,
    Suspect,
    status_of,
)
from underpaint.stages.data.checking.subject import Subject
from underpaint.stages.data.leakage import crosses
from underpaint.stages.data.split import SPLITS

EXACT = "Exact: pixels are compared by SHA-256. A copy of another size, or one re-encoded with loss, is not equal."
NEAR = (
    "No pair within the definition is missed (a proof, and a test against all pairs). Measured on 300 changed copies "
    "of stickers a row: of JPEG copies, shrunk, darker and lightly noisy ones 87 to 96 % are near their original; of "
    "those moved by a pixel 31 %, with a patch in a corner 25 %, turned by 5 degrees 8 %, cropped or mirrored 1 % or "
    "none. Of drawings of different concepts 2 % are in a pair (benchmarks/data_plants.py)."
)


def rank_of(split: str) -> int:
    """Return how early a split goes: training first, since the others measure something."""
    return SPLITS.index(split) if split in SPLITS else len(SPLITS)


def described(subject: Subject, position: int) -> str:
    """Name a picture by its caption and split."""
    sample = subject.samples[position]
    return f"{sample.caption!r} ({sample.split})"


def check_equal(subject: Subject, alike: Alike) -> tuple[Found, Found]:
    """Report equal pictures: inside a split, and across splits."""
    inside: list[tuple[int, ...]] = []
    across: list[tuple[int, ...]] = []
    for positions in alike.equal:
        splits = {subject.samples[i].split for i in positions}
        leak = any(crosses(one, other) for one in splits for other in splits)
        (across if leak else inside).append(positions)
    return (
        equal_finding(subject, inside, "exact-duplicates", "Equal pictures", "warning"),
        equal_finding(subject, across, "exact-leaks", "Equal pictures in two splits", "error"),
    )


SAYS = {
    "exact-duplicates": (
        "The same pixels stand in a split more than once, so they weigh more in training and in scores. All but the "
        "first of each are listed for exclusion."
    ),
    "exact-leaks": (
        "The same pixels stand in training and in a split that measures something, which makes its scores too good. "
        "The copies in the earlier split are listed for exclusion."
    ),
}


def equal_finding(
    subject: Subject, sets: Sequence[tuple[int, ...]], check: str, title: str, severity: Severity
) -> Found:
    """Report sets of equal pictures; the one whose split comes last stays, of those the first."""
    suspects: list[Suspect] = []
    for positions in sets:
        stays = max(positions, key=lambda i: (rank_of(subject.samples[i].split), -i))
        why = f"same pixels as {described(subject, stays)}, {subject.samples[stays].file}"
        suspects += [subject.suspect(i, check, severity, why) for i in positions if i != stays]
    finding = Finding(
        check=check,
        title=title,
        severity=severity,
        status=status_of(len(sets)),
        count=len(suspects),
        unit="pictures",
        looked_at=len(subject.samples),
        says=SAYS[check],
        error_rate=EXACT,
        examples=tuple(equal_example(subject, positions[:2]) for positions in sets[:MAX_EXAMPLES]),
    )
    return Found(finding=finding, suspects=tuple(suspects))


def equal_example(subject: Subject, positions: Sequence[int]) -> Example:
    """Show equal pictures."""
    return Example(
        files=tuple(subject.samples[i].file for i in positions),
        text=" = ".join(described(subject, i) for i in positions),
    )


def pair_example(subject: Subject, pair: Pair) -> Example:
    """Show a pair of one data set."""
    return Example(
        files=(subject.samples[pair.one].file, subject.samples[pair.other].file),
        text=f"{described(subject, pair.one)} and {described(subject, pair.other)}, RMSE {pair.rmse:.3f}",
    )


def check_near_leaks(subject: Subject, alike: Alike, config: CheckConfig) -> Found:
    """Report nearly equal pictures in two splits."""
    suspects: dict[int, Suspect] = {}
    for pair in alike.across:
        gone, stays = sorted((pair.one, pair.other), key=lambda i: (rank_of(subject.samples[i].split), i))
        why = f"nearly {described(subject, stays)}, {subject.samples[stays].file} (RMSE {pair.rmse:.3f})"
        suspects.setdefault(gone, subject.suspect(gone, "near-leaks", "warning", why))
    finding = Finding(
        check="near-leaks",
        title="Nearly equal pictures in two splits",
        severity="warning",
        status=status_of(len(alike.across)),
        count=len(alike.across),
        unit="pairs",
        looked_at=len(subject.samples),
        says=(
            f"Perceptual hashes that differ in at most {config.max_distance} of 64 bits and an RMSE below "
            f"{config.max_rmse:.2f} at 32 px, across splits. "
            "Look at each: one drawing with a detail changed makes scores too good, two things that look alike do not. "
            f"Twins of test_composition in training are intended and not counted ({alike.twins} pairs)."
        ),
        error_rate=NEAR,
        examples=tuple(pair_example(subject, pair) for pair in alike.across[:MAX_EXAMPLES]),
    )
    return Found(finding=finding, suspects=tuple(suspects[i] for i in sorted(suspects)))


def clusters_with_twins(alike: Alike) -> list[np.ndarray]:
    """Return the positions of each cluster of two or more, the largest first."""
    numbers, counts = np.unique(alike.clusters, return_counts=True)
    order = np.argsort(-counts[counts > 1], kind="stable")
    members: dict[int, list[int]] = defaultdict(list)
    for position, number in enumerate(alike.clusters.tolist()):
        members[number].append(position)
    return [np.array(members[int(number)]) for number in numbers[counts > 1][order]]


def check_near(subject: Subject, alike: Alike) -> Found:
    """Report nearly equal pictures inside a split."""
    clusters = clusters_with_twins(alike)
    examples = [
        Example(
            files=tuple(subject.samples[i].file for i in found[:2].tolist()),
            text=f"{len(found)} alike, among them " + " and ".join(described(subject, i) for i in found[:2].tolist()),
        )
        for found in clusters[:MAX_EXAMPLES]
    ]
    sizes = Counter(min(len(found), 10) for found in clusters)
    finding = Finding(
        check="near-duplicates",
        title="Nearly equal pictures inside a split",
        severity="note",
        status=status_of(len(clusters)),
        count=sum(map(len, clusters)),
        unit="pictures",
        looked_at=len(subject.samples),
        says=(
            "Pictures with a near-duplicate in their own split, gathered in clusters. They are no mistake by "
            "themselves, but there are fewer different pictures than it seems: draw clusters evenly in training, and "
            "count clusters, not pictures, in intervals."
        ),
        error_rate=NEAR,
        examples=tuple(examples),
        counts={"clusters by size": {f"{n}{'+' if n == 10 else ''} pictures": sizes[n] for n in sorted(sizes)}},
    )
    return Found(finding=finding)


def check_contamination(subject: Subject, others: Sequence[Subject], alike: Alike) -> tuple[Found, Found]:
    """Report pictures that stand in other data sets too: equal ones and near ones."""
    equal = [pair for pair in alike.elsewhere if pair.equal]
    near = [pair for pair in alike.elsewhere if not pair.equal]
    return (
        elsewhere_finding(subject, others, equal, "contamination", "Equal pictures in another data set", EXACT),
        elsewhere_finding(
            subject, others, near, "near-contamination", "Nearly equal pictures in another data set", NEAR
        ),
    )


def elsewhere_finding(
    subject: Subject, others: Sequence[Subject], pairs: Sequence[Pair], check: str, title: str, error_rate: str
) -> Found:
    """Report pairs with other data sets."""
    severity = "error" if check == "contamination" else "warning"
    suspects: dict[int, Suspect] = {}
    for pair in pairs:
        there = others[pair.subject - 1]
        word = "same pixels as" if pair.equal else "nearly"
        why = f"{word} {there.samples[pair.other].file} of {there.name}"
        suspects.setdefault(pair.one, subject.suspect(pair.one, check, severity, why))
    finding = Finding(
        check=check,
        title=title,
        severity=severity,
        status=status_of(len(pairs)) if others else "not_applicable",
        count=len(suspects),
        unit="pictures",
        looked_at=len(subject.samples) if others else 0,
        says=(
            "Pictures that another data set holds too. If one of the two trains a model and the other one measures it, "
            "the scores are too good." if others else "No other data set was given; hold it against one with --against."
        ),
        error_rate=error_rate,
        examples=tuple(elsewhere_examples(subject, others, pairs[:MAX_EXAMPLES])),
        counts={"pictures by data set": by_subject(others, pairs)} if pairs else {},
    )  # fmt: skip
    return Found(finding=finding, suspects=tuple(suspects[i] for i in sorted(suspects)))


def elsewhere_examples(subject: Subject, others: Sequence[Subject], pairs: Iterable[Pair]) -> Iterable[Example]:
    """Show pairs with other data sets."""
    for pair in pairs:
        there = others[pair.subject - 1]
        yield Example(
            files=(subject.samples[pair.one].file,),
            other=there.name,
            other_files=(there.samples[pair.other].file,),
            text=f"{described(subject, pair.one)} and {described(there, pair.other)} of {there.name}, "
            f"RMSE {pair.rmse:.3f}",
        )


def by_subject(others: Sequence[Subject], pairs: Iterable[Pair]) -> dict[str, int]:
    """Count the pictures that each other data set shares."""
    shared: dict[str, set[int]] = defaultdict(set)
    for pair in pairs:
        shared[others[pair.subject - 1].name].add(pair.one)
    return {name: len(found) for name, found in shared.items()}
