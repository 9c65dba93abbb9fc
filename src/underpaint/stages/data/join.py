"""The join of npm drawings with names: both sides keyed by code points without U+FE0F."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from underpaint.core.errors import DataError, LicenseRefused
from underpaint.stages.data.drawing import Drawing, id_of, strip_id
from underpaint.stages.data.packages import read_json
from underpaint.stages.data.sources import CLDR, CLDR_DERIVED, STYLES, Evidence, Style


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
    left, top = (float(icon.get(key, defaults.get(key, 0))) for key in ("left", "top"))
    width, height = (float(icon.get(key, defaults.get(key, 16))) for key in ("width", "height"))
    side = max(width, height)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{left:g} {top:g} {width:g} {height:g}" width="{side:g}" height="{side:g}">{icon["body"]}</svg>'
    )


def join_style(style: Style, paths: Mapping[str, Path], names: Mapping[str, str]) -> list[Drawing]:
    """Join one set of drawings with the names.

    Args:
        style: The set.
        paths: Package key to package file.
        names: Id to name.

    Returns:
        Named, visible drawings in the order of their ids.

    Raises:
        DataError: The package is not laid out as expected.
    """
    icons = read_json(paths[style.package.key], "icons.json")
    characters = read_json(paths[(style.chars_from or style.package).key], "chars.json")
    joined = {}
    try:
        for code_points, icon in characters.items():
            id_, record = strip_id(code_points), icons["icons"].get(icon)
            if record is not None and not record.get("hidden") and id_ in names:
                joined[id_] = (icon, svg_document(record, icons))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{style.package.key} is not laid out as expected ({error!r}); use the pinned version"
        ) from None
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


def join_all(paths: Mapping[str, Path], styles: Iterable[Style] = STYLES) -> list[Drawing]:
    """Join every style of an npm set."""
    names = read_names(paths)
    return [drawing for style in styles for drawing in join_style(style, paths, names)]


def check_stated(evidence: Evidence, archive: Path) -> None:
    """Compare the license that our evidence quotes with the one that the package states.

    Args:
        evidence: Our record.
        archive: The package file.

    Raises:
        LicenseRefused: They differ.
    """
    stated = read_json(archive, "package.json").get("license", "")
    url = read_json(archive, "info.json")["license"].get("url", "") if evidence.role == "drawings" else ""
    if (stated, url) != (evidence.stated, evidence.stated_url):
        raise LicenseRefused(
            f"{evidence.source} states the license {stated!r} ({url or 'no link'}), but {evidence.stated!r} "
            f"({evidence.stated_url or 'no link'}) is on record; read its license anew before using it"
        )
