"""The license gate: three columns must agree, the terms must allow the use, and anything unknown is refused."""

from __future__ import annotations

from collections.abc import Sequence

from underpaint.adapters.license_expression import Expression, join, parse
from underpaint.core.config import Config
from underpaint.core.errors import LicenseRefused
from underpaint.stages.data.license_classes import LICENSES, MISLABELED
from underpaint.stages.data.sources import Evidence

MAX_REPORTED = 20


class Waiver(Config):
    """A recorded decision to accept a source in spite of one rule; it is shown in the card.

    Args:
        source: Key of the source.
        rule: The rule that is waived.
        by: Who decided.
        reason: Why.
    """

    source: str
    rule: str
    by: str
    reason: str


class Obligations(Config):
    """What the gate found out.

    Args:
        license: SPDX expression of the whole data set.
        attribution: Keys of the sources whose authors must be named.
        notice: Licenses whose text must go along.
        evaluation_only: Keys of the sources that weights must not be trained on.
        waivers: Waivers that were used.
    """

    license: str
    attribution: tuple[str, ...]
    notice: tuple[str, ...]
    evaluation_only: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()


def keys_of(expression: Expression) -> set[str]:
    """Return the license keys of a parsed expression."""
    if isinstance(expression, str):
        return {expression}
    return set().union(*(keys_of(part) for part in expression[1]))


def owes_credit(expression: Expression) -> bool:
    """Tell whether a license asks to name the authors: a part of an AND, or every part of an OR."""
    if isinstance(expression, str):
        return expression in LICENSES and LICENSES[expression].attribution
    operator, parts = expression
    return (all if operator == "or" else any)(owes_credit(part) for part in parts)


def column_problems(evidence: Evidence) -> list[tuple[str, str]]:
    """Check that the three columns are there, can be parsed and agree.

    Returns:
        (rule, what is wrong) for each problem.
    """
    columns = {
        "license_stated": evidence.stated,
        "license_upstream": evidence.upstream.license if evidence.upstream else "",
        "license_verified": evidence.verified.license if evidence.verified else "",
    }
    parsed: dict[str, Expression] = {}
    problems = []
    for column, expression in columns.items():
        if not expression.strip():
            problems.append(("missing", f"{column} is empty"))
            continue
        try:
            parsed[column] = parse(expression)
        except ValueError as error:
            problems.append(("unknown", f"{column} is {expression!r}: {error}"))
    if len({frozenset(keys_of(expression)) for expression in parsed.values()}) > 1:
        problems.append(("disagree", ", ".join(f"{column} is {columns[column]!r}" for column in parsed)))
    problems += [("mislabeled", why) for start, why in MISLABELED.items() if evidence.source.startswith(start)]
    return problems


def key_problem(key: str, purpose: str, weights_license: str) -> tuple[str, str] | None:
    """Check one license against the use.

    Args:
        key: SPDX key.
        purpose: ``weights`` or ``evaluation``.
        weights_license: SPDX key that the weights shall carry.
    """
    terms = LICENSES.get(key)
    if terms is None:
        return "unclassified", f"{key} is not in the table of license classes"
    if purpose == "evaluation":
        return None if terms.use != "none" else ("use", f"{key} allows no use")
    if terms.use != "any":
        return "use", f"{key} allows {terms.use} use only"
    if not terms.derivatives:
        return "derivatives", f"{key} allows no changed versions"
    if terms.share_alike and weights_license not in (key, *terms.compatible):
        return "share-alike", f"{key} asks for the same license, but the weights shall be {weights_license}"
    return None


def use_problems(expression: Expression, purpose: str, weights_license: str) -> list[tuple[str, str]]:
    """Check the terms of an expression: all parts of an AND, at least one of an OR."""
    if isinstance(expression, str):
        problem = key_problem(expression, purpose, weights_license)
        return [problem] if problem else []
    operator, parts = expression
    found = [use_problems(part, purpose, weights_license) for part in parts]
    if operator == "or" and not all(found):
        return []
    return [problem for problems in found for problem in problems]


def problems_of(evidence: Evidence, weights_license: str) -> list[tuple[str, str]]:
    """Return all (rule, what is wrong) of one source."""
    problems = column_problems(evidence)
    if not any(rule in ("missing", "unknown") for rule, _ in problems):
        problems += use_problems(parse(evidence.stated), evidence.purpose, weights_license)
    return problems


def gate(sources: Sequence[Evidence], weights_license: str, waivers: Sequence[Waiver] = ()) -> Obligations:
    """Let sources pass or refuse them.

    Args:
        sources: The evidence for each.
        weights_license: SPDX key of the license that weights trained on the data shall carry.
        waivers: Recorded exceptions.

    Raises:
        LicenseRefused: A source breaks a rule that is not waived; the message names source, column and rule.
    """
    if weights_license not in LICENSES:
        raise LicenseRefused(
            f"weights_license is {weights_license!r}, which is not in the table; choose one of {', '.join(LICENSES)}"
        )
    waived = {(waiver.source, waiver.rule): waiver for waiver in waivers}
    found = [(s.source, rule, what) for s in sources for rule, what in problems_of(s, weights_license)]
    refused = [f"{source}: rule {rule!r}: {what}" for source, rule, what in found if (source, rule) not in waived]
    if refused:
        raise LicenseRefused(
            f"{len(refused)} license problem(s): {'; '.join(refused[:MAX_REPORTED])}. Mend the evidence of the source, "
            "leave it out, use it for evaluation only, or record a waiver with a reason"
        )
    return obligations(sources, tuple(waived[s, r] for s, r, _ in found if (s, r) in waived))


def credits_of(sources: Sequence[Evidence]) -> list[str]:
    """Return the words that must go along with the data and with weights trained on them."""
    return [source.credit for source in sources if source.credit]


def obligations(sources: Sequence[Evidence], waivers: tuple[Waiver, ...] = ()) -> Obligations:
    """Collect what the licenses of accepted sources ask for."""
    keys = {source.source: keys_of(parse(source.stated)) for source in sources}
    terms = {source: [LICENSES[key] for key in found if key in LICENSES] for source, found in keys.items()}
    everything = sorted(set().union(*keys.values()))
    return Obligations(
        license=join([source.stated for source in sources]),
        attribution=tuple(source for source, classes in terms.items() if any(c.attribution for c in classes)),
        notice=tuple(key for key in everything if key in LICENSES and LICENSES[key].notice),
        evaluation_only=tuple(source.source for source in sources if source.purpose == "evaluation"),
        waivers=waivers,
    )
