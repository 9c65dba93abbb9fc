"""The join of drawings with names: both sides keyed by code points without U+FE0F."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from underpaint.stages.data.sources import CLDR, CLDR_DERIVED, STYLES, Style, read_json


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A drawing that has a name.

    Args:
        id: Code points in hexadecimal joined by ``-``, without ``fe0f``.
        name: CLDR name.
        style: Style's name.
        family: Whose hand.
        source: Package key.
        icon: Name inside the package.
        license: SPDX expression.
        svg: Complete SVG document.
    """

    id: str
    name: str
    style: str
    family: str
    source: str
    icon: str
    license: str
    svg: str


def id_of(text: str) -> str:
    """Return the id of an emoji sequence: code points in hexadecimal joined by ``-``, without U+FE0F."""
    return "-".join(f"{ord(c):x}" for c in text if c != "\ufe0f")


def strip_id(code_points: str) -> str:
    """Return the id of code points such as ``0023-fe0f-20e3``: no leading zeros, no ``fe0f``."""
    return id_of("".join(chr(int(part, 16)) for part in code_points.split("-")))


def read_names(paths: Mapping[str, Path]) -> dict[str, str]:
    """Read CLDR's English names, the derived ones (tones, flags, keycaps) included.

    Args:
        paths: Package key to package file.

    Returns:
        Id to ``tts`` name; items without one are left out.
    """
    plain = read_json(paths[CLDR.key], "annotations/en/annotations.json")["annotations"]["annotations"]
    derived = read_json(paths[CLDR_DERIVED.key], "annotationsDerived/en/annotations.json")
    merged = plain | derived["annotationsDerived"]["annotations"]
    return {id_of(text): item["tts"][0] for text, item in merged.items() if item.get("tts")}


def svg_document(icon: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Wrap the body of an Iconify icon as a complete SVG document.

    Args:
        icon: The icon's record; its own ``left top width height`` come before the set's.
        defaults: The set's record.
    """
    left, top = (icon.get(key, defaults.get(key, 0)) for key in ("left", "top"))
    width, height = (icon.get(key, defaults.get(key, 16)) for key in ("width", "height"))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{left} {top} {width} {height}" width="{max(width, height)}" height="{max(width, height)}">'
        f"{icon['body']}</svg>"
    )


def join_style(style: Style, paths: Mapping[str, Path], names: Mapping[str, str]) -> list[Drawing]:
    """Join one set of drawings with the names.

    Args:
        style: The set.
        paths: Package key to package file.
        names: Id to name.

    Returns:
        Named, visible drawings in the order of their ids.
    """
    icons = read_json(paths[style.package.key], "icons.json")
    characters = read_json(paths[(style.chars_from or style.package).key], "chars.json")
    joined = {}
    for code_points, icon in characters.items():
        id_, record = strip_id(code_points), icons["icons"].get(icon)
        if record is not None and not record.get("hidden") and id_ in names:
            joined[id_] = (icon, svg_document(record, icons))
    return [
        Drawing(
            id=id_,
            name=names[id_],
            style=style.style,
            family=style.family,
            source=style.package.key,
            icon=icon,
            license=style.license,
            svg=svg,
        )
        for id_, (icon, svg) in sorted(joined.items())
    ]


def join_all(paths: Mapping[str, Path]) -> list[Drawing]:
    """Join every style of the default set."""
    names = read_names(paths)
    return [drawing for style in STYLES for drawing in join_style(style, paths, names)]
