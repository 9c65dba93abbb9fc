"""The papers that licenses ask for: ``attribution.json``, ``NOTICE`` and the license texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from underpaint.core.artifact import storage_errors
from underpaint.core.errors import LicenseRefused
from underpaint.stages.data.license import Obligations, credits_of
from underpaint.stages.data.sources import Evidence

ATTRIBUTION, NOTICE, LICENSES = "attribution.json", "NOTICE", "licenses"
CREDITS = "hand_on_these_credits"


STICKERS = (
    "underpaint stickers: pictures and captions made from the sources below.",
    "Pictures were rendered from vector drawings; captions were rewritten from Unicode CLDR names.",
)
"""How the notice of the stickers begins."""


def text_path(key: str) -> Traversable:
    """Return where the text of a license lies, if it is at hand."""
    return resources.files("underpaint.stages.data") / "licenses" / f"{key}.txt"


def has_text(key: str) -> bool:
    """Tell whether the text of a license is at hand."""
    return text_path(key).is_file()


def license_text(key: str) -> str:
    """Return the text of a license that asks to be handed on.

    Raises:
        LicenseRefused: Its text is not at hand, so the duty could not be met.
    """
    path = text_path(key)
    if not has_text(key):
        raise LicenseRefused(f"the text of {key} must go along with the data but is not at hand; add {path}")
    return path.read_text(encoding="utf-8")


def attribution(sources: Sequence[Evidence], duties: Obligations, counts: dict[str, int]) -> dict:
    """Return the content of ``attribution.json``.

    Args:
        sources: The evidence for each source.
        duties: What the gate found.
        counts: Source key to the number of pictures taken from it.
    """
    rows = [
        {
            "source": s.source,
            "purl": s.purl,
            "sha256": s.sha256,
            "role": s.role,
            "author": s.author,
            "pictures": counts.get(s.source, 0),
            "license_stated": {"license": s.stated, "url": s.stated_url},
            "license_upstream": s.upstream.model_dump() if s.upstream else None,
            "license_verified": s.verified.model_dump() if s.verified else None,
            "conflicts": [],
        }
        for s in sources
    ]
    words = credits_of(sources)
    return {
        "license": duties.license,
        "obligations_on_weights": {
            "name_the_authors_of": list(duties.attribution),
            "hand_on_the_texts_of": list(duties.notice),
            "not_for_weights": list(duties.evaluation_only),
            **({CREDITS: words} if words else {}),
        },
        "waivers": [waiver.model_dump() for waiver in duties.waivers],
        "sources": rows,
    }


def notice(sources: Sequence[Evidence], duties: Obligations, beginning: Sequence[str] = STICKERS) -> str:
    """Return the content of ``NOTICE``.

    Args:
        sources: The evidence for each source.
        duties: What the gate found.
        beginning: The first lines.
    """
    lines = [*beginning, ""]
    for source in sources:
        lines += [f"{source.author}: {source.purl}", f"    {source.role}, license {source.stated}"]
        lines += [f"    {source.credit}", ""] if source.credit else [""]
    if duties.notice:
        lines.append(f"The license texts lie in {LICENSES}/: {', '.join(f'{key}.txt' for key in duties.notice)}.")
    if credits_of(sources):
        lines.append("Attribution needed: pictures, and weights trained on them, go along with the credit lines above.")
    return "\n".join(lines) + "\n"


def write_notices(
    sources: Sequence[Evidence],
    duties: Obligations,
    counts: dict[str, int],
    folder: Path,
    *,
    beginning: Sequence[str] = STICKERS,
) -> None:
    """Write all papers into the data set.

    Args:
        sources: The evidence for each source.
        duties: What the gate found.
        counts: Source key to the number of pictures taken from it.
        folder: The data set.
        beginning: The first lines of the notice.

    Raises:
        LicenseRefused: The text of a license that must go along is not at hand.
    """
    with storage_errors(folder):
        if duties.notice:
            (folder / LICENSES).mkdir()
        for key in duties.notice:
            (folder / LICENSES / f"{key}.txt").write_text(license_text(key), encoding="utf-8")
        (folder / NOTICE).write_text(notice(sources, duties, beginning), encoding="utf-8")
        document = json.dumps(attribution(sources, duties, counts), indent=2, ensure_ascii=False)
        (folder / ATTRIBUTION).write_text(document + "\n", encoding="utf-8")
