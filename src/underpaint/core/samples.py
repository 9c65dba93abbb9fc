"""The table of samples of a data set: one record a picture, stored as ``samples.jsonl``."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from pydantic import Field

from underpaint.core.artifact import storage_errors
from underpaint.core.config import Config, canonical_json
from underpaint.core.errors import DataError, InputError

SAMPLES = "samples.jsonl"
MAX_LINE_CHARACTERS = 100_000


class Sample(Config):
    """One picture with its caption, origin and place in the splits.

    Args:
        id: Code points in lower-case hexadecimal joined by ``-``; unique within a style, shared by all styles.
        cluster: The smallest group id among near-duplicates; the unit that splits keep together.
        group: The concept: the id without skin tone, gender and direction.
        name: The name exactly as the source gives it.
        caption: The name in the canonical form that prompts take too.
        style: Name of the style, for example ``cartoon``.
        family: Hand that drew it; styles of one family share their shapes.
        source: Key of the source package, with version.
        icon: Name of the drawing inside the source.
        license: SPDX expression of the drawing.
        sha256_pixels: SHA-256 of the straight-alpha RGBA bytes, row by row.
        phash: Perceptual hash at 32 px as 16 hexadecimal characters; the same at every size of the data set.
        split: ``train``, ``validation``, ``test_concept``, ``test_style`` or ``test_composition``.
        level: What exactly the split holds out, for example ``role_tone``; empty if nothing more is to be said.
        weight: Share of the picture among the variants of its group, style and split; they add up to 1.
        file: POSIX path of the PNG inside the data set.
        alternatives: Other captions, in canonical form, that training draws from too; left out where there are none.
    """

    id: str
    cluster: str
    group: str
    name: str
    caption: str
    style: str
    family: str
    source: str
    icon: str
    license: str
    sha256_pixels: str
    phash: str
    split: str
    level: str
    weight: float
    file: str
    alternatives: tuple[str, ...] = Field(default=(), exclude_if=lambda captions: not captions)

    @property
    def captions(self) -> tuple[str, ...]:
        """All captions, the own one first."""
        return (self.caption, *self.alternatives)


STATED = tuple(name for name, field in Sample.model_fields.items() if field.is_required())
"""The fields that every record has, which cards describe."""
_STATED = set(STATED)
REPEATED = ("style", "family", "source", "license", "split", "level")
"""Fields of which many samples have the same value."""


def write_samples(folder: Path, samples: Iterable[Sample]) -> Path:
    """Write ``samples.jsonl`` into a folder and return its path; the order of the samples is kept."""
    path = folder / SAMPLES
    with storage_errors(path), path.open("w", encoding="utf-8") as file:
        file.writelines(canonical_json(sample.model_dump()) + "\n" for sample in samples)
    return path


def iterate_samples(folder: Path) -> Iterator[Sample]:
    """Read and validate the samples of a data set one by one.

    Args:
        folder: A data set artifact.

    Raises:
        DataError: The file is missing, or a line is not a sample; the message names the line.
    """
    path = folder / SAMPLES
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                yield parse_line(line, f"{path}, line {number}")
    except FileNotFoundError:
        raise DataError(f"{folder} has no {SAMPLES}; build it with: underpaint data build stickers --out DIR") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start}); build the data set again") from None


def read_samples(folder: Path) -> list[Sample]:
    """Read and validate the samples of a data set, in half the memory; see ``iterate_samples``."""
    return [compact(sample) for sample in iterate_samples(folder)]


def compact(sample: Sample) -> Sample:
    """Return a sample that shares words that repeat and the set of its fields with other samples."""
    values = vars(sample) | {name: sys.intern(getattr(sample, name)) for name in REPEATED}
    values |= {name: sample.id for name in ("cluster", "group") if values[name] == sample.id}
    stated = _STATED if sample.model_fields_set == _STATED else sample.model_fields_set
    return Sample.model_construct(_fields_set=stated, **values)


class SampleFile(Collection[Sample]):
    """The samples of a data set, read anew whenever they are gone through, so that they take no memory.

    Args:
        folder: A data set artifact.
        count: Number of its samples; counted if None.
    """

    def __init__(self, folder: Path, count: int | None = None) -> None:
        self.folder = folder
        self.count = sum(1 for _ in iterate_samples(folder)) if count is None else count

    def __len__(self) -> int:
        """Return the number of samples."""
        return self.count

    def __iter__(self) -> Iterator[Sample]:
        """Read the samples; see ``iterate_samples``."""
        return iterate_samples(self.folder)

    def __contains__(self, sample: object) -> bool:
        """Tell whether a sample is among them."""
        return any(one == sample for one in self)


def parse_line(line: str, where: str) -> Sample:
    """Parse one line of ``samples.jsonl``.

    Args:
        line: JSON text of one sample.
        where: File and line; named in the error.

    Raises:
        DataError: The line is too long, no JSON, has other keys than a sample, or its file lies outside the data set.
    """
    if len(line) > MAX_LINE_CHARACTERS:
        raise DataError(f"{where}: the line has {len(line)} characters, at most {MAX_LINE_CHARACTERS} are allowed")
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} is no sample: it is no JSON ({error}); build the data set again") from None
    if not isinstance(values, dict):
        raise DataError(f"{where} is no sample: it is no JSON object; build the data set again")
    try:
        sample = Sample.parse(values, source=where)
    except InputError as error:
        raise DataError(f"{error}; build the data set again") from None
    if sample.file.startswith("/") or ".." in sample.file.split("/"):
        raise DataError(f"{where}: the file {sample.file!r} lies outside the data set; build it again")
    return sample
