"""Sources on request: drawings whose authors must be credited in given words, wherever models of them go.

Attribution (CC BY) may enter weights of any license, but whoever hands them on must hand on the credit. So these
sources are in no default: a build takes them when asked by name, and the credit stands in every paper it writes.
"""

from __future__ import annotations

from dataclasses import dataclass

from underpaint.stages.data.packages import Package
from underpaint.stages.data.sources import CHECKED_BY, Evidence, Style, Upstream, Verified


@dataclass(frozen=True, kw_only=True)
class Attributed:
    """A set of drawings that is taken on request.

    Args:
        style: The drawings.
        evidence: Their license; ``credit`` holds the words that the license asks for.
    """

    style: Style
    evidence: Evidence


TWEMOJI = Package(
    name="@iconify-json/twemoji",
    version="1.2.5",
    sha256="19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7",
    integrity="sha512-uKpuIEV0v6K5BW3Mjdyl+XKFVAbbcPxAgifKvEMtZoUZB5+YiY5zaMm2uNNCxyXzAWU9yNLlj41WU6/mvgALsw==",
)
TWEMOJI_STATEMENT = (
    '"Twemoji\'s code is covered by the MIT license and all graphics are covered by CC-BY-4.0. SVGs are graphics" '
    "(maintainer jdecked, 2022-06-05, twitter/twemoji#550); for the attribution, the README accepts a mention in a "
    'project\'s README or an "About" section'
)
TWEMOJI_CREDIT = (
    "Twemoji (https://github.com/jdecked/twemoji), copyright Twitter, Inc and other contributors; graphics licensed "
    "under CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/). Changed: rendered as pixels."
)
ATTRIBUTED: dict[str, Attributed] = {
    "twemoji": Attributed(
        style=Style(package=TWEMOJI, style="bold", family="twemoji", license="CC-BY-4.0"),
        evidence=Evidence(
            source=TWEMOJI.key,
            purl=TWEMOJI.purl,
            role="drawings",
            author="Twitter, Inc and other contributors (Twemoji)",
            stated="CC-BY-4.0",
            stated_url="https://creativecommons.org/licenses/by/4.0/",
            upstream=Upstream(
                license="CC-BY-4.0",
                url="https://github.com/jdecked/twemoji/blob/main/README.md",
                commit="1ac153682bd8be190537b1439c6004575a375a89",
            ),
            verified=Verified(license="CC-BY-4.0", by=CHECKED_BY, date="2026-11-28", statement=TWEMOJI_STATEMENT),
            sha256=TWEMOJI.sha256,
            credit=TWEMOJI_CREDIT,
        ),
    ),
}
"""What ``--with`` takes: name to drawings and license."""

ADDED_STYLES = frozenset(added.style.style for added in ATTRIBUTED.values())
"""Styles that follow the groups and splits of the default set instead of deciding about them."""
