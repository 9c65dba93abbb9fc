"""What each license allows and asks for, as far as pictures and weights trained on them are concerned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Use = Literal["any", "non-commercial", "none"]


@dataclass(frozen=True, kw_only=True)
class LicenseClass:
    """The terms of one license.

    Args:
        use: For what it may be used.
        attribution: The authors must be named.
        notice: The license's text or notice must go along.
        share_alike: What is made from it must carry the same license.
        derivatives: Changed versions are allowed.
        compatible: Other licenses that what is made from it may carry in spite of ``share_alike``.
    """

    use: Use = "any"
    attribution: bool = False
    notice: bool = False
    share_alike: bool = False
    derivatives: bool = True
    compatible: tuple[str, ...] = ()


PERMISSIVE = LicenseClass(attribution=True, notice=True)
BY = LicenseClass(attribution=True)
COPYLEFT = LicenseClass(attribution=True, notice=True, share_alike=True)

LICENSES: dict[str, LicenseClass] = {
    "0BSD": LicenseClass(),
    "Apache-2.0": PERMISSIVE,
    "BSD-2-Clause": PERMISSIVE,
    "BSD-3-Clause": PERMISSIVE,
    "CC-BY-3.0": BY,
    "CC-BY-4.0": BY,
    "CC-BY-NC-4.0": LicenseClass(use="non-commercial", attribution=True),
    "CC-BY-NC-ND-4.0": LicenseClass(use="non-commercial", attribution=True, derivatives=False),
    "CC-BY-NC-SA-4.0": LicenseClass(use="non-commercial", attribution=True, share_alike=True),
    "CC-BY-ND-4.0": LicenseClass(attribution=True, derivatives=False),
    "CC-BY-SA-3.0": LicenseClass(attribution=True, share_alike=True, compatible=("CC-BY-SA-4.0",)),
    "CC-BY-SA-4.0": LicenseClass(attribution=True, share_alike=True, compatible=("GPL-3.0-only",)),
    "CC0-1.0": LicenseClass(),
    "GFDL-1.3-only": COPYLEFT,
    "GPL-2.0-only": COPYLEFT,
    "GPL-2.0-or-later": LicenseClass(
        attribution=True, notice=True, share_alike=True, compatible=("GPL-2.0-only", "GPL-3.0-only", "GPL-3.0-or-later")
    ),
    "GPL-3.0-only": COPYLEFT,
    "GPL-3.0-or-later": LicenseClass(attribution=True, notice=True, share_alike=True, compatible=("GPL-3.0-only",)),
    "ISC": PERMISSIVE,
    "MIT": PERMISSIVE,
    "MIT-0": LicenseClass(),
    "OFL-1.1": LicenseClass(notice=True),  # its share-alike does not reach documents made with the font
    "Unicode-3.0": PERMISSIVE,
    "Unicode-DFS-2016": PERMISSIVE,
}

MISLABELED: dict[str, str] = {
    "@lobehub/fluent-emoji-3d": (
        "it is labeled MIT but has no license file, and hundreds of its drawings are outside Microsoft's open set "
        "(microsoft/fluentui-emoji#51)"
    ),
    "emoji-datasource-apple": "it is labeled MIT, but the drawings are Apple's",
    "googlefonts/noto-emoji/png": (
        "the repository's root LICENSE, which covers png/, is OFL-1.1; only svg/LICENSE is Apache-2.0: build from svg/"
    ),
}
"""Sources whose label is known to mislead: the beginning of their key, and why."""
