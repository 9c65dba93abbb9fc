"""``underpaint sweep``: draw with every combination of some settings and see what each costs and gives."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from underpaint.cli.model_options import add_model_options, model_of, words_of
from underpaint.cli.output import Output
from underpaint.core.errors import InputError

if TYPE_CHECKING:
    from underpaint.stages.evaluate.sweep.record import SweepReport

EXAMPLES = """examples:
  underpaint sweep --guidance 0,1.5,3,5 --temperature 0.5,1 --data artifacts/stickers-64 --out artifacts/sweep

Every combination is drawn on the same prompts and seeds; the same command goes on where it was interrupted.
"""
FACTORS = {"guidance": 20.0, "temperature": 10.0, "steps": 1000.0}
"""What can be varied, and its largest value."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("model", nargs="?", metavar="MODEL", help="a model (default: the shipped one)")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data set: prompts, real pictures")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the table and its page")
    for name in FACTORS:
        parser.add_argument(f"--{name}", metavar="A,B,...", help=f"values of {name}, separated by commas")
    parser.add_argument("--pictures", type=int, default=256, metavar="N", help="pictures a combination (default: 256)")
    parser.add_argument("--quality", default="kid", metavar="METRIC", help="metric of the Pareto front (default: kid)")
    parser.add_argument("--extractor", action="append", metavar="NAME", help="what looks at the pictures")
    parser.add_argument("--device", metavar="DEVICE", help="cpu (default), cuda, ...")
    add_model_options(parser)


def run(args: argparse.Namespace, output: Output) -> int:
    """Sweep, and say which combinations are worth it."""
    factors = factors_of(args)
    if args.pictures < 128:
        raise InputError(f"--pictures must be at least 128 for the distances to mean anything, got {args.pictures}")
    if args.out.exists():
        raise InputError(f"{args.out} exists already and nothing is overwritten; choose another --out")
    from underpaint.core.cache import cache_folder
    from underpaint.stages.evaluate.catalog.table import info_of
    from underpaint.stages.evaluate.config import SUITES
    from underpaint.stages.evaluate.drawing.subjects import open_subject
    from underpaint.stages.evaluate.opening import open_data
    from underpaint.stages.evaluate.seeing.extractors import load_extractor
    from underpaint.stages.evaluate.seeing.sets import Eyes
    from underpaint.stages.evaluate.sweep.record import read_sweep
    from underpaint.stages.evaluate.sweep.run import SweepConfig, run_sweep

    info_of(args.quality)
    suite = SUITES["quick"]
    names = tuple(dict.fromkeys(args.extractor or suite.extractors))
    evaluation = suite.model_copy(update={"main": args.pictures, "extractors": names})
    config = SweepConfig(factors=factors, evaluation=evaluation, quality=args.quality)
    data = open_data(args.data, evaluation)
    eyes = Eyes(
        extractors=[load_extractor(name) for name in names], cache=cache_folder() / "evaluate", report=output.report
    )
    output.resume_hint = "what is drawn is kept; run the same command again to go on"
    subject = open_subject(model_of(args, args.model), device=args.device)
    run_sweep(config, subject, data, eyes, args.out, output.report, command=command_of(args))
    made = read_sweep(args.out)
    output.result(describe(args.out, made), as_data(args.out, made))
    return 0


def factors_of(args: argparse.Namespace) -> dict[str, tuple[float, ...]]:
    """Return the values of each setting that is varied.

    Raises:
        InputError: Nothing is varied, or a value is no number or out of range.
    """
    factors: dict[str, tuple[float, ...]] = {}
    for name, most in FACTORS.items():
        text = getattr(args, name)
        if text is None:
            continue
        try:
            values = tuple(dict.fromkeys(float(part) for part in text.split(",")))
        except ValueError:
            raise InputError(f"--{name} takes numbers separated by commas, got {text!r:.60}") from None
        if not all(0.0 <= value <= most for value in values):
            raise InputError(f"--{name} must lie between 0 and {most:g}, got {text!r:.60}")
        factors[name] = values
    if not factors:
        raise InputError("there is nothing to vary; give for example --guidance 1,2,3 or --steps 0,2,4")
    return factors


def command_of(args: argparse.Namespace) -> str:
    """Return the command that makes the sweep again."""
    words = ["underpaint", "sweep", *([args.model] if args.model else []), "--data", str(args.data)]
    for name in (*FACTORS, "device"):
        words += [f"--{name}", getattr(args, name)] if getattr(args, name) is not None else []
    for name in args.extractor or ():
        words += ["--extractor", name]
    words += ["--pictures", str(args.pictures), "--quality", args.quality]
    return shlex.join([*words, *words_of(args), "--out", str(args.out)])


def describe(out: Path, report: SweepReport) -> str:
    """Return one line a combination: quality, its difference to the model's own settings, time."""
    from underpaint.stages.evaluate.page.numbers import with_error
    from underpaint.stages.evaluate.sweep.record import LATENCY

    lines = []
    for point in report.points:
        quality = next(m for m in point.metrics if m.id == report.quality)
        time = next(m for m in point.metrics if m.id == LATENCY)
        change = next((c for c in point.changes if c.id == report.quality and not c.group), None)
        parts = [
            "*" if point.on_front else " ",
            f"{point.label:<36}",
            "unknown" if quality.value is None else with_error(quality.value, quality.se),
            "" if change is None else f"({with_error(change.delta, change.se, sign=True)})",
            "" if time.value is None else f"{time.value:.1f} ms",
        ]
        lines.append("  ".join(parts).rstrip())
    note = f"* on the Pareto front of {report.quality} and time; in brackets the paired difference to its own settings"
    return "\n".join([*lines, "", note, f"{out / 'sweep.html'}  (the page; numbers for machines in sweep.json)"])


def as_data(out: Path, report: SweepReport) -> dict[str, Any]:
    """Return where the sweep lies and what it found, for machines."""
    return {"out": out, "page": out / "sweep.html", **report.model_dump(mode="json")}
