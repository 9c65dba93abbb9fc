"""The responsible-AI fields of the card: the twenty of Croissant RAI 1.0, each a true sentence with its figures."""

from __future__ import annotations

from collections.abc import Mapping

from underpaint.stages.data.facts import Facts
from underpaint.stages.data.near_duplicates import DEFINITION

RAI_FIELDS = (
    "dataCollection",
    "dataCollectionType",
    "dataCollectionMissingData",
    "dataCollectionRawData",
    "dataCollectionTimeframe",
    "dataImputationProtocol",
    "dataManipulationProtocol",
    "dataPreprocessingProtocol",
    "dataAnnotationProtocol",
    "dataAnnotationPlatform",
    "dataAnnotationAnalysis",
    "annotationsPerItem",
    "annotatorDemographics",
    "machineAnnotationTools",
    "dataReleaseMaintenancePlan",
    "personalSensitiveInformation",
    "dataSocialImpact",
    "dataBiases",
    "dataLimitations",
    "dataUseCases",
)
PUBLISHED_UPSTREAM = ("2013-01-01", "2026-11-21")
"""From the oldest drawings upstream to the pinned versions."""


def collection_fields(facts: Facts) -> dict[str, object]:
    """Describe where the pictures come from and what was done to them."""
    audit, sources = facts.audit, ", ".join(source.purl for source in facts.sources)
    gaps = "".join(f"Only {', '.join(s)} has {name}. " for name, s in audit.representation.only_in.items() if s)
    dropped = ", ".join(f"{rule} {count}" for rule, count in audit.dropped_by_rule.items()) or "none"
    return {
        "dataCollection": (
            f"Emoji drawings joined by code points with their English Unicode CLDR names, from {sources}. Package "
            "files are compared with pinned SHA-256 hashes before they are read."
        ),
        "dataCollectionType": ["Existing datasets", "Secondary Data analysis"],
        "dataCollectionMissingData": (
            f"Drawings without a CLDR name and national flags are left out. {gaps}Left out by rule: {dropped}."
        ),
        "dataCollectionRawData": (
            "Vector drawings (SVG) or bitmap glyphs, and CLDR annotation files, as published upstream."
        ),
        "dataCollectionTimeframe": [f"{PUBLISHED_UPSTREAM[0]}/{PUBLISHED_UPSTREAM[1]}"],
        "dataImputationProtocol": "Nothing is imputed.",
        "dataManipulationProtocol": (
            "Names with attributes are rewritten as phrases and put into canonical lower-case ASCII; nothing else is "
            "changed in meaning. Pictures are not recolored, flipped or cropped."
        ),
        "dataPreprocessingProtocol": [
            f"Rendered straight to {facts.config.size}x{facts.config.size} RGBA with straight alpha.",
            f"{audit.groups} concept groups (skin tone, gender sign and direction removed) united to {audit.clusters} "
            f"clusters of near-duplicates ({DEFINITION}).",
            "Splits by cluster in the order of a hash, all styles of a concept together.",
        ],
    }


def annotation_fields(facts: Facts) -> dict[str, object]:
    """Describe where the captions come from."""
    dirty = facts.audit.dirty_captions
    agreement = (
        f"Cross-style consistency of {dirty.compared} untoned drawings: half of them rank better than "
        f"{dirty.median_rank:.2%} of all captions; the worst {len(dirty.review)} are listed in audit.json for review."
        if dirty.applicable
        else "Not applicable: one family of drawings alone cannot show whether captions are right."
    )
    return {
        "dataAnnotationProtocol": (
            "Captions are the English short names of Unicode CLDR, vetted by the CLDR committee, not written for these "
            "drawings one by one."
        ),
        "dataAnnotationPlatform": ["Unicode CLDR Survey Tool"],
        "dataAnnotationAnalysis": [agreement],
        "annotationsPerItem": "1",
        "annotatorDemographics": ["Unknown: contributors to Unicode CLDR."],
        "machineAnnotationTools": [
            "None for captions",
            "ImageHash (perceptual hash)",
            "underpaint (groups and splits)",
        ],
    }


def use_fields(facts: Facts) -> dict[str, object]:
    """Describe what the data are good for, and what they are not."""
    report, total = facts.audit.representation, len(facts.samples)
    toned = total - report.by_tone.get("none", 0)
    words = ", ".join(f"{word} {count}" for word, count in report.by_gender_word.items())
    return {
        "dataReleaseMaintenancePlan": (
            "A build from pinned packages is reproducible; a new version of a package makes a new major version of the "
            "data set. Mistakes and takedown requests go to the project's issue tracker."
        ),
        "personalSensitiveInformation": (
            "None: drawings of no real person. Depicted attributes are gender form, skin tone (5 steps and yellow), "
            "age words, hair, and a few signs of religion and disability."
        ),
        "dataSocialImpact": (
            "Pictures of people in a fixed set of roles may reinforce the choice that Unicode made of roles, genders "
            "and tones; yellow stands for no tone. Small drawings are unfit to deceive."
        ),
        "dataBiases": [
            f"{toned} of {total} pictures carry a skin tone, each tone about equally often by construction.",
            f"Gender words in captions: {words}.",
            *report.warnings,
        ],
        "dataLimitations": [
            f"Illustrations only, in {len(facts.styles)} style(s) by {len({s.family for s in facts.samples})} hand(s); "
            "no photographs, no scenes.",
            "English captions of at most "
            f"{facts.audit.captions.longest_words} words; {facts.audit.captions.captions} different ones.",
            "At most one drawing a concept and style; the thresholds for near-duplicates were chosen on these sets.",
        ],
        "dataUseCases": [
            "Training and testing small text-to-image models of stickers.",
            "Measuring generalization to unseen concepts, styles and combinations by the splits.",
            "Not for recognizing people, inferring traits of people, or any decision about them.",
        ],
    }


def rai_fields(facts: Facts) -> dict[str, object]:
    """Return all twenty fields of the stickers; see ``in_order``."""
    return in_order(collection_fields(facts) | annotation_fields(facts) | use_fields(facts), synthetic=False)


def in_order(fields: Mapping[str, object], *, synthetic: bool) -> dict[str, object]:
    """Return fields in the order of the specification, with the prefix ``rai:``.

    Args:
        fields: All of ``RAI_FIELDS``.
        synthetic: Whether a model drew the pictures.
    """
    return {f"rai:{name}": fields[name] for name in RAI_FIELDS} | {"rai:hasSyntheticData": synthetic}
