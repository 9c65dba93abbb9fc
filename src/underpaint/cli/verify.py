"""``underpaint verify``: say whether a picture is as underpaint wrote it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from underpaint.cli.output import Output

if TYPE_CHECKING:
    from pathlib import Path

    from underpaint.pipelines.credentials import Credential
    from underpaint.pipelines.verification import Verification

EXAMPLES = """examples:
  underpaint verify cat.png
  underpaint verify --json cat.png
  underpaint verify --trust roots.pem cat.png

exit codes:
  0  as it was drawn; with --trust: and signed by somebody on the list
  2  nothing says that underpaint drew it; with --trust: or nobody on the list has signed it
  3  damaged or changed since, or its claims contradict each other
"""
CODES = {"as drawn": 0, "changed": 3, "unknown": 2}
TRUST = {
    "listed": "trusted, its root is on the list",
    "this computer": "known, the key was made on this computer",
    "unknown": "unknown, its root is not trusted here",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "picture", metavar="PICTURE", help="a PNG file, or a JPEG or WebP copy to look for the watermark"
    )
    parser.add_argument(
        "--trust", metavar="FILE", help="certificates, PEM; only what somebody under one of them has signed is as drawn"
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Check the picture, print what is known and what is not, and leave with the code of the verdict."""
    from pathlib import Path

    from underpaint.pipelines.verification import verify

    path = Path(args.picture)
    verification = verify(path, Path(args.trust) if args.trust else None)
    output.result(describe(verification), as_data(path, verification))
    return CODES[verification.verdict]


def as_data(path: Path, verification: Verification) -> dict[str, Any]:
    """Return what is known about a picture, for machines."""
    from dataclasses import asdict

    data: dict[str, Any] = {"picture": path} | vars(verification)
    data["settings"] = verification.settings and verification.settings.model_dump(mode="json")
    for name in ("origin", "watermark", "credential"):
        value = getattr(verification, name)
        data[name] = value and asdict(value)
    claim = verification.credential and verification.credential.claim
    if claim and claim.generation:
        data["credential"]["claim"]["generation"] = claim.generation.model_dump(mode="json")
    return data


def describe(verification: Verification) -> str:
    """Return what is known about a picture as lines for people."""
    settings, mark = verification.settings, verification.watermark
    rows: list[tuple[str, Any]] = [("verdict", verification.verdict)]
    if settings is not None:
        rows.append(("model", f"{settings.model} ({settings.model_sha256[:12]})"))
        rows.append(("prompt", settings.prompt))
        rows.append(("seed", settings.seed))
        rows.append(("pixels", "as the settings say" if verification.pixels_unchanged else "changed"))
    rows += _credential(verification.credential)
    if verification.origin is not None:
        rows.append(("source", verification.origin.source_type or "not said"))
    if mark is not None:
        rows.append(("watermark", f"{mark.name if mark.found else 'not found'} (z {mark.z:.1f}, p {mark.p:.1e})"))
    rows += [("contradiction", text) for text in verification.contradictions]
    rows += [("cannot say", text) for text in verification.unsaid]
    return "\n".join(f"{name:>13}  {value}" for name, value in rows)


def _credential(credential: Credential | None) -> Iterator[tuple[str, str]]:
    """Yield what a credential says and whether it holds."""
    if credential is None:
        return
    yield "credential", "holds" if credential.holds else f"does not hold ({', '.join(credential.failures):.200})"
    if credential.signer is not None:
        yield "signed by", f"{credential.signer!r} of {credential.issuer!r}: {TRUST[credential.trust]}"
    claim = credential.claim
    if claim is not None:
        yield "written by", f"{claim.program!r:.80} {claim.version!r:.40}"
        if claim.generation is not None:
            yield "with model", f"{claim.generation.model!r:.80} ({claim.generation.model_sha256[:12]})"
