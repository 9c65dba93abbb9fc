"""``underpaint compare``: evaluations side by side."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from underpaint.cli.output import Output

if TYPE_CHECKING:
    from pathlib import Path

    from underpaint.stages.evaluate.comparing.comparison import Comparison

EXAMPLES = """examples:
  underpaint compare artifacts/eval-shipped artifacts/eval-new
  underpaint compare artifacts/eval-shipped artifacts/eval-new artifacts/eval-other --out artifacts/comparison
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("evaluations", metavar="EVALUATION", nargs="+", help="folders of 'underpaint evaluate', two up")
    parser.add_argument("--baseline", type=int, default=1, metavar="K", help="which one differences are taken to (1)")
    parser.add_argument("--out", metavar="PATH", help="a new FILE.html or FILE.json, or a new folder for both")


def run(args: argparse.Namespace, output: Output) -> int:
    """Compare, write, print."""
    from pathlib import Path

    from underpaint.core.errors import StorageError
    from underpaint.stages.evaluate.comparing.compare import compare
    from underpaint.stages.evaluate.comparing.text import summary

    out = Path(args.out) if args.out else None
    if out and out.exists():
        raise StorageError(f"{out} exists already and nothing is overwritten in place; choose another --out")
    folders = [Path(folder) for folder in args.evaluations]
    comparison = compare(folders, baseline=args.baseline - 1, report=output.report)
    if out:
        write(comparison, out)
    written = f"\nwritten to {out}" if out else ""
    output.result(summary(comparison) + written, {**comparison.model_dump(mode="json"), "out": out})
    return 0


def write(comparison: Comparison, out: Path) -> None:
    """Write a comparison.

    Args:
        comparison: The comparison.
        out: A file that ends in ``.html`` or ``.json``, or a new folder for both, which becomes an artifact.
    """
    from underpaint.core.artifact import seal, staging, storage_errors

    data = comparison.model_dump_json(indent=2) + "\n"
    if out.suffix in (".html", ".json"):
        with storage_errors(out):
            out.write_text(page(comparison) if out.suffix == ".html" else data, encoding="utf-8")
        return
    with staging(out) as folder:
        (folder / "comparison.json").write_text(data, encoding="utf-8")
        (folder / "comparison.html").write_text(page(comparison), encoding="utf-8")
        parents = {f"evaluation-{number}": one.evaluation for number, one in enumerate(comparison.subjects, 1)}
        seal(folder, kind="comparison", stage="evaluate", config=comparison, parents=parents)


def page(comparison: Comparison) -> str:
    """Return the page of a comparison."""
    from underpaint.stages.evaluate.page.comparison import comparison_page

    return comparison_page(comparison.model_dump(mode="json"))
