"""The card of a synthetic data set: ``croissant.json``, which says that a model drew the pictures, and which one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from underpaint.core.artifact import hash_file, storage_errors
from underpaint.stages.data.card import CARD, file_objects, make_card
from underpaint.stages.data.synthetic.facts import SyntheticFacts, purl_of
from underpaint.stages.data.synthetic.labels import DRAWN


def drawn_object(folder: Path) -> dict[str, object]:
    """Describe the file with the settings and labels of every picture."""
    path = folder / DRAWN
    return {
        "@type": "cr:FileObject",
        "@id": DRAWN,
        "name": DRAWN,
        "description": "What made each picture (prompt, style, seed, model), and the attributes its caption names.",
        "contentUrl": DRAWN,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": "application/jsonlines",
        "sha256": hash_file(path),
    }


def provenance_fields(facts: SyntheticFacts) -> dict[str, object]:
    """Return from what and by what the pictures were made: the model, and the data sets that are known."""
    data = sorted({digest for role, digest in facts.parents.items() if role != "model"})
    purls = [facts.evidence.purl, *(purl_of("dataset", digest) for digest in data)]
    return {
        "prov:wasDerivedFrom": [{"@id": purl} for purl in purls],
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "prov:label": "underpaint synthesize",
            "prov:used": [f"{name} {version}" for name, version in sorted(facts.made_with.items())],
            "prov:wasAssociatedWith": {
                "@type": "prov:SoftwareAgent",
                "@id": facts.evidence.purl,
                "prov:label": facts.config.model,
            },
            "prov:value": f"config {facts.config.digest()}",
        },
    }


def write_card(facts: SyntheticFacts, rai: Mapping[str, object], folder: Path) -> Path:
    """Write ``croissant.json`` of a data set whose other files are written, and return its path.

    Args:
        facts: What it states.
        rai: The responsible-AI fields, with the prefix ``rai:``.
        folder: The data set.
    """
    path = folder / CARD
    card = make_card(facts, rai, folder) | provenance_fields(facts)
    card["distribution"] = [*file_objects(folder), drawn_object(folder)]
    with storage_errors(path):
        path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
