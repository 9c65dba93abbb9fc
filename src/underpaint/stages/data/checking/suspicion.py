"""Pictures that do not fit their captions: by mistake (dirty captions) or by intent (poisoning)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from underpaint.core.samples import Sample
from underpaint.stages.data.checking.duplicates import clusters_with_twins, described
from underpaint.stages.data.checking.pairs import Alike
from underpaint.stages.data.checking.record import (
    MAX_EXAMPLES,
    CheckConfig,
    Example,
    Finding,
    Found,
    Suspect,
    status_of,
)
from underpaint.stages.data.checking.subject import Subject
from underpaint.stages.data.checking.trial import error_rate_of, plant_swaps
from underpaint.stages.data.dirty_captions import features, hand_of, plain, ranks

FILLING = frozenset({"a", "an", "and", "at", "for", "in", "of", "on", "or", "the", "to", "with", "skin", "tone"})
"""Words that make no two captions alike."""
TITLE = "Captions that fit badly"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Plain pictures whose captions are compared across hands.

    Args:
        positions: Where each of the ``N`` stands in the data set.
        captions: Caption of each.
        hands: Whose hand drew each.
        features: ``[N, F]`` what is seen in each.
    """

    positions: list[int]
    captions: list[str]
    hands: list[str]
    features: np.ndarray

    def beside(self, number: int) -> int:
        """Return the number of another hand's picture of the same caption."""
        asked, hand = self.captions[number], self.hands[number]
        pairs = enumerate(zip(self.captions, self.hands, strict=True))
        return next(k for k, (caption, other) in pairs if caption == asked and other != hand)


def judged(subject: Subject) -> Judged | None:
    """Look at the pictures whose captions can be compared; None where one hand drew all of them."""
    positions = [i for i in plain(subject.samples) if i not in subject.prints.problems]
    hands = [hand_of(subject.samples[i]) for i in positions]
    if len(set(hands)) < 2:
        return None
    captions = [subject.samples[i].caption for i in positions]
    seen = features(subject.prints.thumbnails[positions])
    return Judged(positions=positions, captions=captions, hands=hands, features=seen)


def check_dirty(subject: Subject, config: CheckConfig) -> Found:
    """Rank captions by how badly they fit, and try the ranking on swapped captions."""
    drawn = judged(subject)
    found = ranks(drawn.captions, drawn.hands, drawn.features) if drawn else {}
    if not (drawn and found):
        return Found(finding=not_applicable(subject))
    worst = sorted(found, key=lambda k: (-found[k], k))[: max(1, round(config.review_share * len(found)))]
    suspects = tuple(
        subject.suspect(drawn.positions[k], "dirty-captions", "note", f"{found[k]:.0%} of all captions fit better")
        for k in worst
        if found[k] > 0
    )
    trial = plant_swaps(drawn.captions, drawn.hands, drawn.features, config)
    finding = Finding(
        check="dirty-captions",
        title=TITLE,
        severity="note",
        status=status_of(len(suspects)),
        count=len(suspects),
        unit="pictures",
        looked_at=len(found),
        says=(
            "A review list, not a verdict: the drawings that look least like what other hands drew for the same "
            f"caption, the worst {config.review_share:.0%}. Correct the captions that are wrong."
        ),
        error_rate=error_rate_of(trial, config),
        examples=tuple(example(subject, drawn, k, found[k]) for k in worst[:MAX_EXAMPLES]),
    )
    return Found(finding=finding, suspects=suspects)


def not_applicable(subject: Subject) -> Finding:
    """Say that captions cannot be compared across hands, which does not mean that they are right."""
    return Finding(
        check="dirty-captions",
        title=TITLE,
        severity="note",
        status="not_applicable",
        count=0,
        unit="pictures",
        looked_at=0,
        says=(
            "Not applicable: captions are judged by what another hand drew for the same caption, and no two families "
            f"or styles share one among these {len(subject.samples):,} pictures. That is not the same as clean."
        ),
        error_rate="Nothing is known, since nothing could be looked at.",
    )


def example(subject: Subject, drawn: Judged, number: int, rank: float) -> Example:
    """Show a drawing beside one of the same caption by another hand.

    Args:
        subject: The data set.
        drawn: Its drawings that were compared.
        number: Which of these.
        rank: Share of all captions that fit better, 0 to 1.
    """
    position, other = drawn.positions[number], drawn.positions[drawn.beside(number)]
    return Example(
        files=(subject.samples[position].file, subject.samples[other].file),
        text=f"{described(subject, position)}: {rank:.0%} of all captions fit better; beside it, another hand's",
    )


def content_words(sample: Sample) -> frozenset[str]:
    """Return the words of a caption that say what is seen."""
    return frozenset(sample.caption.replace(",", " ").replace(":", " ").split()) - FILLING


def strangers(subject: Subject, positions: np.ndarray) -> list[int]:
    """Return the members of a cluster whose caption shares no word with any other one of it."""
    words = {i: content_words(subject.samples[i]) for i in positions.tolist()}
    counts = Counter(word for found in words.values() for word in found)
    return [i for i, found in words.items() if found and all(counts[word] == 1 for word in found)]


def check_poisoning(subject: Subject, alike: Alike) -> Found:
    """Report nearly equal pictures whose captions have nothing in common."""
    suspects: list[Suspect] = []
    examples: list[Example] = []
    for positions in clusters_with_twins(alike):
        for i in strangers(subject, positions):
            other = next(int(j) for j in positions if j != i)
            why = f"looks like {described(subject, other)}, {subject.samples[other].file}, with no word in common"
            suspects.append(subject.suspect(i, "poisoning", "warning", f"{described(subject, i)} {why}"))
            files = (subject.samples[i].file, subject.samples[other].file)
            examples.append(Example(files=files, text=f"{described(subject, i)} beside {described(subject, other)}"))
    finding = Finding(
        check="poisoning",
        title="Suspected poisoning",
        severity="warning",
        status=status_of(len(suspects)),
        count=len(suspects),
        unit="pictures",
        looked_at=len(subject.samples),
        says=(
            "Nearly equal pictures whose captions share no word: a model that learns them draws the one when asked for "
            "the other. Mostly they are things that do look alike; look at each. Hidden characters and equal pixels "
            "under two captions have findings of their own. A set from pinned packages has a stronger check: build it "
            "again and compare the digests."
        ),
        error_rate=(
            "Finds relabeled copies as far as near-duplicates are found. Known negative: a small patch in the corner "
            "of some pictures is not found, since clean drawings share corner blocks more often than such patches do."
        ),
        examples=tuple(examples[:MAX_EXAMPLES]),
    )
    return Found(finding=finding, suspects=tuple(suspects))
