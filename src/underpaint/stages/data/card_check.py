"""The strict check of a card: what mlcroissant lets pass is found here.

mlcroissant 1.1.1 accepts unknown ``rai:`` names (so, typing errors), missing RAI fields, any text as a license, and it
knows two RAI names in another spelling than the specification's. Here names must be exact, values not empty, licenses
and package URLs must parse, and every hash and count must equal what lies in the folder.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from underpaint.adapters.license_expression import parse
from underpaint.core.artifact import hash_file
from underpaint.core.errors import DataError
from underpaint.core.samples import STATED, Sample, iterate_samples
from underpaint.stages.data.card import CARD, CONFORMS, CONTEXT, SPDX
from underpaint.stages.data.facts import count_samples
from underpaint.stages.data.license import keys_of
from underpaint.stages.data.notices import ATTRIBUTION, CREDITS
from underpaint.stages.data.responsible import RAI_FIELDS
from underpaint.stages.data.text_hashes import TextHashes

REQUIRED = (
    "@context",
    "@type",
    "conformsTo",
    "name",
    "description",
    "license",
    "url",
    "creator",
    "publisher",
    "datePublished",
    "dateCreated",
    "dateModified",
    "version",
    "keywords",
    "inLanguage",
    "isLiveDataset",
    "sdLicense",
    "citeAs",
    "variableMeasured",
    "distribution",
    "recordSet",
    "usageInfo",
    "prov:wasDerivedFrom",
    "prov:wasGeneratedBy",
    "prov:wasAttributedTo",
)
CREDIT = "creditText"
"""Only there if a source must be credited in given words."""
RAI_NAMES = frozenset(f"rai:{name}" for name in (*RAI_FIELDS, "hasSyntheticData"))
DATES = ("datePublished", "dateCreated", "dateModified")
SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
PURL = re.compile(r"pkg:[a-z][a-z0-9.+-]*(/[A-Za-z0-9._~%+-]+)+(@[A-Za-z0-9._~%:+-]+)?")
URI = re.compile(r"(https?://[^\s]+|urn:[a-z0-9-]+:[^\s]+)")
MAX_LISTED = 20


def name_problems(card: dict[str, Any]) -> Iterator[str]:
    """Find missing and unknown names, and empty values."""
    for name in (*REQUIRED, *sorted(RAI_NAMES)):
        if name not in card:
            yield f"{name} is missing"
    for name in card.keys() - {*REQUIRED, *RAI_NAMES, CREDIT}:
        yield f"{name} is no name of Croissant 1.1, RAI 1.0 or PROV that this card uses; is it misspelt?"
    yield from empty_problems(card, "card")
    if card.get("@context") != CONTEXT:
        yield "@context differs from the specification's (with https://schema.org/)"
    if card.get("conformsTo") != list(CONFORMS):
        yield f"conformsTo is {card.get('conformsTo')!r} instead of {list(CONFORMS)}"
    if card.get("@type") != "sc:Dataset":
        yield f"@type is {card.get('@type')!r} instead of 'sc:Dataset'"


def empty_problems(value: Any, where: str) -> Iterator[str]:
    """Find empty texts, lists and objects at any depth."""
    if value is None or (
        isinstance(value, str | list | dict) and not (value.strip() if isinstance(value, str) else value)
    ):
        yield f"{where} is empty"
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from empty_problems(child, f"{where}/{key}")


def value_problems(card: dict[str, Any]) -> Iterator[str]:
    """Check dates, version, address, types of RAI values."""
    for name in DATES:
        try:
            dt.date.fromisoformat(str(card.get(name)))
        except ValueError:
            yield f"{name} is {card.get(name)!r}, not a date such as 2026-11-21"
    if not SEMVER.fullmatch(str(card.get("version"))):
        yield f"version is {card.get('version')!r}, not like 1.0.0"
    if not URI.fullmatch(str(card.get("url"))):
        yield f"url is {card.get('url')!r}, neither a web address nor a URN"
    if not isinstance(card.get("rai:hasSyntheticData"), bool):
        yield "rai:hasSyntheticData is neither true nor false"


def license_problems(card: dict[str, Any], folder: Path) -> Iterator[str]:
    """Check that the licenses are SPDX pages, and that they and the credits are those of ``attribution.json``."""
    urls = card.get("license")
    found = set()
    for url in urls if isinstance(urls, list) else [urls]:
        key = str(url).removeprefix(SPDX)
        try:
            if not str(url).startswith(SPDX) or not isinstance(parse(key), str):
                raise ValueError("it is no address of one license")
            found.add(key)
        except ValueError as error:
            yield f"license {url!r} is no page below {SPDX}: {error}"
    try:
        stated = json.loads((folder / ATTRIBUTION).read_text(encoding="utf-8"))
        expected = keys_of(parse(stated["license"]))
        owed = stated["obligations_on_weights"].get(CREDITS, [])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        yield f"{ATTRIBUTION} cannot be read: {error}"
    else:
        if found != expected:
            yield f"license names {sorted(found)}, but {ATTRIBUTION} names {sorted(expected)}"
        if card.get(CREDIT, []) != owed:
            yield f"{CREDIT} is {card.get(CREDIT)!r}, but {ATTRIBUTION} asks for {owed}"


def provenance_problems(card: dict[str, Any]) -> Iterator[str]:
    """Check the package URLs."""
    derived = card.get("prov:wasDerivedFrom")
    for entry in derived if isinstance(derived, list) else [derived]:
        purl = entry.get("@id") if isinstance(entry, dict) else entry
        if not PURL.fullmatch(str(purl)):
            yield f"prov:wasDerivedFrom {purl!r} is no package URL"


def file_problems(card: dict[str, Any], folder: Path) -> Iterator[str]:
    """Compare every file object with its file."""
    for entry in card.get("distribution") or ():
        name = entry.get("@id")
        if entry.get("@type") == "cr:FileSet":
            continue
        path = folder / str(entry.get("contentUrl"))
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            yield f"distribution {name}: {entry.get('contentUrl')!r} is no file of the data set"
        elif entry.get("sha256") != hash_file(path):
            yield f"distribution {name}: sha256 is {entry.get('sha256')!r}, the file's is {hash_file(path)}"
        elif entry.get("contentSize") != f"{path.stat().st_size} B":
            yield f"distribution {name}: contentSize is {entry.get('contentSize')!r}, not {path.stat().st_size} B"


def matching(folder: Path, pattern: Sequence[str]) -> Iterator[str]:
    """Yield the paths inside a folder that match a pattern, one part of the path after the other."""
    head, *rest = pattern
    with os.scandir(folder) as entries:
        for entry in entries:
            if fnmatch.fnmatchcase(entry.name, head):
                if rest and entry.is_dir():
                    yield from (f"{entry.name}/{name}" for name in matching(Path(entry.path), rest))
                elif not rest:
                    yield entry.name


def counted(folder: Path) -> tuple[dict[str, int], np.ndarray]:
    """Return the counts of a data set, and the sorted hashes of the files that its samples name."""
    files = TextHashes()

    def passing() -> Iterator[Sample]:
        for sample in iterate_samples(folder):
            files.add(sample.file)
            yield sample

    return count_samples(passing()), files.once()


def count_problems(card: dict[str, Any], folder: Path) -> Iterator[str]:
    """Compare every count with ``samples.jsonl``, and the set of pictures with the folder."""
    expected, named = counted(folder)
    stated = {entry.get("propertyID"): entry.get("value") for entry in card.get("variableMeasured") or ()}
    for name in expected.keys() | stated.keys():
        if expected.get(name) != stated.get(name):
            yield f"variableMeasured {name!r} is {stated.get(name)}, counted {expected.get(name)}"
    if f"{expected['samples']} " not in str(card.get("description")):
        yield f"description does not state the number of samples, {expected['samples']}"
    for entry in card.get("distribution") or ():
        if entry.get("@type") == "cr:FileSet":
            present = TextHashes()
            for name in matching(folder, PurePosixPath(str(entry.get("includes"))).parts or ("",)):
                present.add(name)
            if not np.array_equal(present.once(), named):
                yield (
                    f"distribution {entry.get('@id')}: {present.count()} files, samples.jsonl names "
                    f"{expected['samples']}"
                )


def field_problems(card: dict[str, Any]) -> Iterator[str]:
    """Check that the record set has exactly the fields of a sample, and that every reference has a target."""
    sets = {entry.get("@id"): entry for entry in card.get("recordSet") or ()}
    fields = {field.get("name") for field in sets.get("samples", {}).get("field", ())}
    if fields != set(STATED):
        yield f"recordSet samples: fields differ from a sample's by {sorted(fields ^ set(STATED))}"
    targets = {entry.get("@id") for entry in card.get("distribution") or ()}
    targets |= {field.get("@id") for entry in sets.values() for field in entry.get("field", ())}
    for entry in sets.values():
        for field in entry.get("field", ()):
            named = [field.get("source", {}).get(kind, {}).get("@id") for kind in ("fileObject", "fileSet")]
            named.append(field.get("references", {}).get("field", {}).get("@id"))
            for target in named:
                if target is not None and target not in targets:
                    yield f"recordSet field {field.get('@id')} refers to {target!r}, which does not exist"


def card_problems(folder: Path) -> list[str]:
    """Check the card of a data set.

    Args:
        folder: The data set.

    Returns:
        Everything that is wrong with it, in words.

    Raises:
        DataError: There is no card, or it is no JSON object.
    """
    path = folder / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}); build the data set again") from None
    if not isinstance(card, dict):
        raise DataError(f"{path} is no JSON object; build the data set again")
    try:
        return [
            *name_problems(card),
            *value_problems(card),
            *license_problems(card, folder),
            *provenance_problems(card),
            *file_problems(card, folder),
            *count_problems(card, folder),
            *field_problems(card),
        ]
    except (AttributeError, TypeError) as error:
        return [f"the card is not laid out as Croissant asks: {error}"]


def refuse_card(folder: Path) -> None:
    """Refuse a data set whose card is not true in every point.

    Raises:
        DataError: The message lists the first problems.
    """
    problems = card_problems(folder)
    if problems:
        raise DataError(f"{folder / CARD} has {len(problems)} problem(s): {'; '.join(problems[:MAX_LISTED])}")
