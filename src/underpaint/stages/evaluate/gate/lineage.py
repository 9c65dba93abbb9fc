"""Who may judge whom: a model that learned from the evaluator or from the reference is not judged by them."""

from __future__ import annotations

from collections.abc import Iterator

from underpaint.core.config import digest_of
from underpaint.core.errors import ComparisonError
from underpaint.stages.evaluate.comparing.evaluated import Evaluated

SHORTEST = 8


def _judges(evaluated: Evaluated) -> Iterator[tuple[str, str]]:
    """Yield every digest, whole or its beginning, that stands for an evaluator or the reference, with its name."""
    for name, card in evaluated.report.extractors.items():
        _, _, short = name.partition(":")
        digests = [short, digest_of(card), *(str(card[key]) for key in ("digest", "weights_sha256") if card.get(key))]
        yield from ((digest, f"the evaluator {name}") for digest in digests)
    if reference := evaluated.report.reference:
        yield reference.identity, f"the reference {reference.name}"


def check_lineage(candidate: Evaluated, baseline: Evaluated) -> None:
    """Refuse a candidate that was trained on what judges it.

    Raises:
        ComparisonError: Its lineage holds the evaluator or the reference; the message names the artifact.
    """
    subject = candidate.report.subject
    for evaluated in (candidate, baseline):
        for digest, judge in _judges(evaluated):
            for role, ancestor in subject.lineage.items():
                if len(digest) >= SHORTEST and ancestor.startswith(digest):
                    raise ComparisonError(
                        f"{subject.name} was made with {judge} (its lineage has {role}: {ancestor[:16]}), which would "
                        "judge its own pupil; evaluate both with an evaluator and a reference that it has not seen"
                    )
