"""The papers of a person's pictures, each sentence true of what was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from underpaint.core.config import Config
from underpaint.stages.data import papers
from underpaint.stages.data.datasheet import table
from underpaint.stages.data.folder.facts import FolderFacts
from underpaint.stages.data.folder.responsible import rai_fields

BEGINNING = ("Pictures and captions of the sources below, as who built this data set stated.",)


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
            f"Left out: {sum(audit.dropped_by_rule.values())} of {audit.rows} rows; passed over: "
            f"{sum(audit.passed_over_by_rule.values())} of the pictures that lay there. `audit.json` lists each with "
            "the reason.",
        )
    )


def write_papers(facts: FolderFacts, lists: Mapping[str, Iterable[Config]], folder: Path) -> None:
    """Write everything that goes along with the samples, and check it; raises what ``papers.write_papers`` does.

    Args:
        facts: What is known of the data set.
        lists: Field of the audit to its entries.
        folder: The data set.
    """
    papers.write_papers(facts, rai_fields(facts), contents(facts), folder, beginning=BEGINNING, lists=lists)
