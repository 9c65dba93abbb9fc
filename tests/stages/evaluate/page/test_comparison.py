from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from underpaint.stages.evaluate.comparing.comparison import Cell, ComparedSubject, Comparison, Refusal, Row
from underpaint.stages.evaluate.page.comparison import change_of, comparison_page, verdict_of, write_comparison_page
from underpaint.stages.evaluate.page.page import page_of
from underpaint.stages.evaluate.page.sweep import sweep_page, write_sweep_page
from underpaint.stages.evaluate.record import PictureRecord, Report

EVIL = "<script>x</script>"
EVALUATOR = "evaluator-64:1a2b3c4d"


def cell(subject: int, value: float, **more: Any) -> Cell:
    return Cell(subject=subject, value=value, low=value - 0.02, high=value + 0.02, n=880, **more)


def compared(folders: list[Path]) -> dict[str, Any]:
    subjects = [
        ComparedSubject(
            name=f"{EVIL}{index}",
            folder=str(folder),
            evaluation="a" * 64,
            identity="b" * 64,
            created="2026",
            suite="quick",
        )
        for index, folder in enumerate(folders)
    ]
    moved = {"delta": -0.05, "delta_low": -0.08, "delta_high": -0.02, "best_rank": 1, "worst_rank": 2}
    slower = {"delta": 0.2, "delta_low": 0.1, "delta_high": 0.3, "scale": "log ratio"}
    refused = "made by another extractor <b>"
    rows = [
        Row(
            metric="r_precision", extractor=EVALUATOR, direction="higher", cells=(cell(0, 0.5), cell(1, 0.45, **moved))
        ),
        Row(metric="latency_p50_ms", unit="ms", direction="lower", cells=(cell(0, 50.0), cell(1, 61.0, **slower))),
        Row(metric="kid", extractor=EVALUATOR, direction="lower", cells=(cell(0, 0.1), cell(1, 0.1, refused=refused))),
    ]
    refusals = (Refusal(subject=1, metrics=("kid",), reason=refused),)
    made = Comparison(subjects=tuple(subjects), rows=tuple(rows), refused=refusals)
    return made.model_dump(mode="json")


@pytest.fixture
def folders(artifact: Path, pictures: list[PictureRecord], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    lines = "\n".join(json.dumps(picture.model_dump(mode="json")) for picture in pictures)
    (artifact / "per_sample.jsonl").write_text(lines, encoding="utf-8")
    other = tmp_path_factory.mktemp("other") / "evaluation"
    shutil.copytree(artifact, other)
    return [artifact, other]


def test_a_comparison_shows_differences_pictures_and_refusals(folders: list[Path], tmp_path: Path) -> None:
    values = compared(folders)
    page = write_comparison_page(values, tmp_path / "c.html").read_text(encoding="utf-8")
    titles = ("Differences", "Quality against cost", "The same prompt, drawn by each", "Side by side", "Not compared")
    assert all(f">{title}</h2>" in page for title in titles)
    assert "of 2 numbers, 0 better, 2 worse, 0 cannot be told apart" in page
    assert page.count("<script") == 1 and "<b>" not in page
    assert page.count('data-flicker="on"') == 6
    assert "place 1 to 2" in page and "not compared" in page


def test_a_comparison_without_its_folders_has_no_pictures(tmp_path: Path) -> None:
    assert "drawn by each" not in comparison_page(compared([tmp_path / "gone", tmp_path / "away"]))


def test_differences_are_turned_so_that_positive_is_worse(tmp_path: Path) -> None:
    rows = compared([tmp_path, tmp_path])["rows"]
    change = change_of(rows[0], rows[0]["cells"][1], rows[0]["cells"][0])
    assert change == pytest.approx((0.1, 0.04, 0.16))
    assert verdict_of((0.1, 0.04, 0.16)) == "fail"
    assert verdict_of((-0.1, -0.16, -0.04)) == "pass"
    assert verdict_of((0.0, -0.1, 0.1)) == "indeterminate"
    assert change_of(rows[2], rows[2]["cells"][1], rows[2]["cells"][0]) is None


def test_a_report_may_carry_a_comparison(report: Report, folders: list[Path]) -> None:
    page = page_of(folders[0], report, [], comparison=compared(folders))
    assert ">Side by side</h2>" in page


def test_a_sweep_shows_its_front_its_cells_and_its_effects(report: Report, tmp_path: Path) -> None:
    quality, time = f"r_precision@{EVALUATOR}", "latency_p50_ms"

    def point(label: str, settings: dict[str, float], q: float, t: float, on_front: bool) -> dict[str, Any]:
        metrics = [
            {
                "id": quality,
                "metric": "r_precision",
                "extractor": EVALUATOR,
                "value": q,
                "se": 0.01,
                "direction": "higher",
            },
            {"id": time, "metric": time, "value": t, "unit": "ms", "direction": "lower"},
        ]
        changes = [{"id": quality, "group": "", "delta": q - 0.3, "se": 0.01}] if settings else []
        return {"settings": settings, "label": label, "metrics": metrics, "changes": changes, "on_front": on_front}

    sweep = {
        **{
            key: report.model_dump(mode="json")[key]
            for key in ("created", "command", "subject", "protocol", "environment")
        },
        "quality": quality,
        "points": [
            point("own settings", {}, 0.3, 50.0, True),
            point(f"steps 8 {EVIL}", {"steps": 8.0}, 0.36, 80.0, True),
            point("steps 1", {"steps": 1.0}, 0.2, 60.0, False),
        ],
        "effects": [{"factor": "steps", "level": 8.0, "id": quality, "mean": 0.06, "cells": 1}],
    }
    page = sweep_page(sweep)
    assert "Of 3 combinations, 2 are on the front" in page
    assert "Δ +6.0 ± 1.0 points better" in page and "Δ −10.0 ± 1.0 points worse" in page
    assert page.count("<script") == 1
    assert write_sweep_page(sweep, tmp_path / "s.html").read_text(encoding="utf-8") == page
