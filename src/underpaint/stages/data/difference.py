"""The difference of two data sets: pictures added, removed and changed, and how the counts moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from underpaint.core.artifact import Manifest, read_manifest
from underpaint.core.config import Config
from underpaint.core.errors import DataError
from underpaint.core.samples import Sample, read_samples
from underpaint.stages.data.folder.terms import BETWEEN

COMPARED = (
    "caption",
    "alternatives",
    "sha256_pixels",
    "split",
    "license",
    "name",
    "cluster",
    "group",
    "source",
    "level",
)
"""Fields whose change is reported, the weightiest first."""
FOLDER = "folder"
"""The data sets of a person's own pictures."""
FIELD_NAMES = {"sha256_pixels": "pixels", "alternatives": "other captions"}


class Named(Config):
    """A picture that only one of the two data sets holds."""

    id: str
    style: str
    caption: str
    split: str
    file: str


class Change(Config):
    """A picture that both hold, but not alike.

    Args:
        id: Its id.
        style: Its style.
        caption: Its caption in the first one.
        fields: Name of a field to its value in the first and in the second one.
    """

    id: str
    style: str
    caption: str
    fields: dict[str, tuple[str, str]]


class Moved(Config):
    """A count in the first and in the second data set."""

    before: int
    after: int


class DataDiff(Config):
    """The difference.

    Args:
        first: Digest of the first data set.
        second: Digest of the second one.
        same: Pictures that are the same in both.
        added: Pictures of the second one alone.
        removed: Pictures of the first one alone.
        changed: Pictures of both that differ.
        changed_fields: Field to number of pictures in which it differs.
        by_split: Split to its counts.
        by_style: Style to its counts.
        by_license: License to its counts.
        source_name: The names under which a person's pictures without a source of their own are listed, where the two
            differ; such sources count as the same.
        settings: Name of a setting to its value in the first and in the second one, where these differ.
        parents: Name of what it was made from to its digest in the first and in the second one, where these differ.
        files: Path of a file inside the artifact to ``added``, ``removed`` or ``changed``, where the two differ.
    """

    first: str
    second: str
    same: int
    added: tuple[Named, ...]
    removed: tuple[Named, ...]
    changed: tuple[Change, ...]
    changed_fields: dict[str, int]
    by_split: dict[str, Moved]
    by_style: dict[str, Moved]
    by_license: dict[str, Moved]
    source_name: tuple[str, str] | None
    settings: dict[str, tuple[str, str]]
    parents: dict[str, tuple[str, str]]
    files: dict[str, str]


Key = tuple[str, str]


def by_key(samples: Sequence[Sample], folder: Path) -> dict[Key, Sample]:
    """Return samples by style and id.

    Raises:
        DataError: Two have the same.
    """
    found = {(s.style, s.id): s for s in samples}
    if len(found) < len(samples):
        twice = next(key for key, count in Counter((s.style, s.id) for s in samples).items() if count > 1)
        raise DataError(f"{folder}: id {twice[1]!r} stands twice in style {twice[0]!r}; build the data set again")
    return found


def named(sample: Sample) -> Named:
    """Name a picture."""
    return Named(id=sample.id, style=sample.style, caption=sample.caption, split=sample.split, file=sample.file)


def change_of(one: Sample, other: Sample) -> Change | None:
    """Return what differs; None if nothing that is compared does."""
    fields = {
        FIELD_NAMES.get(field, field): (str(getattr(one, field)), str(getattr(other, field)))
        for field in COMPARED
        if getattr(one, field) != getattr(other, field)
    }
    return Change(id=one.id, style=one.style, caption=one.caption, fields=fields) if fields else None


def moved(first: Sequence[Sample], second: Sequence[Sample], value: Callable[[Sample], str]) -> dict[str, Moved]:
    """Count the values of a field in both."""
    before, after = Counter(map(value, first)), Counter(map(value, second))
    return {name: Moved(before=before[name], after=after[name]) for name in sorted({*before, *after})}


def name_of(manifest: Manifest) -> str:
    """Return the name under which a person's pictures are listed that have no source of their own; empty if none is."""
    return str(manifest.config.get("name", "")) if manifest.config.get("dataset") == FOLDER else ""


def renamed(sample: Sample, name: str, other: str) -> Sample:
    """Return a sample that is listed under a name, as it would be listed under another one."""
    head, between, rest = sample.source.partition(BETWEEN)
    return sample.model_copy(update={"source": f"{other}{between}{rest}"}) if head == name else sample


def difference(first: Path, second: Path) -> DataDiff:
    """Compare two data sets by their samples; pictures are compared by the hashes of their pixels.

    Args:
        first: A data set.
        second: Another one, normally a later build of it.

    Raises:
        InputError: There is no such folder.
        ArtifactError: One of them is no data set.
        DataError: ``samples.jsonl`` cannot be read, or an id stands twice.
    """
    manifests = [read_manifest(folder, kind="dataset") for folder in (first, second)]
    samples = [read_samples(folder) for folder in (first, second)]
    names = name_of(manifests[0]), name_of(manifests[1])
    is_renamed = all(names) and names[0] != names[1]
    parents = dict(manifests[1].parents)
    if is_renamed:
        samples[1] = [renamed(sample, names[1], names[0]) for sample in samples[1]]
        parents = {names[0] if name == names[1] else name: digest for name, digest in parents.items()}
    old, new = by_key(samples[0], first), by_key(samples[1], second)
    changed = [change_of(old[key], new[key]) for key in old if key in new]
    found = tuple(change for change in changed if change is not None)
    return DataDiff(
        first=manifests[0].digest,
        second=manifests[1].digest,
        same=len(changed) - len(found),
        added=tuple(named(new[key]) for key in new if key not in old),
        removed=tuple(named(old[key]) for key in old if key not in new),
        changed=found,
        changed_fields=dict(Counter(field for change in found for field in change.fields).most_common()),
        by_split=moved(samples[0], samples[1], lambda s: s.split),
        by_style=moved(samples[0], samples[1], lambda s: s.style),
        by_license=moved(samples[0], samples[1], lambda s: s.license),
        source_name=names if is_renamed else None,
        settings=differing(manifests[0].config, manifests[1].config),
        parents=differing(manifests[0].parents, parents),
        files=differing_files(manifests[0], manifests[1]),
    )


def differing_files(first: Manifest, second: Manifest) -> dict[str, str]:
    """Return the files of two artifacts that differ by their hashes, and how."""
    old, new = first.files, second.files
    return {
        name: "added" if name not in old else "removed" if name not in new else "changed"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    }


def differing(first: Mapping[str, object], second: Mapping[str, object]) -> dict[str, tuple[str, str]]:
    """Return the entries that differ."""
    names = sorted(first.keys() | second.keys())
    values = {name: (str(first.get(name, "")), str(second.get(name, ""))) for name in names}
    return {name: pair for name, pair in values.items() if pair[0] != pair[1]}
