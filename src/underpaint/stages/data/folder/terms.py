"""Terms: which licenses the pictures have, whether weights may learn from them, and what these owe."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable
from urllib.parse import quote

from underpaint.adapters.license_expression import Expression, parse
from underpaint.core.errors import LicenseRefused
from underpaint.stages.data.license import keys_of, owes_credit, use_problems
from underpaint.stages.data.license_classes import LICENSES
from underpaint.stages.data.notices import has_text
from underpaint.stages.data.sources import Evidence

BETWEEN = " · "
"""What stands between origin, author and license in the key of a source."""


@functools.lru_cache(maxsize=256)
def license_problem(expression: str, weights_license: str) -> str:
    """Say why pictures of a license cannot be used; empty if they can.

    Args:
        expression: SPDX expression.
        weights_license: SPDX key that the weights shall carry.
    """
    try:
        parsed = parse(expression)
    except ValueError as error:
        near = difflib.get_close_matches(expression.upper(), [key.upper() for key in LICENSES], n=1)
        meant = next((key for key in LICENSES if near == [key.upper()]), "")
        hint = f"did you mean {meant}?" if meant else "give one such as CC-BY-4.0"
        return f"the license {expression!r:.60} is no SPDX expression ({error}); {hint}"
    problems = use_problems(parsed, "weights", weights_license) or text_problems(parsed)
    if not problems:
        return ""
    renamed = [key for key in sorted(keys_of(parsed)) if key.lower() not in expression.lower()]
    read_as = f"the license {expression!r:.60} is read as {', '.join(renamed)}: " if renamed else ""
    usable = (key for key in LICENSES if not (use_problems(key, "weights", weights_license) or text_problems(key)))
    allowed = ", ".join(usable)
    return f"{read_as}{'; '.join(what for _, what in problems)}; weights may learn from {allowed}"


def check_terms(license_: str, weights_license: str) -> None:
    """Refuse the license that was given for all pictures before anything is read.

    Raises:
        LicenseRefused: It cannot be used, or the license of the weights is unknown.
    """
    if weights_license not in LICENSES:
        raise LicenseRefused(f"weights_license is {weights_license!r}; choose one of {', '.join(LICENSES)}")
    problem = license_problem(license_, weights_license) if license_ else ""
    if problem:
        raise LicenseRefused(problem)


def text_problems(expression: Expression) -> list[tuple[str, str]]:
    """Return (rule, what is wrong) for each license whose text must go along and is not at hand."""
    keys = [key for key in sorted(keys_of(expression)) if key in LICENSES and LICENSES[key].notice]
    return [("text", f"the text of {key} must go along and is not at hand") for key in keys if not has_text(key)]


@functools.lru_cache(maxsize=256)
def asks_for_author(expression: str) -> bool:
    """Tell whether a license asks to name the author.

    Args:
        expression: SPDX expression that can be parsed.
    """
    return owes_credit(parse(expression))


def source_key(name: str, source: str, author: str, license_: str) -> str:
    """Return the key under which pictures of one origin, author and license are listed."""
    return BETWEEN.join(filter(None, (source or name, author, license_)))


def credit_of(source: str, author: str, license_: str) -> str:
    """Return the words that name an author, where the license asks for them and an author is known."""
    asked = any(LICENSES[key].attribution for key in keys_of(parse(license_)) if key in LICENSES)
    return (
        f"{author} ({source}), licensed under {license_}. Changed: scaled and letterboxed." if asked and author else ""
    )


def evidence_of(name: str, origins: Iterable[tuple[str, str, str]], digest: str) -> tuple[Evidence, ...]:
    """Return what is on record about each origin of the pictures.

    Args:
        name: Name of the data set.
        origins: (source, author, license) of the pictures.
        digest: SHA-256 over the rows and the bytes of their pictures.
    """
    return tuple(
        Evidence(
            source=source_key(name, source, author, license_),
            purl=f"pkg:generic/{path_of(name)}/{path_of(source_key('', source, author, license_))}@{digest[:16]}",
            role="pictures",
            author=author or "not stated",
            stated=license_,
            upstream=None,
            verified=None,
            sha256=digest,
            credit=credit_of(source or name, author, license_),
        )
        for source, author, license_ in sorted(set(origins))
    )


def path_of(text: str) -> str:
    """Return a text as one part of a package URL."""
    return quote(re.sub(r"\s*·\s*|\s+", "-", text), safe="-._~")
