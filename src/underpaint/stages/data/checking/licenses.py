"""Licenses, sample by sample: missing, unreadable, unknown, or not allowing weights of the license that is wanted."""

from __future__ import annotations

from collections import Counter, defaultdict

from underpaint.adapters.license_expression import parse
from underpaint.stages.data.checking.record import Found
from underpaint.stages.data.checking.subject import Subject
from underpaint.stages.data.license import owes_credit, use_problems
from underpaint.stages.data.license_classes import MISLABELED

USUAL = "Apache-2.0"
"""License of weights where neither the person nor the data set says another."""


def problem_of(license_: str, source: str, weights_license: str) -> str:
    """Return why a sample must not enter weights; empty if it may."""
    if not license_.strip():
        return "no license is stated"
    try:
        expression = parse(license_)
    except ValueError as error:
        return f"license {license_!r} is no SPDX expression: {error}"
    mislabeled = [why for start, why in MISLABELED.items() if source.startswith(start)]
    return "; ".join([*(what for _, what in use_problems(expression, "weights", weights_license)), *mislabeled])


def asks_for_credit(license_: str) -> bool:
    """Tell whether the authors must be named; what cannot be read asks for nothing."""
    try:
        return owes_credit(parse(license_))
    except ValueError:
        return False


def check_licenses(subject: Subject, weights_license: str) -> Found:
    """Report pictures whose license does not allow the use.

    Args:
        subject: The data set.
        weights_license: SPDX key of the license that weights shall carry; empty for what the set itself states.
    """
    wanted = weights_license or str(subject.manifest.config.get("weights_license") or USUAL)
    positions: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, sample in enumerate(subject.samples):
        positions[sample.license, sample.source].append(i)
    problems = {key: problem_of(*key, wanted) for key in positions}
    bad = sorted((i, problems[key]) for key, found in positions.items() if problems[key] for i in found)
    credited = sum(len(found) for (license_, _), found in positions.items() if asks_for_credit(license_))
    return subject.faulty(
        "licenses",
        dict(bad),
        title="Licenses",
        unit="pictures",
        says=(
            f"Each picture's license must be there, must be SPDX, must be classified, and must allow weights under "
            f"{wanted}. The authors of {credited:,} pictures must be named."
        ),
        error_rate=(
            "Exact for what is stated; a false statement is not found. Sources known to be mislabeled are refused by "
            "name."
        ),
        counts={
            "pictures by license": dict(Counter(s.license or "none stated" for s in subject.samples).most_common())
        },
    )
