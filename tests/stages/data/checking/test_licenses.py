from __future__ import annotations

from dataclasses import replace

import pytest

from underpaint.stages.data.checking.licenses import asks_for_credit, check_licenses, problem_of
from underpaint.stages.data.checking.run import Checked
from underpaint.stages.data.license_classes import MISLABELED


@pytest.mark.parametrize(
    ("license_", "weights", "words"),
    [
        ("MIT", "Apache-2.0", ""),
        ("MIT OR CC-BY-NC-4.0", "Apache-2.0", ""),
        ("MIT AND CC-BY-NC-4.0", "Apache-2.0", "non-commercial"),
        ("CC-BY-SA-4.0", "CC-BY-SA-4.0", ""),
        ("CC-BY-SA-4.0", "Apache-2.0", "asks for the same license"),
        (" ", "Apache-2.0", "no license is stated"),
        ("free for all", "Apache-2.0", "no SPDX expression"),
    ],
)
def test_a_license_is_judged_by_what_the_weights_shall_carry(license_: str, weights: str, words: str) -> None:
    found = problem_of(license_, "somewhere", weights)
    assert words in found and bool(words) == bool(found)


def test_a_source_that_is_known_to_be_mislabeled_is_refused_whatever_it_states() -> None:
    assert {problem_of("MIT", f"{start}@1", "MIT") for start in MISLABELED} == set(MISLABELED.values())


@pytest.mark.parametrize(
    ("license_", "asked"),
    [
        ("CC-BY-4.0", True),
        ("CC0-1.0", False),
        ("CC0-1.0 AND CC-BY-4.0", True),
        ("CC0-1.0 OR CC-BY-4.0", False),
        ("CC-BY-4.0 OR CC-BY-3.0", True),
        ("", False),
        ("free for all", False),
    ],
)
def test_who_may_choose_a_license_without_credit_owes_none(license_: str, asked: bool) -> None:
    assert asks_for_credit(license_) is asked


def test_every_picture_that_owes_credit_is_counted(sound: Checked) -> None:
    samples = [
        s.model_copy(update={"license": ("CC-BY-4.0", "CC0-1.0")[i % 3 > 0]})
        for i, s in enumerate(sound.subject.samples)
    ]
    found = check_licenses(replace(sound.subject, samples=samples), "")
    assert "The authors of 20 pictures must be named" in found.finding.says
    assert found.finding.counts == {"pictures by license": {"CC0-1.0": 40, "CC-BY-4.0": 20}}
