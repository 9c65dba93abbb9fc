"""A plain folder of pictures with their prompts: no model is needed to evaluate what another tool has drawn.

Prompts come from ``metadata.jsonl`` or ``metadata.csv`` beside the pictures (columns ``file_name``, and ``prompt``,
``text`` or ``caption``; optionally ``prompt_id``, ``style``, ``seed``), else from what ``underpaint generate`` wrote
into each PNG. Pictures whose prompt is unknown still count for everything that needs no words.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from underpaint.core.config import Config, digest_of, parse_json
from underpaint.core.errors import DataError, InputError, PromptError, UnreadableImage
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import Sample
from underpaint.core.text import canonicalize
from underpaint.pipelines.picture_file import read_settings
from underpaint.stages.evaluate.drawing.pictures import Drawn, read_pixels, sha256_of
from underpaint.stages.evaluate.drawing.wishes import COMPOSITION, MAIN, Wish, prompt_id_of
from underpaint.stages.evaluate.record import SubjectRecord

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
METADATA = ("metadata.jsonl", "metadata.csv")
PROMPT_COLUMNS = ("prompt", "text", "caption")
SHOWN = 5


class Row(Config):
    """What is known about one picture of a folder.

    Args:
        prompt: Its prompt; empty if unknown.
        style: The style asked for.
        seed: Its seed.
        prompt_id: Name of the prompt in the list that ``underpaint evaluate --write-prompts`` wrote.
    """

    prompt: str = ""
    style: str | None = None
    seed: int | None = Field(default=None, ge=0)
    prompt_id: str = ""


@dataclass(frozen=True, kw_only=True)
class PictureFolder:
    """The pictures of a folder.

    Args:
        folder: Where they lie.
        pictures: Each with the wish that it fulfils.
        skipped: Files that cannot be read, with the reason; empty unless they may be skipped.
    """

    folder: Path
    pictures: list[Drawn]
    skipped: list[str]

    def record(self) -> SubjectRecord:
        """Say what the folder is; its identity covers every picture and its prompt."""
        held = [[p.path.name, p.sha256, p.wish.prompt, p.wish.style, p.wish.seed] for p in self.pictures]
        name = self.folder.resolve().name
        figures = {"skipped": self.skipped} if self.skipped else {}
        return SubjectRecord(name=name, identity=digest_of(held), kind="folder", n=len(self.pictures), figures=figures)


def _rows(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Read a metadata file: the rows, each with its line of the file.

    Raises:
        InputError: It is neither JSON lines nor CSV in UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    if path.suffix == ".csv":
        reader = csv.DictReader(text.splitlines())
        return [(reader.line_num, row) for row in reader]
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            row = parse_json(line) if line.strip() else None
        except ValueError as error:
            raise InputError(f"{path}, line {number} is no JSON ({error}); mend the line") from None
        if row is not None and not isinstance(row, dict):
            raise InputError(f"{path}, line {number} is no JSON object; write one object a line")
        rows += [(number, row)] if row else []
    return rows


def read_metadata(folder: Path) -> dict[str, Row]:
    """Return what the folder's metadata says, by file name; empty if there is none.

    Raises:
        InputError: A column is missing, a value is impossible, or a file is named twice.
    """
    path = next((folder / name for name in METADATA if (folder / name).is_file()), None)
    if path is None:
        return {}
    known: dict[str, Row] = {}
    for number, row in _rows(path):
        if not row.get("file_name"):
            raise InputError(f"{path}, row {number} has no file_name; its columns are {', '.join(map(str, row))}")
        if row["file_name"] in known:
            raise InputError(f"{path} names {row['file_name']!r:.100} twice; one row a picture")
        prompt = next((str(row[column]) for column in PROMPT_COLUMNS if row.get(column)), "")
        values = {key: row[key] for key in ("style", "seed", "prompt_id") if row.get(key) not in (None, "")}
        known[row["file_name"]] = Row.parse({"prompt": prompt, **values}, source=f"{path}, row {number}")
    return known


def _embedded(path: Path) -> Row:
    """Return what a PNG of ``underpaint generate`` says about itself; an empty row for other pictures."""
    try:
        settings = read_settings(path)
    except (InputError, DataError):
        return Row()
    return Row(prompt=settings.prompt, style=settings.style, seed=settings.seed)


def _canonical(prompt: str) -> str:
    try:
        return canonicalize(prompt)
    except PromptError:
        return prompt


class _Places:
    """Finds the real picture that has a prompt and style, to know the part of the protocol and the labels."""

    def __init__(self, samples: Sequence[Sample], splits: Sequence[str]) -> None:
        held_out = [sample for sample in samples if sample.split in (*splits, "test_composition")]
        self.by_id: Mapping[str, Sample] = {prompt_id_of(sample): sample for sample in held_out}
        self.by_words: Mapping[tuple[str, str | None], Sample] = {(s.caption, s.style): s for s in held_out}

    def sample(self, row: Row, prompt: str) -> Sample | None:
        return self.by_id.get(row.prompt_id) or self.by_words.get((prompt, row.style))


def _wish(name: str, row: Row, places: _Places) -> Wish:
    prompt = _canonical(row.prompt)
    sample = places.sample(row, prompt)
    composed = sample is not None and sample.split == "test_composition"
    return Wish(
        image_id=name,
        part=COMPOSITION if composed else MAIN,
        prompt_id=prompt_id_of(sample)
        if sample
        else row.prompt_id or (f"{prompt}/{row.style or ''}" if prompt else name),
        prompt=prompt,
        style=row.style,
        seed=row.seed,
        cluster=sample.cluster if sample else prompt or name,
        level=sample.level if sample and composed else "",
        sample=sample,
    )


def open_folder(
    folder: Path,
    samples: Sequence[Sample],
    splits: Sequence[str],
    report: Report = silent,
    *,
    skip_unreadable: bool = False,
) -> PictureFolder:
    """Read a folder of pictures.

    Args:
        folder: Holds the pictures, directly or in subfolders.
        samples: All samples of the data set, which know the prompts.
        splits: Splits that are the reference.
        report: Receives progress.
        skip_unreadable: Leave damaged files out, with their number and reason, instead of refusing the folder.

    Raises:
        InputError: There is no such folder, it holds no pictures, or its metadata names files that are not there.
        DataError: Files cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {str(folder)!r:.200}; name a folder of pictures, or a model")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise InputError(f"{folder} holds no pictures ({', '.join(SUFFIXES)})")
    known = read_metadata(folder)
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    if lost := sorted(set(known) - set(names)):
        raise InputError(
            f"the metadata of {folder} names {len(lost)} files that are not there: {', '.join(lost[:SHOWN])}"
        )
    places = _Places(samples, splits)
    pictures, skipped = [], []
    for number, (name, path) in enumerate(names.items(), 1):
        try:
            digest = sha256_of(read_pixels(path))
        except UnreadableImage as error:
            skipped.append(str(error))
            continue
        row = known.get(name) or _embedded(path)
        pictures.append(Drawn(wish=_wish(name, row, places), path=path, sha256=digest))
        report(Progress(task="read pictures", done=number, total=len(names), unit="pictures"))
    if skipped and not skip_unreadable:
        raise DataError(
            f"{len(skipped)} of {len(names)} pictures cannot be used, for example: {skipped[0]}; mend them, or leave "
            "them out with --skip-unreadable"
        )
    return PictureFolder(folder=folder, pictures=pictures, skipped=skipped)
