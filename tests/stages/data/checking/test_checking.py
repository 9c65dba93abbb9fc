from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.artifact import verify
from underpaint.core.errors import InputError
from underpaint.stages.data.checking.record import CheckConfig, CheckReport
from underpaint.stages.data.checking.run import Checked, check_data, write_check

CHECKS = (
    "conflicting-captions",
    "exact-duplicates",
    "exact-leaks",
    "near-leaks",
    "poisoning",
    "hidden-unicode",
    "licenses",
    "unreadable",
    "blank",
    "split-leaks",
)


@pytest.mark.parametrize("check", CHECKS)
def test_a_planted_fault_is_found_and_named(planted: Any, check: str) -> None:
    named = {suspect.file for suspect in planted.checked.suspects if suspect.check == check}
    assert planted.expected[check] in named


def test_every_planted_fault_is_asked_for(planted: Any) -> None:
    assert set(planted.expected) == set(CHECKS)


def test_a_spoiled_set_is_not_sound_and_its_card_is_not_true(planted: Any) -> None:
    report: CheckReport = planted.checked.report
    assert not report.sound
    assert "card" in {finding.check for finding in report.findings if finding.status == "found"}


def test_a_sound_set_has_no_errors_and_no_warnings(sound: Checked) -> None:
    assert sound.report.sound
    assert [f.check for f in sound.report.findings if f.status == "found" and f.severity != "note"] == []


def test_what_was_not_looked_at_is_not_called_clean(sound: Checked) -> None:
    states = {finding.check: finding.status for finding in sound.report.findings}
    assert states["contamination"] == states["near-contamination"] == "not_applicable"


def test_every_finding_says_how_far_to_trust_it(sound: Checked) -> None:
    assert [f.check for f in sound.report.findings if len(f.error_rate) < 20 or len(f.says) < 20] == []


def test_the_worst_findings_come_first(planted: Any) -> None:
    findings = planted.checked.report.findings
    order = {"error": 0, "warning": 1, "note": 2}
    found = [order[f.severity] for f in findings if f.status == "found"]
    assert found == sorted(found)
    assert [f.status == "found" for f in findings] == sorted([f.status == "found" for f in findings], reverse=True)


def test_a_set_contaminates_itself_wholly(small_original: Path, fingerprint_cache: Path) -> None:
    checked = check_data(small_original, [small_original], cache=fingerprint_cache, jobs=1)
    finding = next(f for f in checked.report.findings if f.check == "contamination")
    assert finding.count == checked.report.pictures
    assert not checked.report.sound
    assert finding.examples[0].files == finding.examples[0].other_files


def test_near_copies_in_another_set_are_found(planted: Any, small_original: Path, fingerprint_cache: Path) -> None:
    folder: Path = planted.folder
    checked = check_data(folder, [small_original], cache=fingerprint_cache, jobs=1)
    near = {s.file for s in checked.suspects if s.check == "near-contamination"}
    relabeled = planted.expected["poisoning"]
    assert relabeled in near


def test_a_check_is_an_artifact_with_a_page(planted: Any, tmp_path: Path) -> None:
    checked: Checked = planted.checked
    manifest = write_check(checked, tmp_path / "check")
    assert verify(tmp_path / "check", kind="data-check") == manifest
    assert manifest.parents == {"data": checked.report.dataset}
    report = CheckReport.model_validate(json.loads((tmp_path / "check" / "report.json").read_text()))
    assert report == checked.report
    page = (tmp_path / "check" / "report.html").read_text()
    assert all(finding.title in page for finding in report.findings)
    assert page.count("data:image/png;base64,") > 10
    assert "\u200b" not in page or "hidden characters" in page


def test_the_same_check_has_the_same_digest(planted: Any, tmp_path: Path) -> None:
    checked: Checked = planted.checked
    digests = {write_check(checked, tmp_path / name).digest for name in ("one", "other")}
    assert len(digests) == 1


def test_how_it_was_looked_stands_in_the_report_and_its_manifest(
    small_original: Path, fingerprint_cache: Path, tmp_path: Path
) -> None:
    config = CheckConfig(max_distance=2, max_rmse=0.05)
    checked = check_data(small_original, config=config, cache=fingerprint_cache, jobs=1)
    assert write_check(checked, tmp_path / "check").config == config.model_dump(mode="json")
    says = next(finding.says for finding in checked.report.findings if finding.check == "near-leaks")
    assert "at most 2 of 64 bits and an RMSE below 0.05" in says


@pytest.mark.parametrize(
    "wrong", [{"max_distance": -1}, {"max_distance": 17}, {"max_rmse": 1.5}, {"review_share": 2.0}]
)
def test_a_way_to_look_that_means_nothing_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        CheckConfig.parse(wrong, source="the tests")
