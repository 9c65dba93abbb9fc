"""The bones of a page: sections with headings, figures in two widths, notes, the whole document."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources

from underpaint.core.page.markup import Child, Markup, anchor_of, element, join, words

WIDE, HALF, NARROW = 878.0, 410.0, 300.0


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page with its own heading.

    Args:
        title: The heading.
        body: What stands below it.
        lead: A sentence or two that say how to read it.
    """

    title: str
    body: Markup
    lead: str = ""

    @property
    def anchor(self) -> str:
        """Its name inside the page."""
        return anchor_of(self.title)

    def render(self) -> Markup:
        """Return the section as HTML."""
        return element(
            "section",
            element("h2", self.title, id=f"{self.anchor}-heading"),
            element("p", self.lead, class_="lead") if self.lead else None,
            self.body,
            id=self.anchor,
            aria_labelledby=f"{self.anchor}-heading",
        )


def figure(draw: Callable[[float], Markup], caption: Child = None, *, wide: float = WIDE) -> Markup:
    """Show a plot drawn once for wide and once for narrow screens; style decides which is seen.

    Args:
        draw: Takes a width in pixels and returns a plot.
        caption: Words above it.
        wide: Width on wide screens.
    """
    return element(
        "figure",
        element("figcaption", caption, class_="title") if caption else None,
        element("div", draw(wide), class_="wide"),
        element("div", draw(NARROW), class_="narrow"),
        class_="chart",
    )


def legend(*entries: tuple[str, str]) -> Markup:
    """Explain marks; each entry is a class of the style sheet and words."""
    return element(
        "ul",
        [element("li", element("span", class_=f"key {kind}", aria_hidden="true"), name) for kind, name in entries],
        class_="legend",
    )


def note(*children: Child, kind: str = "info") -> Markup:
    """Set a remark apart."""
    return element("p", *children, class_=f"remark {kind}")


def badge(verdict: str, name: str) -> Markup:
    """Show a verdict in a word."""
    return element("span", name, class_=f"badge {verdict}")


def details(summary: Child, *children: Child, open_: bool = False) -> Markup:
    """Fold something away."""
    return element("details", element("summary", summary), *children, open=open_)


def command_block(command: str) -> Markup:
    """Show a command that can be copied."""
    return element("pre", element("code", command), class_="command", tabindex=0, aria_label="Command")


def _asset(name: str) -> str:
    return (resources.files(__package__ or "") / name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """Allow nothing but what stands in the page: its pictures, its style, its one script."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    )


def _contents(sections: Sequence[Section]) -> Markup:
    links = [element("li", element("a", section.title, href=f"#{section.anchor}")) for section in sections]
    return element("nav", element("ol", links), aria_label="Contents", class_="contents")


def document(title: str, header: Markup, sections: Sequence[Section], footer: Markup) -> str:
    """Put a page together: one file that loads nothing.

    Args:
        title: For the window and for search.
        header: What stands first, with the only ``h1``.
        sections: In order.
        footer: What stands last.
    """
    script = _asset("page.js")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", Markup(_asset("style.css"))),
    )
    body = element(
        "body",
        element("a", "Skip to the content", href="#content", class_="skip"),
        element("header", header, class_="top"),
        element(
            "div",
            _contents(sections),
            element("main", [section.render() for section in sections], id="content", tabindex=-1),
            class_="columns",
        ),
        element("footer", footer, class_="bottom"),
        element("script", Markup(script)),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def bold(text: str) -> Markup:
    """Stress words from outside."""
    return element("strong", words(text))


def paragraphs(texts: Sequence[str]) -> Markup:
    """Show sentences, a paragraph each."""
    return join(element("p", words(text)) for text in texts)
