"""The datasheet: ``DATASHEET.md``, the seven parts of Datasheets for Datasets from the same facts as the card.

Source: Gebru et al., Datasheets for Datasets, arXiv 1803.09010.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from underpaint.core.artifact import storage_errors
from underpaint.stages.data.facts import VERSION, CardFacts, Facts

DATASHEET = "DATASHEET.md"


def table(counts: Mapping[str, int], head: str) -> str:
    """Return counts as a Markdown table."""
    rows = "\n".join(f"| {name} | {count:,} |" for name, count in counts.items())
    return f"| {head} | number |\n|---|---:|\n{rows}"


def prose(value: object) -> str:
    """Return one sentence, or a list of them, as Markdown."""
    return "\n".join(f"- {item}" for item in value) if isinstance(value, list) else str(value)


def composition(facts: Facts) -> str:
    """Describe what is in the data set."""
    audit = facts.audit
    return "\n\n".join(
        (
            f"{len(facts.samples):,} pictures of {facts.config.size}x{facts.config.size} pixels, RGBA; "
            f"{audit.captions.captions:,} different captions of {audit.captions.words:,} different words.",
            table(audit.representation.by_split, "split"),
            table(audit.representation.by_style, "style"),
            table(audit.representation.by_tone, "skin tone"),
            table(audit.representation.by_gender_word, "gender word in the caption"),
            f"Left out: {sum(audit.dropped_by_rule.values())} drawings "
            f"({', '.join(f'{rule} {n}' for rule, n in audit.dropped_by_rule.items()) or 'none'}); `audit.json` lists "
            f"each. Leaks between splits: {len(audit.leakage.leaks)} among {audit.leakage.pairs_compared:,} pairs. "
            f"{audit.leakage.composition_twins} pictures of `test_composition` have a twin in training, on purpose: "
            "score that split by attribute.",
        )
    )


def licenses(facts: CardFacts) -> str:
    """Describe who has rights in what."""
    pictures = facts.tally.by_source
    rows = "\n".join(
        f"| {s.author} | `{s.purl}` | {s.stated} | {s.upstream.license if s.upstream else ''} | "
        f"{s.verified.license if s.verified else ''} | {pictures[s.source]:,} |"
        for s in facts.sources
    )
    credit = "".join(f"\n- Attribution needed, on weights too: {words}" for words in facts.credits)
    waivers = "".join(f"\n- Waived: {w.rule} for {w.source} by {w.by}: {w.reason}" for w in facts.duties.waivers)
    return (
        f"License of the whole: `{facts.duties.license}`. Weights trained on it: name the authors, hand on the texts "
        f"of {', '.join(facts.duties.notice) or 'no license'}.\n\n"
        f"| author | source | stated | upstream | verified | pictures |\n|---|---|---|---|---|---:|\n{rows}{waivers}"
        + (f"\n{credit}" if credit else "")
    )


def datasheet(facts: CardFacts, rai: Mapping[str, object], contents: str) -> str:
    """Return the content of ``DATASHEET.md``.

    Args:
        facts: What is known of the data set.
        rai: The responsible-AI fields, with the prefix ``rai:``.
        contents: What is in it.
    """
    parts = {
        "Motivation": prose(rai["rai:dataUseCases"]) + f"\n\nMade by {facts.creator}.",
        "Composition": contents,
        "Collection": prose(rai["rai:dataCollection"]) + "\n\n" + prose(rai["rai:dataCollectionMissingData"]),
        "Preprocessing, cleaning, labeling": "\n\n".join(
            prose(rai[f"rai:{name}"])
            for name in (
                "dataPreprocessingProtocol",
                "dataManipulationProtocol",
                "dataAnnotationProtocol",
                "dataAnnotationAnalysis",
            )
        ),
        "Uses": "\n\n".join(prose(rai[f"rai:{n}"]) for n in ("dataLimitations", "dataBiases", "dataSocialImpact")),
        "Distribution": licenses(facts),
        "Maintenance": prose(rai["rai:dataReleaseMaintenancePlan"]),
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in parts.items())
    return f"# {facts.name} {VERSION}\n\nPublished {facts.published}. Figures of all checks: `audit.json`.\n\n{body}\n"


def write_datasheet(facts: CardFacts, rai: Mapping[str, object], contents: str, folder: Path) -> None:
    """Write ``DATASHEET.md``; see ``datasheet``."""
    with storage_errors(folder):
        (folder / DATASHEET).write_text(datasheet(facts, rai, contents), encoding="utf-8")
