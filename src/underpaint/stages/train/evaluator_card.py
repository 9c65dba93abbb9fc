"""The card of an evaluator: what it is, what was measured on it, and what it does not see."""

from __future__ import annotations

from typing import Any

from underpaint.core.extractor_card import ExtractorCard, InputSpec, Resize
from underpaint.models.evaluator import EvaluatorConfig

BLIND_SPOTS: tuple[str, ...] = (
    "anything finer than its input, which larger pictures are reduced to",
    "transparency: pictures are put on white, so a halo or a hole that shows on other backgrounds only is not seen",
    "counts, writing, the place of parts and the color of parts: no head names them",
    "tones where two persons have one each, tones and colors in line art: unlabeled",
    "moves by a sixteenth of the side, small turns and changes of scale: training shows them all",
    "damage of kinds that training never shows is seen less surely than blur, JPEG, noise and lost resolution; see "
    "sensitivity, where 'six levels' and 'darker' are such kinds",
    "it learned from the same drawings as the models it judges and stands on the same word vectors: where both share "
    "an error of the captions, it does not see it",
)


def blind_spots(validation: dict[str, Any]) -> tuple[str, ...]:
    """Return what the evaluator does not see, what was measured on it included."""
    spots: list[str] = list(BLIND_SPOTS)
    unknown = validation["r_precision"].get("test_concept")
    if unknown:
        spots.append(
            f"concepts outside its training data: of {unknown['n']} real pictures of such concepts it finds the "
            f"caption of {unknown['value']:.0%} among {unknown['candidates']}, so it must not judge alignment there"
        )
    if validation["advisory"]:
        spots.append(f"heads below their bar, to be read as a hint only: {', '.join(validation['advisory'])}")
    return tuple(spots)


def card_of(
    config: EvaluatorConfig,
    *,
    name: str,
    weights_sha256: str,
    source: str,
    trained_on: tuple[str, ...],
    validation: dict[str, Any],
) -> ExtractorCard:
    """Return the card of an evaluator.

    Args:
        config: Its settings.
        name: Its name in metric ids.
        weights_sha256: SHA-256 of ``model.safetensors``.
        source: Where it comes from.
        trained_on: Digests of what it learned from.
        validation: From ``evaluator_check.check``.
    """
    return ExtractorCard(
        schema="underpaint.extractor/1",
        name=name,
        weights_sha256=weights_sha256,
        license="Apache-2.0",
        source=source,
        task="dual_encoder",
        dim=config.dim,
        layers=("standardized features, before the projection to the space shared with captions",),
        input=InputSpec(size=config.image_size, range=(-1.0, 1.0), resize=Resize(library="pillow", filter="bicubic")),
        classes=config.classes,
        trained_on=trained_on,
        validation=validation,
        known_blind_spots=blind_spots(validation),
    )
