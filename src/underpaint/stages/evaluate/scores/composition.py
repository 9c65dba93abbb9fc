"""Compositional accuracy: does a picture show every part that its words name, in combinations never seen in training?

Classifiers read the concept, style, skin tone, gender form, color and direction off each picture. A picture is right
when all of them agree with the words. The same classifiers on the real held-out drawings give the ceiling.

Source: the shape of GenEval, arXiv 2310.11513, with the classifiers of ``evaluator-64``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from underpaint.core.attributes import labels_of
from underpaint.core.emoji import emoji_names
from underpaint.core.samples import Sample
from underpaint.metrics.estimate import Estimate
from underpaint.metrics.interval import mean_by_prompt, proportion
from underpaint.stages.evaluate.drawing.wishes import COMPOSITION, MAIN, SEEN
from underpaint.stages.evaluate.scores.ledger import Score, attempt
from underpaint.stages.evaluate.seeing.view import View

Classes = Mapping[str, Sequence[str]]
CONCEPTS = "concepts"
"""What the interval of a slice holds fixed: a slice has too few concepts to speak for others."""


def in_words(head: str, label: str) -> str:
    """Return a class in words: a concept by its name, anything else as it is."""
    if head != "concept":
        return label
    try:
        sequence = "".join(chr(int(code, 16)) for code in label.split("-"))
    except ValueError:
        return label
    return emoji_names().get(sequence, label)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the classifiers say about one picture.

    Args:
        expected: Head to the class that the words name, for heads that apply and know that class.
        found: Head to the class that the picture shows.
    """

    expected: Mapping[str, str]
    found: Mapping[str, str]

    def right(self, heads: Sequence[str]) -> bool:
        """Tell whether all of ``heads`` that apply agree."""
        return all(self.found[head] == label for head, label in self.expected.items() if head in heads)

    def share(self, heads: Sequence[str]) -> float:
        """Return the share of ``heads`` that agree, among those that apply."""
        asked = [head for head in self.expected if head in heads]
        return sum(self.found[head] == self.expected[head] for head in asked) / max(len(asked), 1)

    def reason(self, heads: Sequence[str]) -> str:
        """Say what is wrong; empty if nothing is."""
        wrong = [head for head, label in self.expected.items() if head in heads and self.found[head] != label]
        told = [(head, in_words(head, self.expected[head]), in_words(head, self.found[head])) for head in wrong]
        return "; ".join(f"{head}: expected {expected}, found {found}" for head, expected, found in told)


def answers(
    samples: Sequence[Sample | None], probabilities: Mapping[str, NDArray[np.float32]], classes: Classes
) -> list[Answer]:
    """Read every picture.

    Args:
        samples: What each picture must show; None where that is unknown.
        probabilities: Head to ``[N, K]``.
        classes: Head to the names of its ``K`` classes.
    """
    best = {head: values.argmax(axis=1) for head, values in probabilities.items()}
    known = {head: frozenset(names) for head, names in classes.items()}
    read = []
    for row, sample in enumerate(samples):
        labels = {} if sample is None else labels_of(sample)
        expected = {head: label for head, label in labels.items() if label in known.get(head, ())}
        read.append(Answer(expected=expected, found={head: classes[head][int(best[head][row])] for head in expected}))
    return read


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Pictures with answers, and the answers about the real pictures of the same prompts.

    Args:
        view: The pictures.
        drawn: Answers about them.
        real: Answers about the real ones, in the same order.
        heads: The heads that are asked.
        advisory: Those of them that are wrong too often to decide alone; the ceiling says how often.
        reference: Digest of the real pictures.
    """

    view: View
    drawn: Sequence[Answer]
    real: Sequence[Answer]
    heads: Sequence[str]
    advisory: Sequence[str] = ()
    reference: str = ""

    def caution(self, heads: Sequence[str]) -> str:
        """Say which of some heads are advisory; empty if none is."""
        weak = [head for head in heads if head in self.advisory]
        return f"read it beside the ceiling: {', '.join(weak)} is judged by an advisory head" if weak else ""

    def rows(self, part: str, level: str = "") -> list[int]:
        """Return the pictures of a part and level that the classifiers can judge."""
        return [
            row
            for row, (wish, answer) in enumerate(zip(self.view.wishes, self.drawn, strict=True))
            if wish.part == part and (not level or wish.level == level) and answer.expected
        ]

    def having(self, part: str, head: str) -> list[int]:
        """Return the pictures of a part that one head can judge."""
        return [row for row in self.rows(part) if head in self.drawn[row].expected]

    def clusters(self, rows: Sequence[int]) -> list[str]:
        """Return what makes pictures dependent: the concept."""
        return [self.view.wishes[row].cluster for row in rows]

    def prompts(self, rows: Sequence[int]) -> list[str]:
        """Return the words of pictures, whatever the style."""
        return [sample.id for row in rows if (sample := self.view.wishes[row].sample) is not None]


def _share_score(judged: Judged, metric: str, rows: list[int], heads: Sequence[str], group: str = "") -> Score:
    drawn = np.array([judged.drawn[row].right(heads) for row in rows], dtype=np.float64)
    real = [judged.real[row].right(heads) for row in rows]

    def share() -> Estimate:
        if not group:
            return replace(proportion(drawn, judged.clusters(rows)), message=judged.caution(heads))
        found = proportion(drawn, judged.prompts(rows))
        interval = None if found.interval is None else replace(found.interval, conditional_on=CONCEPTS)
        return replace(found, interval=interval, message=judged.caution(heads))

    return attempt(
        metric,
        share,
        images=[judged.view.wishes[row].image_id for row in rows],
        extractor=judged.view.extractor,
        group=group,
        reference=judged.reference,
        ceiling=float(np.mean(real)) if real else None,
    )


def head_scores(judged: Judged, part: str, heads: Sequence[str], group: str = "") -> list[Score]:
    """Return the accuracy of each head on a part of the protocol."""
    return [
        _share_score(judged, f"{head}_accuracy", rows, (head,), group)
        for head in heads
        if (rows := judged.having(part, head))
    ]


def gap_estimate(judged: Judged, rng: np.random.Generator) -> Estimate:
    """Return how much more often a seen combination is right than a held-out one of the same concept and style."""
    seen: dict[tuple[str, str | None], list[float]] = {}
    for row in judged.rows(SEEN):
        wish = judged.view.wishes[row]
        if wish.sample is not None:
            seen.setdefault((wish.sample.group, wish.style), []).append(judged.drawn[row].right(judged.heads))
    pairs = []
    for row in judged.rows(COMPOSITION):
        wish = judged.view.wishes[row]
        if wish.sample is not None and (partners := seen.get((wish.sample.group, wish.style))):
            pairs.append((np.mean(partners) - judged.drawn[row].right(judged.heads), wish.sample.group))
    return mean_by_prompt([gap for gap, _ in pairs], [group for _, group in pairs], rng)


def composition_scores(judged: Judged, rng: np.random.Generator) -> list[Score]:
    """Return the accuracy on held-out combinations: of all parts together, by level, and of each head.

    Args:
        judged: All pictures with their answers.
        rng: Draws bootstraps.
    """
    rows = judged.rows(COMPOSITION)
    if not rows:
        return []
    name = "composition_accuracy"
    scores = [_share_score(judged, name, rows, judged.heads)]
    scores += [
        _share_score(judged, name, judged.rows(COMPOSITION, level), judged.heads, f"level={level}")
        for level in sorted({judged.view.wishes[row].level for row in rows})
    ]
    shares = [judged.drawn[row].share(judged.heads) for row in rows]
    scores.append(
        attempt(
            "attribute_accuracy",
            lambda: mean_by_prompt(shares, judged.clusters(rows), rng),
            images=[judged.view.wishes[row].image_id for row in rows],
            extractor=judged.view.extractor,
            reference=judged.reference,
            ceiling=float(np.mean([judged.real[row].share(judged.heads) for row in rows])),
        )
    )
    scores += head_scores(judged, COMPOSITION, [head for head in judged.heads if head != "style"])
    if judged.rows(SEEN):
        extractor, images = judged.view.extractor, [judged.view.wishes[row].image_id for row in rows]
        gap = attempt("composition_gap", lambda: gap_estimate(judged, rng), images=images, extractor=extractor)
        scores.append(gap)
    return scores


def style_scores(judged: Judged) -> list[Score]:
    """Return how often the style asked for is the one found, over the main part and style by style."""
    rows = judged.having(MAIN, "style")
    if not rows or "style" not in judged.heads:
        return []
    scores = [_share_score(judged, "style_accuracy", rows, ("style",))]
    for style in sorted({str(judged.view.wishes[row].style) for row in rows}):
        own = [row for row in rows if judged.view.wishes[row].style == style]
        scores.append(_share_score(judged, "style_accuracy", own, ("style",), f"style={style}"))
    return scores
