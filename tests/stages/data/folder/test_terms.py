from __future__ import annotations

import pytest

from underpaint.stages.data.folder.terms import asks_for_author, license_problem
from underpaint.stages.data.license_classes import LICENSES

ADVICE = "weights may learn from "


@pytest.mark.parametrize("weights_license", ["Apache-2.0", "GPL-3.0-only"])
def test_what_is_recommended_is_accepted_and_what_is_refused_is_not_recommended(weights_license: str) -> None:
    problems = {key: license_problem(key, weights_license) for key in LICENSES}
    accepted = [key for key, problem in problems.items() if not problem]
    refused = [problem for problem in problems.values() if problem]
    assert accepted and refused
    assert all(problem.partition(ADVICE)[2].split(", ") == accepted for problem in refused)


def test_no_derivatives_is_neither_accepted_nor_recommended() -> None:
    problem = license_problem("CC-BY-ND-4.0", "Apache-2.0")
    assert "allows no changed versions" in problem
    assert "CC-BY-ND" not in problem.partition(ADVICE)[2]


def test_a_license_under_another_name_is_answered_by_what_was_typed() -> None:
    assert license_problem("GPL", "Apache-2.0").startswith("the license 'GPL' is read as GPL-1.0-or-later: ")
    assert license_problem("GPL-3.0-only", "Apache-2.0").startswith("GPL-3.0-only asks")


def test_a_license_that_is_nearly_one_gets_its_name() -> None:
    assert license_problem("cc0", "Apache-2.0").endswith("did you mean CC0-1.0?")
    assert license_problem("all mine", "Apache-2.0").endswith("give one such as CC-BY-4.0")


def test_a_license_whose_text_is_not_at_hand_is_refused_before_any_work() -> None:
    assert "the text of BSD-3-Clause must go along and is not at hand" in license_problem("BSD-3-Clause", "Apache-2.0")
    assert license_problem("MIT", "Apache-2.0") == ""


@pytest.mark.parametrize(
    ("expression", "asked"),
    [
        ("CC-BY-4.0", True),
        ("MIT", True),
        ("CC0-1.0", False),
        ("OFL-1.1", False),
        ("CC0-1.0 AND CC-BY-4.0", True),
        ("CC0-1.0 OR CC-BY-4.0", False),
        ("MIT OR CC-BY-4.0", True),
    ],
)
def test_an_author_is_asked_for_where_no_choice_does_without(expression: str, asked: bool) -> None:
    assert asks_for_author(expression) is asked
