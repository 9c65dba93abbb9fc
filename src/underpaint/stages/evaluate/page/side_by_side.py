"""The section of a comparison with pictures: the same prompt and seed, drawn by each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from underpaint.core.page.album import CAP_BYTES, Album, tile
from underpaint.core.page.layout import Section
from underpaint.core.page.markup import element, words
from underpaint.stages.evaluate.page.pictures import LOWER_IS_BETTER, caption, duo, grid, score_name
from underpaint.stages.evaluate.record import PictureRecord

SHOWN = 24
PER_SAMPLE = "per_sample.jsonl"
Key = tuple[str, str, int | None]


def pictures_of(folder: Path) -> dict[Key, PictureRecord]:
    """Return the kept pictures of an evaluation by part, prompt and seed; none if it is gone or unreadable."""
    try:
        lines = (folder / PER_SAMPLE).read_text(encoding="utf-8").splitlines()
        records = [PictureRecord.model_validate_json(line) for line in lines if line]
    except (OSError, ValidationError, UnicodeDecodeError):
        return {}
    return {(one.part, one.prompt_id, one.seed): one for one in records if one.file}


def _loss(pictures: Sequence[PictureRecord], baseline: int, score: str) -> float:
    """Return by how much the worst of the others falls behind the baseline."""
    sign = -1.0 if LOWER_IS_BETTER.search(score) else 1.0
    scores = [sign * picture.scores.get(score, 0.0) for picture in pictures]
    return scores[baseline] - min(scores[:baseline] + scores[baseline + 1 :])


def side_by_side(comparison: Mapping[str, Any]) -> Section | None:
    """Show pictures of the same prompt and seed, those first where the others fall behind the baseline most.

    Args:
        comparison: A ``Comparison`` as plain values.
    """
    subjects, baseline = comparison["subjects"], int(comparison["baseline"])
    folders = [Path(subject["folder"]) for subject in subjects]
    found = [pictures_of(folder) for folder in folders]
    shared = [key for key in found[0] if all(key in one for one in found[1:])]
    if not shared:
        return None
    score = score_name([found[baseline][key] for key in shared])
    rows = [[one[key] for one in found] for key in shared]
    rows.sort(key=lambda pictures: (-_loss(pictures, baseline, score), pictures[0].image_id))
    albums = [Album(folder, cap_bytes=CAP_BYTES // len(folders)) for folder in folders]
    figures = []
    for pictures in rows[:SHOWN]:
        sides = [
            (tile(album.uri(one.file), f"{subject['name']}: {one.prompt}"), str(subject["name"]))
            for album, one, subject in zip(albums, pictures, subjects, strict=True)
        ]
        reasons = {one.reason: None for one in pictures if one.reason}
        said = [element("span", words(reason), class_="reason") for reason in reasons]
        figures.append(element("figure", duo(*sides), caption(pictures[0], said), class_="case", data_flicker="on"))
    lead = "The same words and seed, drawn by each; first those where the others fall behind the baseline most."
    return Section(title="The same prompt, drawn by each", body=grid(figures), lead=lead)
