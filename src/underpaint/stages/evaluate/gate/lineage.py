"""Who may judge whom: a model that learned from the evaluator or from the reference pictures is not judged by them.

The data set is no such judge: models learn from its training split and are measured on its test splits.
"""

from __future__ import annotations

from collections.abc import Iterator

from underpaint.core.config import digest_of
from underpaint.core.errors import ComparisonError
from underpaint.stages.evaluate.comparing.evaluated import Evaluated

SHORTEST = 8
DIGESTS = ("artifact_digest", "digest", "weights_sha256")
"""What a card of an extractor may say about where it comes from."""


def _judges(evaluated: Evaluated) -> Iterator[tuple[str, str]]:
    """Yield every digest, whole or its beginning, that stands for what judges, with its name."""
    report = evaluated.report
    for name, card in report.extractors.items():
        identity = digest_of({key: value for key, value in card.items() if key != "artifact_digest"})
        digests = [name.partition(":")[2], identity, *(str(card[key]) for key in DIGESTS if card.get(key))]
        yield from ((digest, f"the evaluator {name}") for digest in digests)
    yield report.protocol.prompts_digest, "the list of prompts"
    for digest in {measurement.reference for measurement in report.metrics}:
        yield digest, "the reference pictures"


def check_lineage(candidate: Evaluated, baseline: Evaluated) -> None:
    """Refuse a candidate that was trained on what judges it.

    Raises:
        ComparisonError: Its lineage holds the evaluator, the prompts or the reference pictures; the message names the
            artifact.
    """
    subject = candidate.report.subject
    for evaluated in (candidate, baseline):
        dataset = evaluated.report.reference.identity if evaluated.report.reference else ""
        for digest, judge in _judges(evaluated):
            for role, ancestor in subject.lineage.items():
                if len(digest) >= SHORTEST and digest != dataset and ancestor.startswith(digest):
                    raise ComparisonError(
                        f"{subject.name} was made with {judge} (its lineage has {role}: {ancestor[:16]}), which would "
                        "judge its own pupil; evaluate both with an evaluator and a reference that it has not seen"
                    )
