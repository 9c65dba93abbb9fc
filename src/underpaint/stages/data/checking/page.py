"""The page of a check: one file for people that loads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from underpaint.core.page.album import CAP_BYTES, Album, tile
from underpaint.core.page.layout import Section, badge, details, document, note
from underpaint.core.page.markup import Markup, element, join, words
from underpaint.core.page.masthead import footer, masthead
from underpaint.core.page.table import cell, table
from underpaint.stages.data.checking.record import CheckReport, Example, Finding
from underpaint.stages.data.checking.subject import Subject

BADGES = {"error": "fail", "warning": "indeterminate", "note": "info"}
"""Severity to a class of the style sheet."""
STATES = {"clean": "nothing found", "not_applicable": "not applicable"}


def verdict_of(report: CheckReport) -> tuple[str, str]:
    """Return a class of the style sheet and the most important sentence."""
    found = [finding for finding in report.findings if finding.status == "found"]
    errors, warnings = ([f for f in found if f.severity == kind] for kind in ("error", "warning"))
    if errors:
        return "fail", f"Not sound: {', '.join(said(f) for f in errors)}."
    if warnings:
        return "indeterminate", f"Sound, but a person should look at {', '.join(said(f) for f in warnings)}."
    return "pass", "Sound: no error and nothing that a person must look at."


def said(finding: Finding) -> str:
    """Name a finding with its number inside a sentence."""
    return f"{finding.title[0].lower()}{finding.title[1:]} ({finding.count:,} {finding.unit})"


def state_badge(finding: Finding) -> Markup:
    """Show how bad a finding is, or that there is none."""
    if finding.status == "found":
        return badge(BADGES[finding.severity], finding.severity)
    return badge("pass" if finding.status == "clean" else "info", STATES[finding.status])


def overview(report: CheckReport) -> Section:
    """List all checks in a table."""
    rows = [
        element(
            "tr",
            element("th", words(finding.title), scope="row"),
            cell(state_badge(finding)),
            cell(f"{finding.count:,} {finding.unit}" if finding.status == "found" else "–", class_="number"),
            cell(f"{finding.looked_at:,}", class_="number"),
        )
        for finding in report.findings
    ]
    head = ("check", "outcome", "found", "looked at")
    lead = (
        "Nothing was changed or deleted. What a list excludes, you decide: data check --write-exclusions, data exclude."
    )
    return Section(title="Overview", body=table("All checks", head, rows, numeric=(2, 3)), lead=lead)


def shown(example: Example, albums: Mapping[str, Album], own: str) -> Markup:
    """Show an example: its pictures side by side, and what is wrong."""
    sides = [(albums[own].uri(file), file) for file in example.files]
    sides += [(albums[example.other].uri(file), file) for file in example.other_files]
    pictures = [element("span", tile(uri, name), class_="side") for uri, name in sides]
    text = element("figcaption", words(example.text, class_="prompt"))
    return element("figure", element("div", pictures, class_="duo") if pictures else None, text, class_="case")


def numbers_of(finding: Finding) -> list[Markup]:
    """Show the tables of a finding, folded away."""
    found = []
    for name, counts in finding.counts.items():
        rows = [
            element("tr", element("th", words(label), scope="row"), cell(f"{count:,}", class_="number"))
            for label, count in counts.items()
        ]
        found.append(details(f"Pictures by {name}", table(name, ("", "number"), rows, numeric=(1,))))
    return found


def section_of(finding: Finding, albums: Mapping[str, Album], own: str) -> Section:
    """Show a finding."""
    cases = [shown(example, albums, own) for example in finding.examples]
    body = join(
        element("p", state_badge(finding), f" {finding.count:,} {finding.unit} among {finding.looked_at:,} looked at"),
        element("p", words(finding.says)),
        note(words(f"How far to trust it: {finding.error_rate}")),
        element("div", cases, class_="cases") if cases else None,
        numbers_of(finding),
    )
    return Section(title=finding.title, body=body)


def limits(report: CheckReport) -> Section:
    """Say what was not looked for."""
    rest = [
        element("li", words(text)) for text in (*report.not_checked, *(f"mlcroissant: {w}" for w in report.warnings))
    ]
    return Section(title="What no check here can find", body=element("ul", rest))


def page(report: CheckReport, subjects: Sequence[Subject]) -> str:
    """Return the page as HTML.

    Args:
        report: The check.
        subjects: The data set and those it was held against; their pictures are read for the examples.
    """
    cap = CAP_BYTES // len(subjects)
    albums = {subject.name: Album(subject.folder, cap_bytes=cap) for subject in subjects}
    kind, sentence = verdict_of(report)
    panel = element(
        "div", badge(kind, kind_word(kind)), element("p", words(sentence), class_="sentence"), class_=f"verdict {kind}"
    )
    meta = [f"{report.pictures:,} pictures", f"digest {report.dataset[:16]}"]
    meta += [f"held against {name}" for name in report.against]
    own = subjects[0].name
    sections = [overview(report), *(section_of(f, albums, own) for f in report.findings), limits(report)]
    return document(
        f"{own}: data check", masthead("data check", own, meta, panel), sections, footer(report.dataset[:16])
    )


def kind_word(kind: str) -> str:
    """Return the verdict in a word."""
    return {"fail": "Not sound", "indeterminate": "Look at it", "pass": "Sound"}[kind]
