"""HTML and SVG out of Python in which every string is escaped, unless it is markup already."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import TypeAlias

VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
UNSAFE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010fffd]")
"""Characters that neither XML nor HTML may hold."""


class Markup(str):
    """Text that is HTML or SVG already; it is never escaped again."""

    __slots__ = ()


Child: TypeAlias = "str | int | float | Iterable[Child] | None"
Attribute: TypeAlias = "str | int | float | bool | None"


def escape(text: str) -> Markup:
    """Escape a string for content and for attributes; what XML cannot hold becomes the replacement character."""
    return Markup(html.escape(UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text), quote=True))


def join(*children: Child) -> Markup:
    """Put children one after the other: markup as it is, strings escaped, None left out, lists flattened."""
    return Markup("".join(_flat(child) for child in children))


def _flat(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return escape(child)
    if isinstance(child, int | float):
        return escape(str(child))
    return "".join(_flat(part) for part in child)


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = name.removesuffix("_").replace("_", "-")
    if value is True:
        return f' {name}=""'
    shown = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f' {name}="{escape(shown)}"'


def element(tag: str, *children: Child, **attributes: Attribute) -> Markup:
    """Make an element.

    Args:
        tag: Its name.
        *children: Strings are escaped, ``Markup`` is not, None is left out, lists are flattened.
        **attributes: ``class_`` and ``for_`` lose the underscore at their end, the others stand for hyphens; None and
            False leave an attribute out; floats have two decimals.
    """
    opening = f"<{tag}{''.join(_attribute(name, value) for name, value in attributes.items())}>"
    return Markup(opening) if tag in VOID else Markup(f"{opening}{join(*children)}</{tag}>")


def words(text: str, *, class_: str | None = None) -> Markup:
    """Show words from outside: set apart, so that their writing direction cannot reorder what stands around them."""
    return element("bdi", text, class_=class_)


def anchor_of(text: str) -> str:
    """Turn a heading into the name of an anchor."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "section"


def drawing(*children: Child, width: float, height: float, label: str) -> Markup:
    """Make a drawing of its natural size that says in words what it shows."""
    return element(
        "svg",
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
        role="img",
        aria_label=label,
        class_="plot",
    )
