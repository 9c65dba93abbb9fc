"""The sources: which packages, which style each one holds, and the evidence for its license.

A package's license field is a claim. Beside it stand what the upstream repository's license file says and what was
verified by hand, with the statement; the three must agree.
"""

from __future__ import annotations

from dataclasses import dataclass

from underpaint.core.config import Config
from underpaint.stages.data.packages import Package


class Upstream(Config):
    """The license file of the repository the drawings come from.

    Args:
        license: SPDX expression of the file.
        url: Where it lies.
        commit: The commit that was read; empty if only the current file was read.
        sha256: SHA-256 of the file; empty if unknown.
    """

    license: str
    url: str
    commit: str = ""
    sha256: str = ""


class Verified(Config):
    """What a person found out.

    Args:
        license: SPDX expression that applies to what is used here.
        by: Who checked.
        date: When, as YYYY-MM-DD.
        statement: On what words of whom it rests.
    """

    license: str
    by: str
    date: str
    statement: str


class Evidence(Config):
    """A source and the three columns of its license.

    Args:
        source: Key of the source, for example ``@iconify-json/noto@1.2.9``.
        purl: Package URL.
        role: ``drawings`` or ``names``.
        author: Whom to name.
        stated: What the package itself says, as an SPDX expression; compared with the package when it is read.
        stated_url: License link inside the package; compared too.
        upstream: See ``Upstream``.
        verified: See ``Verified``.
        purpose: ``weights`` if models may learn from it, ``evaluation`` if it may only be compared with.
        sha256: SHA-256 of the package file or of the files read from it.
        credit: The words that name the authors as the license asks; empty if its text and the author suffice.
    """

    source: str
    purl: str
    role: str
    author: str
    stated: str
    stated_url: str = ""
    upstream: Upstream | None
    verified: Verified | None
    purpose: str = "weights"
    sha256: str = ""
    credit: str = ""


@dataclass(frozen=True, kw_only=True)
class Style:
    """One set of drawings.

    Args:
        package: Where they are.
        style: The style's name in captions and records; descriptive, no brand.
        family: Whose hand; styles of a family share their shapes.
        license: SPDX expression.
        chars_from: Package whose ``chars.json`` names the drawings, where this one's is empty.
    """

    package: Package
    style: str
    family: str
    license: str
    chars_from: Package | None = None


CLDR = Package(
    name="cldr-annotations-full",
    version="48.2.0",
    sha256="28576e51225deb51e3ddd734b0f824a0079682cb5d8c27faa9f68149317a14d1",
    integrity="sha512-DV7A+rEcgUSNTRsVGNGqBZRmAkGfwhGHO5Q1dRwzBoBnVrHWp804JP7/QJdEc66iHmx3+zLWVIMCFLm0lW7PUQ==",
)
CLDR_DERIVED = Package(
    name="cldr-annotations-derived-full",
    version="48.2.0",
    sha256="4be946ff5815f806ec78b50363d577a769f2fbfb90c6380a44e161a92436996e",
    integrity="sha512-log62km+AOzI7n/NEuNNFV0mg9DWnt67EYCh1RwxZq9dyRuyteB586LT83Ke8TchEfnwI9cIk2P31zO4nTvZmw==",
)
NOTO = Package(
    name="@iconify-json/noto",
    version="1.2.9",
    sha256="3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
    integrity="sha512-DQiuXENbun41ch+XPSV55H9FaWKpHTyz46YIKtSaKYD4fIDDzL1tR6H4np/T38jfrTAeI3rcKF0mqHYeZVAuaw==",
)
FLUENT_FLAT = Package(
    name="@iconify-json/fluent-emoji-flat",
    version="1.2.6",
    sha256="7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
    integrity="sha512-RY47RgPb47fYUiyrA64sIOL0+UU02s29sXpNBbIQRBUlPlfNFTKUmZDERGuxDs/7yNGWqQYvuaSYM1M4fRXlUw==",
)
FLUENT_COLOR = Package(
    name="@iconify-json/fluent-emoji",
    version="1.2.7",
    sha256="8044210dbf11e016d4de85f15d01a243423bd832457e7e2491df1b751c0e272b",
    integrity="sha512-D8G6bKAyIsyxP1rzZtIWr/gg/fO4Rg1+DyCWlfqKK4h8W+4Em/Y0P6QYgJUQTlUcagzJvSyg+9OBv4hz4Hc/QA==",
)
FLUENT_HIGH_CONTRAST = Package(
    name="@iconify-json/fluent-emoji-high-contrast",
    version="1.2.6",
    sha256="0b92d48c90d2200bd499e3cdd09a127ca6a8c8ddefd34c35eb5a1e4994012ae0",
    integrity="sha512-esqhZPpkrF7sNX3NsLoh8KW64okEr/bzko7WNnFP+qTJGAqDPDYjp0925yxuivXy3HtVQB8xhIKu3+Nq1byX5w==",
)
NAMES = (CLDR, CLDR_DERIVED)
STYLES = (
    Style(package=NOTO, style="cartoon", family="noto", license="Apache-2.0"),
    Style(package=FLUENT_FLAT, style="flat", family="fluent", license="MIT"),
    Style(package=FLUENT_COLOR, style="gradient", family="fluent", license="MIT", chars_from=FLUENT_FLAT),
    Style(package=FLUENT_HIGH_CONTRAST, style="line-art", family="fluent", license="MIT"),
)
PACKAGES = (*NAMES, *(style.package for style in STYLES))

CHECKED_BY, CHECKED_ON = "the underpaint maintainers", "2026-11-21"
NOTO_STATEMENT = (
    '"Apache for the source data" (maintainer dougfelt, 2016-10-20, googlefonts/noto-emoji#45); the repository\'s root '
    "LICENSE is OFL-1.1 and covers the fonts, so the drawings are taken from svg/ and not from png/"
)
FLUENT_STATEMENT = (
    '"the intent is that you can use these assets as you\'d like, like code that is released under MIT license" '
    "(maintainer, 2023, microsoft/fluentui-emoji#89); only drawings inside that repository are used; its README keeps "
    "the paperclip and national flags out of the open set, and none of them is in this data set"
)
CLDR_STATEMENT = "the license file lies in the package and was read there"


def _npm(package: Package, role: str, author: str, license_: str, url: str, upstream: Upstream, why: str) -> Evidence:
    return Evidence(
        source=package.key,
        purl=package.purl,
        role=role,
        author=author,
        stated=license_,
        stated_url=url,
        upstream=upstream,
        verified=Verified(license=license_, by=CHECKED_BY, date=CHECKED_ON, statement=why),
        sha256=package.sha256,
    )


def _fluent(package: Package) -> Evidence:
    url = "https://github.com/microsoft/fluentui-emoji/blob/main/LICENSE"
    author = "Microsoft Corporation (Fluent Emoji)"
    return _npm(package, "drawings", author, "MIT", url, Upstream(license="MIT", url=url), FLUENT_STATEMENT)


def _cldr(package: Package) -> Evidence:
    upstream = Upstream(
        license="Unicode-3.0",
        url="https://github.com/unicode-org/cldr-json/blob/main/LICENSE",
        sha256="b49d0e9f8ead51ca8b7df6fec89cc3ae6809198b4b9d43c74216da0118f23f5b",
    )
    return _npm(package, "names", "Unicode, Inc. (CLDR)", "Unicode-3.0", "", upstream, CLDR_STATEMENT)


NPM_EVIDENCE = (
    _npm(
        NOTO,
        "drawings",
        "Google, Inc. (Noto Emoji)",
        "Apache-2.0",
        "https://github.com/googlefonts/noto-emoji/blob/main/svg/LICENSE",
        Upstream(
            license="Apache-2.0",
            url="https://github.com/googlefonts/noto-emoji/blob/main/svg/LICENSE",
            commit="1630d7117e60e96350fe17c0ecadf915df59f4fd",
            sha256="611ceab36dae96644ca84e8ace6873821790192bf6f73b0d0624a21b24b4b332",
        ),
        NOTO_STATEMENT,
    ),
    _fluent(FLUENT_FLAT),
    _fluent(FLUENT_COLOR),
    _fluent(FLUENT_HIGH_CONTRAST),
    _cldr(CLDR),
    _cldr(CLDR_DERIVED),
)
