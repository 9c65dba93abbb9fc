"""The papers of a synthetic data set: each says that a model drew the pictures, and which one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from underpaint.pipelines.settings import Settings
from underpaint.stages.data import papers
from underpaint.stages.data.datasheet import table
from underpaint.stages.data.synthetic.card import drawn_object, provenance_fields
from underpaint.stages.data.synthetic.facts import SyntheticFacts
from underpaint.stages.data.synthetic.labels import write_drawn
from underpaint.stages.data.synthetic.responsible import left_out, privacy_sentence, rai_fields


def beginning_of(facts: SyntheticFacts) -> tuple[str, ...]:
    """Return the first lines of the notice."""
    return (
        f"{facts.name}: synthetic pictures. A model drew all of them; no person made or chose one.",
        "Every PNG file says so, and holds the settings that draw it again.",
    )


def contents_of(facts: SyntheticFacts) -> str:
    """Describe what is in the data set, for its datasheet."""
    audit = facts.audit
    return "\n\n".join(
        (
            f"**Synthetic**: {len(facts.samples):,} pictures of {facts.config.size}x{facts.config.size} pixels, RGBA, "
            f"all drawn by `{facts.evidence.purl}`; {audit.captions.captions:,} different captions of "
            f"{audit.captions.words:,} different words.",
            table(audit.representation.by_split, "split"),
            table(audit.representation.by_style, "style"),
            table(audit.representation.by_tone, "skin tone"),
            table(audit.representation.by_gender_word, "gender word in the caption"),
            f"Asked for: {audit.asked_for:,}; blank {audit.blank}, wishes without a picture {audit.given_up}. Left "
            f"out: {left_out(facts)}; `audit.json` lists each. Leaks between splits: {len(audit.leakage.leaks)} among "
            f"{audit.leakage.pairs_compared:,} pairs.",
            privacy_sentence(facts),
            "Derived from:\n\n" + "\n".join(f"- {role}: `{digest}`" for role, digest in facts.parents.items()),
        )
    )


def write_papers(facts: SyntheticFacts, settings: Sequence[Settings], folder: Path) -> None:
    """Write everything that goes along with the samples, and check it; raises what ``papers.write_papers`` does.

    Args:
        facts: What is known of the data set.
        settings: What made each picture, in the order of the samples.
        folder: The data set.
    """
    write_drawn(facts.samples, settings, folder)
    papers.write_papers(
        facts,
        rai_fields(facts),
        contents_of(facts),
        folder,
        beginning=beginning_of(facts),
        fields=provenance_fields(facts),
        files=[drawn_object(folder)],
    )
