"""The evidence for a model as a source of pictures: which one it is, and under which terms they are handed on."""

from __future__ import annotations

from urllib.parse import quote

from underpaint.pipelines.model_folder import Model
from underpaint.stages.data.facts import CREATOR
from underpaint.stages.data.sources import Evidence, Upstream, Verified
from underpaint.stages.data.synthetic.config import SyntheticConfig


def purl_of(name: str, digest: str) -> str:
    """Return the package URL of an artifact."""
    return f"pkg:generic/underpaint/{quote(name, safe='._~-')}@{digest}"


def source_of(model: str, digest: str) -> str:
    """Return the key of a model as a source of pictures."""
    return f"{model}@{digest[:16]}"


def evidence_of(model: Model, config: SyntheticConfig, credit: str) -> Evidence:
    """Return the terms of the pictures: what the maker of the data set states; no person drew them.

    Args:
        model: Drew them.
        config: States the license.
        credit: Words that must go along; empty if none.
    """
    said = "pictures drawn by a model; whoever ran 'underpaint synthesize' hands them on under this license"
    return Evidence(
        source=source_of(model.name, model.digest),
        purl=purl_of(model.name, model.digest),
        role="drawings",
        author=CREATOR,
        stated=config.license,
        upstream=Upstream(license=config.license, url=f"urn:underpaint:model:{model.digest}"),
        verified=Verified(license=config.license, by="the maker of the data set", date=config.date, statement=said),
        sha256=model.digest,
        credit=credit,
    )
