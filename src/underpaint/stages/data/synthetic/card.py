"""What only the card of a synthetic data set says: which model drew the pictures, and what made each of them."""

from __future__ import annotations

from pathlib import Path

from underpaint.core.artifact import hash_file
from underpaint.stages.data.synthetic.evidence import purl_of
from underpaint.stages.data.synthetic.facts import SyntheticFacts
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
