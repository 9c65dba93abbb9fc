"""The catalog's part on words: whether a picture shows what was asked for."""

from __future__ import annotations

from underpaint.stages.evaluate.catalog.metric_info import MetricInfo

PER_PROMPT = "mean over prompts of the prompt's mean, clustered by prompt"


def _accuracy(part: str, explanation: str) -> MetricInfo:
    """Describe the accuracy of one asked-for part, as a classifier judges it."""
    return MetricInfo(
        title=f"{part} accuracy",
        direction="higher",
        minimum=30,
        explanation=explanation,
        source=f"classifier heads of the extractor; {PER_PROMPT}",
    )


ALIGNMENT: dict[str, MetricInfo] = {
    "clip_score": MetricInfo(
        title="Text-image score",
        direction="higher",
        minimum=30,
        explanation="How well a network that knows words and pictures finds them to fit together, from 0 to 100.",
        source="Hessel et al., 2021, arXiv 2104.08718; 100 max(cosine, 0)",
    ),
    "r_precision": MetricInfo(
        title="Caption found among 100",
        direction="higher",
        minimum=30,
        explanation="How often the picture's own words are recognized among 100 candidates. Guessing finds 1 in 100.",
        source=f"Xu et al., 2018, arXiv 1711.10485 (R-precision); {PER_PROMPT}",
    ),
    "attribute_accuracy": _accuracy("Attribute", "How often a part of the prompt (what, style, tone, color, ...) is "
                                    "found in the picture, over all parts."),
    "concept_accuracy": _accuracy("Concept", "How often the picture shows the thing that was asked for."),
    "style_accuracy": _accuracy("Style", "How often the picture has the style that was asked for."),
    "tone_accuracy": _accuracy("Skin tone", "How often a person has the skin tone that was asked for."),
    "gender_accuracy": _accuracy("Gender", "How often a person has the gender form that was asked for."),
    "color_accuracy": _accuracy("Color", "How often the thing has the color that was asked for."),
    "direction_accuracy": _accuracy("Direction", "How often the drawing faces the side that was asked for."),
    "composition_accuracy": MetricInfo(
        title="New combinations",
        direction="higher",
        minimum=30,
        explanation="How often all parts are right for combinations that no training picture shows, though each part "
        "was seen. It tells understanding from recall.",
        source="Ghosh et al., 2023, arXiv 2310.11513 (GenEval), on our own held-out combinations",
    ),
    "composition_gap": MetricInfo(
        title="Seen minus new combinations",
        direction="lower",
        minimum=30,
        explanation="How much worse new combinations come out than familiar ones; 0 means that the model does not "
        "depend on having seen them.",
        source="paired by part; clustered by prompt",
    ),
}  # fmt: skip
