"""What may be compared: refusals that name both values and the fix."""

from __future__ import annotations

from collections.abc import Sequence

from underpaint.core.errors import ComparisonError
from underpaint.stages.evaluate.comparing.evaluated import Evaluated
from underpaint.stages.evaluate.drawing.wishes import COMPOSITION, MAIN
from underpaint.stages.evaluate.record import Measurement, PictureRecord

SHOWN = 12


def _short(value: str) -> str:
    """Return the beginning of a digest, or ``none``."""
    return value[:SHOWN] or "none"


def _name(evaluated: Evaluated) -> str:
    return f"{evaluated.report.subject.name} ({evaluated.folder})"


def check_seeds(candidate: Evaluated, baseline: Evaluated) -> None:
    """Refuse to pair pictures on seeds that are unknown.

    Raises:
        ComparisonError: A side has pictures without seeds.
    """
    for evaluated in (candidate, baseline):
        if any(picture.seed is None for picture in evaluated.pictures.values()):
            raise ComparisonError(
                f"{_name(evaluated)} has pictures without seeds, so it cannot be paired on prompt and seed; give the "
                "seeds in a column 'seed' of its metadata.jsonl, or pair on less: pair_on: [prompt_id] or []"
            )


def check_protocols(candidate: Evaluated, baseline: Evaluated, paired_on: Sequence[str]) -> None:
    """Refuse two evaluations that asked for different pictures.

    Args:
        candidate: An evaluation.
        baseline: Another.
        paired_on: With ``seed`` in it, prompts, styles and seeds must be equal; without it, ``check_asked`` looks at
            the pictures behind each number.

    Raises:
        ComparisonError: They did; the message names both and what would make them comparable.
    """
    first, second = candidate.report.protocol, baseline.report.protocol
    names = _name(candidate), _name(baseline)
    if first.size != second.size:
        raise ComparisonError(
            f"{names[0]} has pictures of {first.size} pixels, {names[1]} of {second.size}; evaluate both at one size"
        )
    if "seed" not in paired_on:
        return
    check_seeds(candidate, baseline)
    if first.prompts_digest != second.prompts_digest:
        check_styles(candidate, baseline)
        raise ComparisonError(
            f"the two were asked for different prompts, styles or seeds: {names[0]} has protocol "
            f"{_short(first.prompts_digest)} (suite {first.suite}, {first.num_prompts} prompts), {names[1]} has "
            f"{_short(second.prompts_digest)} (suite {second.suite}, {second.num_prompts} prompts); evaluate both with "
            "the same suite, data set and seed"
        )


def check_styles(candidate: Evaluated, baseline: Evaluated) -> None:
    """Refuse two evaluations that differ in nothing but styles, as those of two models that know different ones do.

    Raises:
        ComparisonError: They do.
    """
    sides = [[p for p in one.pictures.values() if p.part in (MAIN, COMPOSITION)] for one in (candidate, baseline)]
    first, second = ({(p.part, p.prompt_id, p.prompt, p.seed) for p in side} for side in sides)
    if first == second:
        asked = [", ".join(sorted({picture.style or "none" for picture in side})) or "none" for side in sides]
        raise ComparisonError(
            f"the two were asked for the same prompts and seeds in different styles: {_name(candidate)} for "
            f"{asked[0]}, {_name(baseline)} for {asked[1]}, since a model is asked for the styles that it knows; "
            "evaluate both on a data set without styles, or with styles that both know"
        )


def check_asked(candidate: Sequence[PictureRecord], baseline: Sequence[PictureRecord]) -> None:
    """Refuse two sets of pictures of different prompts.

    Raises:
        ComparisonError: A prompt or style was asked for on one side only.
    """
    first, second = ({(p.part, p.prompt_id, p.prompt, p.style) for p in side} for side in (candidate, baseline))
    if different := sorted(map(str, first ^ second)):
        raise ComparisonError(
            f"the two were asked for different prompts: {different[0]:.160} is one of {len(different)} that stand on "
            "one side only; draw pictures for the same list of prompts"
        )


def check_comparable(candidate: Measurement, baseline: Measurement) -> None:
    """Refuse two numbers that were not measured in the same way.

    Raises:
        ComparisonError: Metric, extractor, version, slice or reference differ; the message names both values.
    """
    if candidate.key == baseline.key:
        return
    if candidate.extractor != baseline.extractor:
        what, values = "were seen by different extractors", (candidate.extractor, baseline.extractor)
        fix = "evaluate both with the same extractor file"
    elif candidate.id != baseline.id or candidate.group != baseline.group:
        what = "are different numbers"
        values = (f"{candidate.id} {candidate.group}".strip(), f"{baseline.id} {baseline.group}".strip())
        fix = "compare equal ids only"
    elif candidate.version != baseline.version:
        what, values = "follow different versions of the definition", (str(candidate.version), str(baseline.version))
        fix = "evaluate the older one again"
    else:
        what, values = "have different references", (_short(candidate.reference), _short(baseline.reference))
        fix = "evaluate both with the same data set"
    raise ComparisonError(f"{candidate.metric}: the two {what}: {values[0]} against {values[1]}; {fix}")
