"""What stands first and last on every page."""

from __future__ import annotations

from collections.abc import Sequence

from underpaint.core.page.markup import Child, Markup, element, words


def masthead(kind: str, title: str, meta: Sequence[str], *panel: Child) -> Markup:
    """Say what the page is about, and the most important sentence.

    Args:
        kind: ``evaluation``, ``comparison``, ...
        title: The heading.
        meta: Short facts; empty ones are left out.
        *panel: The verdict, and what must be known to read it.
    """
    return element(
        "div",
        element("p", element("span", "underpaint", class_="brand"), " ", kind, class_="eyebrow"),
        element("h1", words(title)),
        element("p", words(" · ".join(part for part in meta if part)), class_="meta"),
        *panel,
        class_="masthead",
    )


def footer(created: str) -> Markup:
    """Say where the page comes from."""
    return element("p", "Made by underpaint · ", words(created), " · this page loads nothing from anywhere")
