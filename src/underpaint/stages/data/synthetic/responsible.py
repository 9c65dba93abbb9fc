"""The responsible-AI fields of a synthetic data set's card, ``rai:hasSyntheticData`` among them, with its figures."""

from __future__ import annotations

from underpaint.stages.data.near_duplicates import DEFINITION
from underpaint.stages.data.responsible import in_order
from underpaint.stages.data.synthetic.facts import SyntheticFacts


def privacy_sentence(facts: SyntheticFacts) -> str:
    """Say how near the pictures come to what the model has learnt from."""
    found = facts.audit.privacy
    if not found.applicable:
        return f"Nearness to the model's training pictures was not measured: {found.reason}."
    named = "which the model names as its own" if found.learnt_from else "another one than the model names as its own"
    own, other = (
        ", ".join(f"{value:.2f}" for value in some.values()) for some in (found.percentiles, found.held_out_percentiles)
    )
    return (
        f"{found.flagged:.2%} of {found.drawn} pictures (95 % interval {found.flagged_low:.2%} to "
        f"{found.flagged_high:.2%}) come nearer to one of {found.members} training pictures than the ratio "
        f"{found.threshold:.2f}, below which {found.false_alarms:.0%} of {found.held_out} held-out real drawings fall "
        f"(ratio of nearest-neighbor distances, percentiles 1, 5 and 50: drawn {own}, held out {other}). This finds "
        f"near-exact copies, not borrowed ideas. Compared with the data set {found.data_sha256[:16]}, {named}."
    )


def left_out(facts: SyntheticFacts) -> str:
    """Say how many pictures were left out by each rule."""
    return ", ".join(f"{rule} {count}" for rule, count in facts.audit.dropped_by_rule.items()) or "none"


def collection_fields(facts: SyntheticFacts) -> dict[str, object]:
    """Describe how the pictures were drawn, and which were left out."""
    audit = facts.audit
    return {
        "dataCollection": (
            f"Every picture was drawn by the model {facts.evidence.purl} from a caption, a style and a seed; "
            f"{audit.asked_for} were asked for. No picture was made or chosen by a person."
        ),
        "dataCollectionType": ["Software Collection", "Experiments"],
        "dataCollectionMissingData": (
            f"Left out by rule: {left_out(facts)}. Wishes without any picture, since every seed came out blank: "
            f"{audit.given_up}."
        ),
        "dataCollectionRawData": "None but captions, styles and seeds; drawn.jsonl holds what made every picture.",
        "dataCollectionTimeframe": [f"{facts.config.date}/{facts.config.date}"],
        "dataImputationProtocol": (
            f"A picture that came out blank ({audit.blank} did) was drawn again with the next free seed, at most "
            f"{facts.config.redraws} times."
        ),
        "dataManipulationProtocol": "Captions are in canonical lower-case ASCII. Pictures are as the model drew them.",
        "dataPreprocessingProtocol": [
            f"Drawn at {facts.config.size}x{facts.config.size} RGBA with straight alpha.",
            f"Equal pictures are left out, and near-duplicates of one caption and style ({DEFINITION}).",
            f"{audit.groups} concepts in {audit.clusters} clusters of near-duplicates; splits by cluster, and captions "
            "that a real data set holds out stay out of training where that data set was named.",
        ],
    }


def annotation_fields(facts: SyntheticFacts) -> dict[str, object]:
    """Describe where the captions come from."""
    return {
        "dataAnnotationProtocol": "A picture's caption and style are what the model was asked for.",
        "dataAnnotationPlatform": ["underpaint synthesize"],
        "dataAnnotationAnalysis": [
            "Nobody checked whether a picture shows its caption: labels are as good as the model.",
        ],
        "annotationsPerItem": "1",
        "annotatorDemographics": ["None: no person labeled a picture."],
        "machineAnnotationTools": [
            f"{facts.evidence.purl} (drew what the caption says)",
            "underpaint (attributes read from captions, groups, splits)",
        ],
    }


def use_fields(facts: SyntheticFacts) -> dict[str, object]:
    """Describe what the data are good for, and what they are not."""
    report = facts.audit.representation
    words = ", ".join(f"{word} {count}" for word, count in report.by_gender_word.items())
    return {
        "dataReleaseMaintenancePlan": (
            "The same model, prompts and seeds draw the same pictures again; another model makes another data set. "
            "Mistakes and takedown requests go to whoever hands the data on."
        ),
        "personalSensitiveInformation": f"None: drawings of no real person. {privacy_sentence(facts)}",
        "dataSocialImpact": (
            "Pictures drawn by a model repeat and may sharpen the one-sidedness of what it has learnt from. Every PNG "
            "says that a model drew it (IPTC digital source type trainedAlgorithmicMedia)."
        ),
        "dataBiases": [f"Gender words in captions: {words}.", *report.warnings],
        "dataLimitations": [
            f"Synthetic: drawn by one small model in {len(facts.styles)} style(s), less varied than real drawings.",
            "A model trained on what models drew loses variety from one generation to the next; mix in real drawings.",
            "Captions state what was asked for; a picture may show less, or something else.",
        ],
        "dataUseCases": [
            "Training small classifiers and text-to-image models of stickers beside real drawings.",
            "Testing software that reads data sets of pictures, without any real picture.",
            "Not for judging how good a model is: that needs real held-out drawings.",
        ],
    }


def rai_fields(facts: SyntheticFacts) -> dict[str, object]:
    """Return all fields; see ``in_order``."""
    return in_order(collection_fields(facts) | annotation_fields(facts) | use_fields(facts), synthetic=True)
