"""The facts of one synthetic data set that its card, its datasheet and its notices are written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from underpaint.core.samples import Sample
from underpaint.pipelines.model_folder import Model
from underpaint.stages.data.audit import Audit
from underpaint.stages.data.clean import Dropped
from underpaint.stages.data.facts import CREATOR, VERSION, count_samples
from underpaint.stages.data.license import Obligations, credits_of
from underpaint.stages.data.sources import Evidence, Upstream, Verified
from underpaint.stages.data.synthetic.config import SyntheticConfig
from underpaint.stages.data.synthetic.privacy import PrivacyReport


class SyntheticAudit(Audit):
    """All figures of the checks, and what only drawn pictures have.

    Args:
        asked_for: Pictures that were asked for.
        blank: Pictures that came out blank, those drawn in place of a blank one included.
        given_up: Wishes that have no picture, since every one came out blank.
        privacy: How near the pictures come to what the model has learnt from.
    """

    asked_for: int
    blank: int
    given_up: int
    privacy: PrivacyReport
    not_checked: tuple[str, ...] = (
        "whether a picture shows its caption: the caption is what the model was asked for, not what somebody saw",
        "what the model has learnt wrongly: its mistakes and its one-sidedness are in the pictures",
    )


@dataclass(frozen=True, kw_only=True)
class SyntheticFacts:
    """Everything that the papers of a synthetic data set may state.

    Args:
        config: What was drawn and by whom.
        samples: All samples.
        evidence: The terms of the pictures.
        duties: What the license gate found.
        audit: The figures of the checks.
        parents: Role to digest of what the pictures come from: the model, its data set.
        made_with: Library to version.
    """

    config: SyntheticConfig
    samples: list[Sample]
    evidence: Evidence
    duties: Obligations
    audit: SyntheticAudit
    parents: Mapping[str, str]
    made_with: dict[str, str]

    @property
    def name(self) -> str:
        """Name of the data set."""
        return self.config.name

    @property
    def url(self) -> str:
        """A name that stays the same wherever the data set lies."""
        return f"urn:underpaint:dataset:{self.name}:{VERSION}"

    @property
    def description(self) -> str:
        """A sentence; it states the number of samples."""
        return (
            f"Synthetic: {len(self.samples)} small drawings with transparent background in the styles "
            f"{', '.join(self.styles)}, drawn by the model {self.config.model} from {self.counts['captions']} "
            "different English captions, split by concept."
        )

    @property
    def keywords(self) -> list[str]:
        """Words to find the data set by."""
        return ["synthetic", "stickers", "emoji", "text-to-image", "illustrations", *self.styles]

    @property
    def creator(self) -> str:
        """Who made the data set."""
        return CREATOR

    @property
    def published(self) -> str:
        """When, as YYYY-MM-DD."""
        return self.config.date

    @property
    def captions_by(self) -> str:
        """Who wrote the captions."""
        return "the prompts that the model was given"

    @property
    def sources(self) -> tuple[Evidence, ...]:
        """The model, which drew everything."""
        return (self.evidence,)

    @property
    def styles(self) -> list[str]:
        """Names of the styles."""
        return sorted({sample.style for sample in self.samples})

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of samples: all, by split and by style."""
        return count_samples(self.samples)

    @property
    def credits(self) -> list[str]:
        """Words that must go along, as the data set of the model asks."""
        return credits_of(self.sources)


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


def dropped(style: str | None, caption: str, seed: int, rule: str, detail: str, source: str) -> Dropped:
    """Record a picture that is left out."""
    return Dropped(source=source, icon=icon_of(seed), name=caption, style=style or "", rule=rule, detail=detail)


def icon_of(seed: int) -> str:
    """Return what names a drawing inside its source: its seed."""
    return f"seed-{seed}"
