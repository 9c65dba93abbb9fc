"""The responsible-AI fields of the card of a person's pictures: what is known of them, and that the rest is not."""

from __future__ import annotations

from underpaint.stages.data.folder.audit import PASSED_OVER
from underpaint.stages.data.folder.facts import FolderFacts
from underpaint.stages.data.near_duplicates import DEFINITION
from underpaint.stages.data.responsible import in_order


def collection_fields(facts: FolderFacts) -> dict[str, object]:
    """Describe where the pictures come from and what was done to them."""
    audit, config = facts.audit, facts.config
    dropped = ", ".join(f"{rule} {n}" for rule, n in audit.dropped_by_rule.items()) or "none"
    passed_over = ", ".join(f"{n} {PASSED_OVER[rule]}" for rule, n in audit.passed_over_by_rule.items()) or "none"
    changed = ", ".join(f"{note} {n}" for note, n in audit.changed.items()) or "none"
    return {
        "dataCollection": f"Read from a person's own files ({audit.kind}); how they were collected was not stated.",
        "dataCollectionType": ["Others"],
        "dataCollectionMissingData": (
            f"{audit.rows} rows were read. Left out by rule: {dropped}. Other pictures that lay there: {passed_over}."
        ),
        "dataCollectionRawData": "Picture files and a caption for each, unchanged; they are no part of this.",
        "dataCollectionTimeframe": [config.date],
        "dataImputationProtocol": "Nothing is imputed.",
        "dataManipulationProtocol": (
            f"Captions are in canonical lower-case ASCII; of several captions of a row {told_of_several(facts)}. "
            "Pictures are neither cropped nor recolored; color profiles are ignored."
        ),
        "dataPreprocessingProtocol": [
            f"Turned upright by EXIF, scaled as a whole to {config.size}x{config.size} RGBA with straight alpha, on a "
            f"ground that is {config.background}.",
            f"Pictures that had to be converted: {changed}.",
            f"{audit.groups} groups united to {audit.clusters} clusters of near-duplicates ({DEFINITION}); "
            "no cluster lies in two splits.",
        ],
    }


def told_of_several(facts: FolderFacts) -> str:
    """Say what becomes of several captions of one row."""
    if facts.alternatives:
        return "the first is the picture's own, the others are kept beside it"
    return "the first is taken"


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
    """Return all twenty fields; see ``in_order``."""
    several = {"annotationsPerItem": "1 or more"} if facts.alternatives else {}
    return in_order(collection_fields(facts) | ANNOTATION | several | use_fields(facts), synthetic=False)
