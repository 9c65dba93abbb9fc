"""What a check says: findings with their number, examples, severity, and what is known about the search's errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from underpaint.core.config import Config
from underpaint.stages.data.near_duplicates import MAX_DISTANCE, MAX_RMSE

MAX_EXAMPLES = 12
"""Most examples of a finding; ``suspects.jsonl`` lists all."""

Severity = Literal["error", "warning", "note"]
"""``error``: the set must not be used so. ``warning``: a person should look. ``note``: good to know."""
Status = Literal["found", "clean", "not_applicable"]


class CheckConfig(Config):
    """How to look.

    Args:
        max_distance: Most bits in which the perceptual hashes of near-duplicates differ, 0 to 16.
        max_rmse: Difference of pixels (0 to 1) below which pictures are near-duplicates.
        review_share: Share of the captions that goes on the list of dirty ones, 0 to 1.
        plant_seed: Seed of the swapped captions that the search for dirty captions is tried with.
        weights_license: License that weights trained on the data shall carry; empty for what the set itself states.
    """

    max_distance: int = Field(default=MAX_DISTANCE, ge=0, le=16)
    max_rmse: float = Field(default=MAX_RMSE, ge=0, le=1)
    review_share: float = Field(default=0.05, ge=0, le=1)
    plant_seed: int = 0
    weights_license: str = ""


class Suspect(Config):
    """A picture that a check found, as it stands in ``suspects.jsonl`` and in exclusion lists.

    Args:
        id: Its id.
        style: Its style.
        file: Its path inside the data set.
        check: The finding it belongs to.
        severity: How bad that is.
        reason: What is wrong with this one.
    """

    id: str
    style: str
    file: str
    check: str
    severity: Severity
    reason: str


class Example(Config):
    """Something to look at.

    Args:
        files: Pictures of the data set, side by side.
        other: Name of another data set; empty if there is none.
        other_files: Its pictures beside them.
        text: What is wrong.
    """

    files: tuple[str, ...]
    other: str = ""
    other_files: tuple[str, ...] = ()
    text: str


class Finding(Config):
    """The outcome of one check.

    Args:
        check: Its name, for machines.
        title: Its name, for people.
        severity: How bad it is if something is found.
        status: Whether something was found; what could not be looked at is ``not_applicable``, which is not clean.
        count: How many were found.
        unit: What is counted.
        looked_at: How many were looked at.
        says: What was looked for, what that means, what to do.
        error_rate: What is known about how much this search misses, and how often it is wrong.
        examples: Some of what was found.
        counts: Tables of numbers: name to row to number.
    """

    check: str
    title: str
    severity: Severity
    status: Status
    count: int
    unit: str
    looked_at: int
    says: str
    error_rate: str
    examples: tuple[Example, ...] = ()
    counts: dict[str, dict[str, int]] = {}


class CheckReport(Config):
    """The whole check.

    Args:
        dataset: Digest of the data set.
        against: Name to digest of the data sets it was compared with.
        files: Files whose hash was compared with the manifest.
        pictures: Pictures that were decoded.
        sound: Whether there is no error.
        findings: What was found, the worst first.
        warnings: What mlcroissant warns of.
        not_checked: What no check here can find.
    """

    dataset: str
    against: dict[str, str] = {}
    files: int
    pictures: int
    sound: bool
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Found:
    """A finding together with all pictures it is about."""

    finding: Finding
    suspects: tuple[Suspect, ...] = ()


def status_of(count: int) -> Status:
    """Return ``found`` or ``clean``."""
    return "found" if count else "clean"


def worst_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Order findings: what was found before what was not, errors before warnings before notes."""
    severities, states = ("error", "warning", "note"), ("found", "not_applicable", "clean")
    return tuple(sorted(findings, key=lambda f: (states.index(f.status), severities.index(f.severity))))
