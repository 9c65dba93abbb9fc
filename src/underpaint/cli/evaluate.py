"""``underpaint evaluate``: how good, how varied, how fast and how dear a model or a folder of pictures is."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from underpaint.cli.model_options import add_model_options, model_of, words_of
from underpaint.cli.output import Output
from underpaint.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from underpaint.core.artifact import Manifest
    from underpaint.stages.evaluate.config import EvaluateConfig
    from underpaint.stages.evaluate.drawing.subjects import Sampling
    from underpaint.stages.evaluate.record import Measurement, Report
    from underpaint.stages.evaluate.seeing.sets import DataSet

EXAMPLES = """examples:
  underpaint evaluate --data artifacts/stickers-64 --out artifacts/report
  underpaint evaluate artifacts/nano --data artifacts/stickers-64 --suite standard --out artifacts/report-nano
  underpaint evaluate --data artifacts/stickers-64 --write-prompts prompts.jsonl
  underpaint evaluate pictures/ --data artifacts/stickers-64 --out artifacts/report-pictures

The third writes what another tool is to draw; the folder it draws into is then evaluated like a model. The
same command goes on where it was interrupted.
"""
HEADLINES = (
    "fd",
    "kid",
    "precision",
    "recall",
    "composition_accuracy",
    "r_precision",
    "vendi_within_prompt",
    "nearest_ratio_flagged",
    "latency_p50_ms",
    "latency_cold_ms",
    "peak_rss_mb",
    "energy_j_per_image",
    "cost_per_1000",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    what = parser.add_argument_group("what to evaluate")
    what.add_argument(
        "subject", nargs="?", metavar="MODEL", help="a model, its graph, or a folder of pictures with prompts"
    )
    what.add_argument("--data", required=True, metavar="DIR", help="the data set: prompts and real pictures")
    what.add_argument("--skip-unreadable", action="store_true", help="leave damaged pictures of a folder out")
    how = parser.add_argument_group("how")
    how.add_argument("--suite", default="quick", metavar="SUITE", help="quick (default), standard or full")
    how.add_argument("--extractor", action="append", metavar="NAME", help="what looks at the pictures; may be repeated")
    how.add_argument("--seed", type=int, metavar="SEED", help="seed of everything random (default: 0)")
    how.add_argument("--guidance", type=float, metavar="G", help="draw with this guidance")
    how.add_argument("--temperature", type=float, metavar="T", help="draw with this factor on the temperatures")
    how.add_argument("--steps", type=int, metavar="STEPS", help="draw with so many steps")
    how.add_argument("--device", metavar="DEVICE", help="cpu (default), cuda, ...")
    how.add_argument("--no-efficiency", action="store_true", help="measure no time, memory, energy and money")
    how.add_argument("--no-controls", action="store_true", help="draw no null and known-bad controls")
    how.add_argument("--prices", metavar="FILE", help="prices and carbon intensities as JSON (default: an example)")
    where = parser.add_argument_group("where to put it")
    where.add_argument("--out", metavar="DIR", help="folder for the report")
    how.add_argument("--selftest", action="store_true", help="check the intervals on the data set itself, and leave")
    where.add_argument("--write-prompts", metavar="FILE", help="write what is to be drawn as JSON lines, and leave")
    add_model_options(parser)


def run(args: argparse.Namespace, output: Output) -> int:
    """Evaluate, or write the prompts; say what was found."""
    from pathlib import Path

    from underpaint.stages.evaluate.opening import open_data

    if not args.out and not args.write_prompts and not args.selftest:
        raise InputError("name a folder for the report with --out DIR")
    config = config_of(args)
    data = open_data(Path(args.data), config)
    if args.write_prompts:
        return write_prompts(args, output)
    if args.selftest:
        return run_selftest(data, config, output)
    from underpaint.stages.evaluate.efficiency.prices import read_prices
    from underpaint.stages.evaluate.opening import open_source
    from underpaint.stages.evaluate.run import run as evaluate
    from underpaint.stages.evaluate.writing import read_report

    output.resume_hint = "what is drawn and seen is kept; run the same command again to go on"
    prices = read_prices(Path(args.prices) if args.prices else None)
    source = open_source(
        model_of(args, args.subject),
        data,
        config,
        output.report,
        sampling=sampling_of(args),
        device=args.device,
        skip_unreadable=args.skip_unreadable,
    )
    out = Path(args.out)
    manifest = evaluate(config, source, data, out, output.report, command=command_of(args), prices=prices)
    report = read_report(out)
    output.result(describe(out, report), as_data(out, manifest, report))
    return 0


def config_of(args: argparse.Namespace) -> EvaluateConfig:
    """Return the suite with what the arguments change."""
    from underpaint.stages.evaluate.config import suite_named

    changes: dict[str, Any] = {}
    if args.extractor:
        changes["extractors"] = tuple(dict.fromkeys(args.extractor))
    if args.seed is not None:
        changes["seed"] = args.seed
    if args.no_efficiency:
        changes["efficiency"] = ""
    if args.no_controls:
        changes |= {"known_bad": (), "null_sets": 0}
    suite = suite_named(args.suite)
    return type(suite).parse({**suite.model_dump(), **changes}, source="options")


def sampling_of(args: argparse.Namespace) -> Sampling:
    """Return how a native model shall draw."""
    from underpaint.stages.evaluate.drawing.subjects import Sampling

    limits = {"guidance": (args.guidance, 20), "temperature": (args.temperature, 10), "steps": (args.steps, 1000)}
    for name, (value, most) in limits.items():
        if value is not None and not 0 <= value <= most:
            raise InputError(f"--{name} must lie between 0 and {most}, got {value}")
    return Sampling(guidance=args.guidance, temperature=args.temperature, steps=args.steps)


def command_of(args: argparse.Namespace) -> str:
    """Return the command that makes the report again."""
    words = ["underpaint", "evaluate", *([args.subject] if args.subject else []), "--data", args.data]
    words += ["--suite", args.suite]
    for name in args.extractor or ():
        words += ["--extractor", name]
    for name in ("seed", "guidance", "temperature", "steps", "device", "prices"):
        if getattr(args, name) is not None:
            words += [f"--{name}", str(getattr(args, name))]
    for name in ("no_efficiency", "no_controls", "skip_unreadable"):
        words += [f"--{name.replace('_', '-')}"] if getattr(args, name) else []
    return shlex.join([*words, *words_of(args), "--out", args.out])


def write_prompts(args: argparse.Namespace, output: Output) -> int:
    """Write what is to be drawn, one JSON object a line."""
    from pathlib import Path

    from underpaint.core.artifact import storage_errors
    from underpaint.core.config import canonical_json
    from underpaint.core.samples import read_samples
    from underpaint.stages.evaluate.drawing.wishes import COMPOSITION, MAIN, plan_wishes

    wishes = [w for w in plan_wishes(read_samples(Path(args.data)), config_of(args)) if w.part in (MAIN, COMPOSITION)]
    path = Path(args.write_prompts)
    if path.exists():
        raise InputError(f"{path} exists already and nothing is overwritten; choose another name")
    rows = [
        {
            "file_name": f"{wish.image_id}.png",
            "prompt": wish.prompt,
            "style": wish.style,
            "seed": wish.seed,
            "prompt_id": wish.prompt_id,
        }
        for wish in wishes
    ]
    with storage_errors(path):
        path.write_text("".join(canonical_json(row) + "\n" for row in rows), encoding="utf-8")
    text = f"{path}: {len(rows)} prompts. Draw each into its file_name, put this file beside them as metadata.jsonl"
    output.result(text, {"prompts": path, "count": len(rows)})
    return 0


def run_selftest(data: DataSet, config: EvaluateConfig, output: Output) -> int:
    """Say how often the intervals hold the truth on this data set, for each extractor."""
    from dataclasses import asdict

    from underpaint.core.cache import cache_folder
    from underpaint.stages.evaluate.scores.selftest import selftest
    from underpaint.stages.evaluate.seeing.extractors import load_extractor
    from underpaint.stages.evaluate.seeing.sets import Eyes

    found: list[dict[str, Any]] = []
    for name in config.extractors:
        extractor = load_extractor(name)
        eyes = Eyes(extractors=[extractor], cache=cache_folder() / "evaluate", report=output.report)
        rows = selftest(eyes.real(extractor, data.reference), seed=config.seed, report=output.report)
        found += [{"extractor": extractor.card.key, **asdict(row)} for row in rows]
    lines = [
        f"  {row['metric']}@{row['extractor']:<24} {row['case']:<8} {100 * row['share']:.0f} % of the intervals hold "
        f"the truth ({100 * row['interval']['low']:.0f} to {100 * row['interval']['high']:.0f} %)"
        for row in found
    ]
    output.result("\n".join(["intervals of 95 % on random halves of the reference:", *lines]), {"coverage": found})
    return 0


def describe(out: Path, report: Report) -> str:
    """Return the findings and the most important numbers, for people."""
    from underpaint.stages.evaluate.catalog.table import info_of
    from underpaint.stages.evaluate.page.numbers import with_error

    first: dict[str, Any] = {}
    for measurement in report.metrics:
        if measurement.value is not None and not measurement.group:
            first.setdefault(measurement.metric.split("_pca")[0], measurement)
    chosen = [(info_of(first[name].metric).title, first[name]) for name in HEADLINES if name in first]
    lines = [*report.findings, ""] if chosen else [nothing_found(report), ""]
    lines += [f"  {title:<40} {with_error(shown(m), m.se)} {m.unit}".rstrip() for title, m in chosen]
    lines += ["", "  (± is the standard error)"] if chosen else []
    return "\n".join([*lines, "", f"{out / 'report.html'}  (the page; numbers for machines in report.json)"])


def nothing_found(report: Report) -> str:
    """Say why there is no number."""
    reasons = list(dict.fromkeys(m.message for m in report.metrics if m.message))
    return "\n".join(["No number could be measured:", *(f"  {reason}" for reason in reasons[:3])])


def shown(measurement: Measurement) -> float:
    """Return the number that the interval is about: without its bias, where it has one."""
    debiased = measurement.value_debiased
    return (measurement.value or 0.0) if debiased is None else debiased


def as_data(out: Path, manifest: Manifest, report: Report) -> dict[str, Any]:
    """Return where the report lies and its numbers, for machines."""
    return {
        "out": out,
        "digest": manifest.digest,
        "page": out / "report.html",
        "findings": report.findings,
        "metrics": [measurement.model_dump(mode="json") for measurement in report.metrics],
    }
