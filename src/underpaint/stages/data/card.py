"""The card: ``croissant.json``, Croissant 1.1 with RAI 1.0, provenance and terms of use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from underpaint.adapters.license_expression import parse
from underpaint.core.artifact import hash_file, storage_errors
from underpaint.core.samples import SAMPLES, STATED, Sample
from underpaint.stages.data.contact import CONTACT_SHEET
from underpaint.stages.data.facts import VERSION, CardFacts
from underpaint.stages.data.license import keys_of
from underpaint.stages.data.notices import ATTRIBUTION, NOTICE

CARD, AUDIT = "croissant.json", "audit.json"
SPDX = "https://spdx.org/licenses/"
CONFORMS = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
TERMS = (
    "arrayShape",
    "citeAs",
    "column",
    "containedIn",
    "equivalentProperty",
    "excludes",
    "extract",
    "field",
    "fileObject",
    "fileProperty",
    "fileSet",
    "format",
    "includes",
    "isArray",
    "isLiveDataset",
    "jsonPath",
    "key",
    "md5",
    "parentField",
    "path",
    "readLines",
    "recordSet",
    "references",
    "regex",
    "repeated",
    "replace",
    "samplingRate",
    "sdVersion",
    "separator",
    "source",
    "subField",
    "transform",
    "unArchive",
    "value",
    "annotation",
)
_PREFIXES: dict[str, object] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "duo": "http://purl.obolibrary.org/obo/DUO_",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "description": {"@container": "@language"},
}
CONTEXT: dict[str, object] = {**_PREFIXES, **{term: f"cr:{term}" for term in TERMS}}
"""The context of the specification's appendix, with https for schema.org (mlcommons/croissant#1018)."""

FILES = {
    SAMPLES: ("application/jsonlines", "One record a picture."),
    ATTRIBUTION: ("application/json", "Sources, three license columns each, and obligations."),
    AUDIT: ("application/json", "Figures of all checks, and every drawing that was left out."),
    NOTICE: ("text/plain", "Notices that licenses ask for."),
    CONTACT_SHEET: ("image/png", "Some of the pictures, to look at."),
}
SPLIT_TYPES = {"train": "cr:TrainingSplit", "validation": "cr:ValidationSplit"}


def file_objects(folder: Path) -> list[dict[str, object]]:
    """Describe the single files and the set of pictures."""
    objects: list[dict[str, object]] = [
        {
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "description": description,
            "contentUrl": name,
            "contentSize": f"{(folder / name).stat().st_size} B",
            "encodingFormat": media,
            "sha256": hash_file(folder / name),
        }
        for name, (media, description) in FILES.items()
    ]
    return [
        *objects,
        {
            "@type": "cr:FileSet",
            "@id": "pictures",
            "name": "pictures",
            "description": "PNG files, RGBA with straight alpha; their pixel hashes stand in samples.jsonl.",
            "encodingFormat": "image/png",
            "includes": "images/*/*.png",
        },
    ]


def column(name: str, description: str, **more: object) -> dict[str, object]:
    """Describe one column of ``samples.jsonl``."""
    return {
        "@type": "cr:Field",
        "@id": f"samples/{name}",
        "name": name,
        "description": description,
        "dataType": "sc:Float" if name == "weight" else "sc:Text",
        "source": {"fileObject": {"@id": SAMPLES}, "extract": {"column": name}},
        **more,
    }


def described_fields() -> dict[str, str]:
    """Return field to description, from the docstring of ``Sample``."""
    text = (Sample.__doc__ or "").split("Args:")[1]
    rows = [line.strip().partition(": ") for line in text.strip().splitlines()]
    return {name: description.replace("`", "") for name, colon, description in rows if colon and name in STATED}


def split_set(facts: CardFacts) -> dict[str, object]:
    """Describe the splits."""
    splits = sorted(facts.tally.by_split)
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            {"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text"},
            {"@type": "cr:Field", "@id": "splits/url", "name": "url", "dataType": "sc:URL"},
        ],
        "data": [{"splits/name": split, "splits/url": SPLIT_TYPES.get(split, "cr:TestSplit")} for split in splits],
    }


def sample_set(facts: CardFacts) -> dict[str, object]:
    """Describe the samples."""
    columns = {name: column(name, text) for name, text in described_fields().items()}
    columns["split"]["references"] = {"field": {"@id": "splits/name"}}
    columns["caption"]["prov:wasAttributedTo"] = {"@type": "prov:Agent", "prov:label": facts.captions_by}
    return {
        "@type": "cr:RecordSet",
        "@id": "samples",
        "name": "samples",
        "description": f"{len(facts.samples)} records, one a picture.",
        "key": {"@id": "samples/file"},
        "field": list(columns.values()),
    }


def picture_field(name: str, kind: str, content: str) -> dict[str, object]:
    """Describe what a record holds of each picture: its path, or its content."""
    return {
        "@type": "cr:Field",
        "@id": f"pictures_by_path/{name}",
        "name": name,
        "dataType": kind,
        "source": {"fileSet": {"@id": "pictures"}, "extract": {"fileProperty": content}},
    }


PICTURE_SET: dict[str, object] = {
    "@type": "cr:RecordSet",
    "@id": "pictures_by_path",
    "name": "pictures_by_path",
    "description": "The pictures; the path equals samples/file. mlcroissant drops the alpha channel.",
    "field": [picture_field("path", "sc:Text", "fullpath"), picture_field("image", "sc:ImageObject", "content")],
}


def general_fields(facts: CardFacts) -> dict[str, object]:
    """Return name, description, license, dates and the like."""
    creator = {"@type": "sc:Organization", "name": facts.creator, "url": "urn:underpaint:contributors"}
    return {
        "name": facts.name,
        "description": facts.description,
        "license": license_urls(facts),
        **({"creditText": facts.credits} if facts.credits else {}),
        "url": facts.url,
        "creator": creator,
        "publisher": creator,
        "datePublished": facts.published,
        "dateCreated": facts.published,
        "dateModified": facts.published,
        "version": VERSION,
        "keywords": facts.keywords,
        "inLanguage": "en",
        "isLiveDataset": False,
        "sdLicense": f"{SPDX}Apache-2.0",
        "citeAs": f"@misc{{{facts.name}, author={{{facts.creator}}}, title={{{facts.name} {VERSION}}}, "
        f"year={{{facts.published[:4]}}}}}",
        "variableMeasured": [
            {"@type": "sc:PropertyValue", "propertyID": name, "value": count} for name, count in facts.counts.items()
        ],
    }


def license_urls(facts: CardFacts) -> list[str]:
    """Return the SPDX pages of all licenses in the data."""
    return [f"{SPDX}{key}" for key in sorted(keys_of(parse(facts.duties.license)))]


def provenance_fields(facts: CardFacts) -> dict[str, object]:
    """Return from what, by what, and for what use."""
    return {
        "prov:wasDerivedFrom": [{"@id": source.purl} for source in facts.sources],
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "prov:label": "underpaint data build",
            "prov:used": [f"{name} {version}" for name, version in sorted(facts.made_with.items())],
            "prov:value": f"config {facts.config.digest()}",
        },
        "prov:wasAttributedTo": {"@type": "prov:Agent", "prov:label": facts.creator},
        "usageInfo": {
            "@type": "sc:DefinedTerm",
            "termCode": "DUO_0000042",
            "url": "http://purl.obolibrary.org/obo/DUO_0000042",
        },
    }


def make_card(
    facts: CardFacts,
    rai: Mapping[str, object],
    folder: Path,
    *,
    fields: Mapping[str, object],
    files: Sequence[Mapping[str, object]],
) -> dict[str, object]:
    """Return the card of a data set whose other files are written.

    Args:
        facts: What it states.
        rai: The responsible-AI fields, with the prefix ``rai:``.
        folder: The data set.
        fields: More fields, or other ones in place of those of every data set.
        files: Descriptions of more files than every data set has.
    """
    card = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": list(CONFORMS),
        **general_fields(facts),
        **provenance_fields(facts),
        **rai,
        "distribution": [*file_objects(folder), *files],
        "recordSet": [split_set(facts), sample_set(facts), PICTURE_SET],
    }
    return card | dict(fields)


def write_card(
    facts: CardFacts,
    rai: Mapping[str, object],
    folder: Path,
    *,
    fields: Mapping[str, object] | None = None,
    files: Sequence[Mapping[str, object]] = (),
) -> Path:
    """Write ``croissant.json`` and return its path; see ``make_card``."""
    path, card = folder / CARD, make_card(facts, rai, folder, fields=fields or {}, files=files)
    with storage_errors(path):
        path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
