"""``underpaint verify``: say whether a picture is as underpaint wrote it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from underpaint.cli.output import Output

if TYPE_CHECKING:
    from underpaint.pipelines.verification import Verification

EXAMPLES = """examples:
  underpaint verify cat.png
  underpaint verify --json cat.png

exit codes:
  0  as it was drawn
  2  nothing says that underpaint drew it
  3  damaged or changed since, or its claims contradict each other
"""
CODES = {"as drawn": 0, "changed": 3, "unknown": 2}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "picture", metavar="PICTURE", help="a PNG file, or a JPEG or WebP copy to look for the watermark"
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Check the picture, print what is known and what is not, and leave with the code of the verdict."""
    from dataclasses import asdict
    from pathlib import Path

    from underpaint.pipelines.verification import verify

    path = Path(args.picture)
    verification = verify(path)
    data = {"picture": path} | {name: value for name, value in vars(verification).items() if name != "settings"}
    data["settings"] = verification.settings and verification.settings.model_dump(mode="json")
    for name in ("origin", "watermark"):
        value = getattr(verification, name)
        data[name] = value and asdict(value)
    output.result(describe(verification), data)
    return CODES[verification.verdict]


def describe(verification: Verification) -> str:
    """Return what is known about a picture as lines for people."""
    settings, mark = verification.settings, verification.watermark
    rows: list[tuple[str, Any]] = [("verdict", verification.verdict)]
    if settings is not None:
        rows.append(("model", f"{settings.model} ({settings.model_sha256[:12]})"))
        rows.append(("prompt", settings.prompt))
        rows.append(("seed", settings.seed))
        rows.append(("pixels", "as the settings say" if verification.pixels_unchanged else "changed"))
    if verification.origin is not None:
        rows.append(("source", verification.origin.source_type or "not said"))
    if mark is not None:
        rows.append(("watermark", f"{mark.name if mark.found else 'not found'} (z {mark.z:.1f}, p {mark.p:.1e})"))
    rows += [("contradiction", text) for text in verification.contradictions]
    rows += [("cannot say", text) for text in verification.unsaid]
    return "\n".join(f"{name:>13}  {value}" for name, value in rows)
