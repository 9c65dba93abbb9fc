"""Tables of a page, with a caption, scrolling where they are too wide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from underpaint.core.page.markup import Child, Markup, element


def cell(child: Child, *, class_: str | None = None) -> Markup:
    """Make a cell."""
    return element("td", child, class_=class_)


def table(caption: str, head: Sequence[str], rows: Iterable[Child], *, numeric: Sequence[int] = ()) -> Markup:
    """Make a table that scrolls in a container of its own where it is too wide.

    Args:
        caption: What it shows.
        head: Column headings.
        rows: ``tr`` elements.
        numeric: Columns aligned to the right.
    """
    columns = [
        element("th", name, scope="col", class_="number" if index in numeric else None)
        for index, name in enumerate(head)
    ]
    whole = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", element("tr", columns)),
        element("tbody", rows),
    )
    return element("div", whole, class_="scroll", role="region", aria_label=caption, tabindex=0)
