"""Representation: who and what is drawn how often, by style, split, skin tone and gender form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from underpaint.core.concept import TONES, concept_of
from underpaint.core.config import Config
from underpaint.core.samples import Sample
from underpaint.stages.data.composition import roles_of
from underpaint.stages.data.drawing import Drawing

MEN, WOMEN = frozenset(("man", "men", "boy")), frozenset(("woman", "women", "girl"))


class RepresentationReport(Config):
    """Counts, and what follows from them.

    Args:
        by_style: Pictures a style.
        by_split: Pictures a split.
        by_style_and_split: The same crossed.
        by_tone: Pictures a skin tone; ``none`` is the default yellow or no skin.
        by_gender_word: Pictures whose caption names only men, only women, both, or neither.
        tone_by_gender: Tone x gender form, pictures.
        factorial: Smallest number of training pictures in any cell of gender form x tone among the roles.
        only_in: Attribute to the styles that have it, if not all styles do.
        groups: Number of groups.
        largest_groups: The groups with most pictures.
        warnings: What a user of the data should know.
    """

    by_style: dict[str, int]
    by_split: dict[str, int]
    by_style_and_split: dict[str, int]
    by_tone: dict[str, int]
    by_gender_word: dict[str, int]
    tone_by_gender: dict[str, int]
    factorial: int
    only_in: dict[str, tuple[str, ...]]
    groups: int
    largest_groups: dict[str, int]
    warnings: tuple[str, ...]


def counted(values: Iterable[str]) -> dict[str, int]:
    """Count values and sort them by name."""
    return dict(sorted(Counter(values).items()))


def gender_word(caption: str) -> str:
    """Return ``man``, ``woman``, ``both`` or ``none``, by the words of a caption."""
    words = set(re.findall("[a-z]+", caption))
    return {(True, False): "man", (False, True): "woman", (True, True): "both"}.get(
        (bool(words & MEN), bool(words & WOMEN)), "none"
    )


def tone_of(sample: Sample) -> str:
    """Return a sample's skin tone, ``several`` or ``none``."""
    tones = concept_of(sample.id).tones
    return tones[0] if len(set(tones)) == 1 else "several" if tones else "none"


def smallest_cell(samples: Sequence[Sample]) -> int:
    """Return the smallest number of training pictures of people in roles over gender forms and tones."""
    drawings = [
        Drawing(id=s.id, name=s.name, style=s.style, family=s.family, source=s.source, icon=s.icon, license=s.license)
        for s in samples
    ]
    roles = set(roles_of(drawings))
    cells = Counter((concept_of(s.id).gender, tone_of(s)) for s in samples if s.split == "train" and s.group in roles)
    return min((cells[gender, tone] for gender in ("person", "man", "woman") for tone in TONES.values()), default=0)


def attributes_by_style(samples: Sequence[Sample]) -> dict[str, tuple[str, ...]]:
    """Return attributes that only some styles have."""
    styles = sorted({sample.style for sample in samples})
    having = {
        "skin tone": {s.style for s in samples if concept_of(s.id).tones},
        "two skin tones": {s.style for s in samples if len(concept_of(s.id).tones) > 1},
        "facing right": {s.style for s in samples if concept_of(s.id).facing_right},
    }
    return {name: tuple(sorted(found)) for name, found in having.items() if len(found) < len(styles)}


def report_representation(samples: Sequence[Sample]) -> RepresentationReport:
    """Count everything."""
    groups = Counter(sample.group for sample in samples)
    names = {s.group: s.caption for s in sorted(samples, key=lambda s: -len(s.id))}
    report = RepresentationReport(
        by_style=counted(s.style for s in samples),
        by_split=counted(s.split for s in samples),
        by_style_and_split=counted(f"{s.style} {s.split}" for s in samples),
        by_tone=counted(tone_of(s) for s in samples),
        by_gender_word=counted(gender_word(s.caption) for s in samples),
        tone_by_gender=counted(f"{tone_of(s)} {concept_of(s.id).gender}" for s in samples),
        factorial=smallest_cell(samples),
        only_in=attributes_by_style(samples),
        groups=len(groups),
        largest_groups={names[group]: count for group, count in groups.most_common(8)},
        warnings=(),
    )
    return report.model_copy(update={"warnings": tuple(warnings_of(report, len(samples)))})


def warnings_of(report: RepresentationReport, total: int) -> list[str]:
    """Put into words what the counts say."""
    toned = total - report.by_tone.get("none", 0)
    warnings = []
    if toned:
        warnings.append(
            f"{toned} of {total} pictures ({toned / total:.0%}) carry a skin tone, so people dominate: draw groups "
            "evenly, then one variant"
        )
    warnings += [
        f"{attribute}: only in {', '.join(styles) or 'no style'}" for attribute, styles in report.only_in.items()
    ]
    warnings.append("people without a tone are drawn yellow, people without a gender word as neither man nor woman")
    return warnings
