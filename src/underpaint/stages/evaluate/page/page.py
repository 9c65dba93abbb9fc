"""The page of an evaluation: one file with everything in it, verdict first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from underpaint.core.artifact import storage_errors
from underpaint.core.page.album import CAP_BYTES, Album
from underpaint.core.page.layout import Section, badge, command_block, details, document, note
from underpaint.core.page.markup import Markup, element, join, words
from underpaint.core.page.masthead import footer, masthead
from underpaint.stages.evaluate.page import gallery, sections, tables, text
from underpaint.stages.evaluate.page.comparison import comparison_sections
from underpaint.stages.evaluate.page.gate import gate_panel, gate_sections
from underpaint.stages.evaluate.page.numbers import plain
from underpaint.stages.evaluate.record import PictureRecord, Report, SubjectRecord

PAGE = "report.html"


def _panel(report: Report, gate: Mapping[str, Any] | None) -> Markup:
    if gate is not None:
        return gate_panel(gate)
    return element(
        "div",
        badge("plain", "Measured"),
        element("p", words(text.summary(report)), class_="sentence"),
        element("p", "No policy was asked for, so nothing is passed or failed here.", class_="note"),
        class_="verdict plain",
    )


def _noise(report: Report) -> Markup | None:
    if not report.environment.get("noisy"):
        return None
    return note("The machine was busy while it measured: take the times on this page with care.", kind="warn")


def header(report: Report, gate: Mapping[str, Any] | None) -> Markup:
    """Show name, date, protocol, verdict."""
    protocol = report.protocol
    drawn = f"{plain(protocol.num_prompts)} prompts × {plain(protocol.num_seeds)}"
    against = f"against {report.reference.name} ({plain(report.reference.n)} pictures)" if report.reference else ""
    meta = (f"suite {protocol.suite}", drawn, f"{protocol.size} px", against, report.created)
    title = report.subject.name if gate is None else gate_title(gate)
    return masthead("gate" if gate else "evaluation", title, meta, _panel(report, gate), _noise(report))


def gate_title(gate: Mapping[str, Any]) -> str:
    """Return who is held against whom."""
    return f"{gate['candidate']['name']} against {gate['baseline']['name']}"


def _subject(title: str, record: SubjectRecord) -> Markup:
    values = {key: value for key, value in record.model_dump(mode="json").items() if value not in ("", {}, 0, None)}
    return join(element("h3", title), tables.facts(values))


def protocol(report: Report) -> Section:
    """Show what is needed to believe and to repeat the evaluation."""
    cards = [details(join("Extractor ", words(name)), tables.facts(card)) for name, card in report.extractors.items()]
    body = join(
        element("h3", "Make it again"),
        command_block(report.command),
        _subject("What was evaluated", report.subject),
        _subject("What it was compared with", report.reference) if report.reference else None,
        element("h3", "How pictures were asked for"),
        tables.facts(
            {
                "suite": report.protocol.suite,
                "prompts": report.protocol.num_prompts,
                "pictures a prompt": report.protocol.num_seeds,
                "side in pixels": report.protocol.size,
                "digest of the prompts": report.protocol.prompts_digest,
            }
        ),
        (element("h3", "Who looked at them"), cards) if cards else None,
        (element("h3", "Machine"), tables.facts(report.environment)) if report.environment else None,
        element("p", f"The same numbers, for programs, stand in report.json ({report.schema_id}).", class_="note"),
    )
    return Section(title="Protocol", body=body)


def page_of(
    folder: Path,
    report: Report,
    pictures: Sequence[PictureRecord],
    *,
    gate: Mapping[str, Any] | None = None,
    comparison: Mapping[str, Any] | None = None,
    cap_bytes: int = CAP_BYTES,
) -> str:
    """Return the page of an evaluation as HTML.

    Args:
        folder: The artifact, whose pictures are put into the page.
        report: The numbers.
        pictures: One record a picture.
        gate: The result of a gate, as plain values; None if there was none.
        comparison: A comparison that the report takes part in, as plain values.
        cap_bytes: Most bytes of all pictures together.
    """
    album = Album(folder, cap_bytes=cap_bytes)
    shown: list[Section | None] = [
        *(gate_sections(gate) if gate is not None else ()),
        sections.key_figures(report),
        sections.findings(report),
        sections.shares(report),
        *(comparison_sections(comparison) if comparison is not None else ()),
        gallery.cases(pictures, album),
        sections.curve_section(report.curves),
        sections.by_slice(report),
        gallery.copies(report, pictures, album),
        sections.every_number(report),
        sections.efficiency(report),
        sections.controls(report),
        protocol(report),
    ]
    there = [section for section in shown if section is not None]
    title = f"{report.subject.name}: evaluation" if gate is None else f"{gate_title(gate)}: gate"
    return document(title, header(report, gate), there, footer(report.created))


def write_page(
    artifact_folder: Path,
    report: Report,
    pictures: Sequence[PictureRecord],
    *,
    gate: Mapping[str, Any] | None = None,
    comparison: Mapping[str, Any] | None = None,
) -> Path:
    """Write ``report.html`` into an artifact.

    Args:
        artifact_folder: The artifact, or the folder in which it is being made.
        report: The numbers.
        pictures: One record a picture.
        gate: The result of a gate, as plain values; None if there was none.
        comparison: A comparison that the report takes part in, as plain values.

    Returns:
        The file.

    Raises:
        StorageError: It cannot be written.
    """
    path = artifact_folder / PAGE
    page = page_of(artifact_folder, report, pictures, gate=gate, comparison=comparison)
    with storage_errors(path):
        path.write_text(page, encoding="utf-8")
    return path
