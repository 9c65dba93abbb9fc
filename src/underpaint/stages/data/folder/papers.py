"""The papers of a person's pictures: card, datasheet and notices, each sentence true of what was read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from underpaint.adapters.mlcroissant import validate
from underpaint.core.samples import Sample
from underpaint.stages.data.card import write_card
from underpaint.stages.data.card_check import refuse_card
from underpaint.stages.data.contact import write_contact_sheet
from underpaint.stages.data.datasheet import table, write_datasheet
from underpaint.stages.data.facts import VERSION, count_samples
from underpaint.stages.data.folder.audit import FolderAudit, write_audit
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.license import Obligations, credits_of
from underpaint.stages.data.notices import write_notices
from underpaint.stages.data.publication import UNKNOWN_DATE
from underpaint.stages.data.responsible import RAI_FIELDS
from underpaint.stages.data.sources import Evidence

BEGINNING = ("Pictures and captions of the sources below, as who built this data set stated.",)


@dataclass(frozen=True, kw_only=True)
class FolderFacts:
    """Everything that the papers may state.

    Args:
        config: The settings of the build.
        samples: All samples.
        sources: Origins, authors and licenses.
        duties: What the licenses ask for.
        audit: The figures of the checks.
        made_with: Library that draws to version.
    """

    config: FolderConfig
    samples: list[Sample]
    sources: tuple[Evidence, ...]
    duties: Obligations
    audit: FolderAudit
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
    def counts(self) -> dict[str, int]:
        """Numbers of samples: all, by split and by style."""
        return count_samples(self.samples)

    @property
    def description(self) -> str:
        """A sentence; it states the number of samples."""
        counts, size = self.counts, self.config.size
        return (
            f"{counts['samples']} pictures of {size}x{size} pixels with {counts['captions']} different captions, made "
            f"of a person's own files ({self.audit.kind})."
            + (" When they were published is not known." if self.published == UNKNOWN_DATE else "")
        )

    @property
    def keywords(self) -> list[str]:
        """Words to find the data set by."""
        return ["text-to-image", "pictures", *sorted({s.style for s in self.samples} - {""})]

    @property
    def creator(self) -> str:
        """Who made the data set."""
        return ", ".join(sorted({s.author for s in self.sources})[:8])

    @property
    def published(self) -> str:
        """When, as YYYY-MM-DD."""
        return self.config.date

    @property
    def captions_by(self) -> str:
        """Who wrote the captions."""
        return "not stated"

    @property
    def credits(self) -> list[str]:
        """Words that must go along with the data and with weights trained on them."""
        return credits_of(self.sources)


def collection_fields(facts: FolderFacts) -> dict[str, object]:
    """Describe where the pictures come from and what was done to them."""
    audit, config = facts.audit, facts.config
    dropped = ", ".join(f"{rule} {n}" for rule, n in audit.dropped_by_rule.items()) or "none"
    changed = ", ".join(f"{note} {n}" for note, n in audit.changed.items()) or "none"
    return {
        "dataCollection": f"Read from a person's own files ({audit.kind}); how they were collected was not stated.",
        "dataCollectionType": ["Others"],
        "dataCollectionMissingData": f"{audit.rows} rows were read. Left out by rule: {dropped}.",
        "dataCollectionRawData": "Picture files and a caption for each, unchanged; they are no part of this.",
        "dataCollectionTimeframe": [config.date],
        "dataImputationProtocol": "Nothing is imputed.",
        "dataManipulationProtocol": (
            "Captions are in canonical lower-case ASCII; of several captions of a row the first is taken. Pictures are "
            "neither cropped nor recolored; color profiles are ignored."
        ),
        "dataPreprocessingProtocol": [
            f"Turned upright by EXIF, scaled as a whole to {config.size}x{config.size} RGBA with straight alpha, on a "
            f"ground that is {config.background}.",
            f"Pictures that had to be converted: {changed}.",
            f"{audit.groups} groups united to {audit.clusters} clusters of near-duplicates (perceptual hash distance "
            "at most 4 and RMSE below 0.10 at 32 px); no cluster lies in two splits.",
        ],
    }


ANNOTATION: dict[str, object] = {
    "dataAnnotationProtocol": "Captions as they stood beside the pictures; who wrote them was not stated.",
    "dataAnnotationPlatform": ["Not stated"],
    "dataAnnotationAnalysis": ["Not applicable: without a second hand it cannot be shown that captions are right."],
    "annotationsPerItem": "1",
    "annotatorDemographics": ["Not stated."],
    "machineAnnotationTools": ["underpaint (perceptual hash, clusters and splits)"],
}
"""Where the captions come from, as far as that is known."""


def use_fields(facts: FolderFacts) -> dict[str, object]:
    """Describe what the data are good for, and what they are not."""
    captions = facts.audit.captions
    return {
        "dataReleaseMaintenancePlan": "The same files and settings make the same data set; who built it maintains it.",
        "personalSensitiveInformation": "Not examined: who publishes this must know whether persons are to be seen.",
        "dataSocialImpact": "Not examined.",
        "dataBiases": [
            "Not examined, apart from counts: "
            + "; ".join(f"{split} {n}" for split, n in facts.audit.by_split.items())
            + f"; largest cluster {facts.audit.largest_cluster}."
        ],
        "dataLimitations": [
            f"English captions of at most {captions.longest_words} words; {captions.captions} different ones.",
            "Licenses and authors are as stated by who built the data set, not verified; whether pictures are "
            "synthetic was not examined.",
        ],
        "dataUseCases": ["Training and testing small text-to-image models."],
    }


def rai_fields(facts: FolderFacts) -> dict[str, object]:
    """Return all twenty fields in the order of the specification, with the prefix ``rai:``."""
    fields = collection_fields(facts) | ANNOTATION | use_fields(facts)
    return {f"rai:{name}": fields[name] for name in RAI_FIELDS} | {"rai:hasSyntheticData": False}


def contents(facts: FolderFacts) -> str:
    """Describe what is in the data set, for the datasheet."""
    audit = facts.audit
    styles = {style or "none": n for style, n in audit.by_style.items()}
    return "\n\n".join(
        (
            f"{facts.description} Captions are made of {audit.captions.words:,} different words.",
            table(audit.by_split, "split"),
            table(styles, "style"),
            table(audit.by_license, "license"),
            f"Left out: {sum(audit.dropped_by_rule.values())} of {audit.rows} rows; `audit.json` lists each.",
        )
    )


def write_papers(facts: FolderFacts, folder: Path) -> None:
    """Write everything that goes along with the samples, and check it.

    Raises:
        DataError: The card is not true in every point.
        LicenseRefused: The text of a license that must go along is not at hand.
    """
    write_audit(facts.audit, folder)
    write_contact_sheet(facts.samples, folder)
    counts = dict(Counter(sample.source for sample in facts.samples))
    write_notices(facts.sources, facts.duties, counts, folder, beginning=BEGINNING)
    rai = rai_fields(facts)
    write_datasheet(facts, rai, contents(facts), folder)
    card = write_card(facts, rai, folder)
    refuse_card(folder)
    validate(card)
