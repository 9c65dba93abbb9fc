"""``underpaint advise``: where to draw, with how many machines, and what that costs."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

from underpaint.cli.engine_option import ENGINE
from underpaint.cli.output import Output
from underpaint.core.errors import InputError

if TYPE_CHECKING:
    from datetime import date

    from underpaint.pipelines.model_folder import Model
    from underpaint.stages.optimize.advise.asked import Asked
    from underpaint.stages.optimize.advise.measured import Measured
    from underpaint.stages.optimize.advise.prices import Prices

EXAMPLES = """examples:
  underpaint advise stickers-64 --volume 100000/month --latency 500ms --prices docs/examples/prices.yaml
  underpaint advise stickers-64 --measure-only --device cuda --out measured-gpu
  underpaint advise stickers-64 --volume 2M/month --latency 1s --prices prices.yaml --measured measured-gpu --out advice

The second runs on another machine; its folder is copied here for the third. A class of machines that was not measured
has no figures. Measuring goes on where it was interrupted, and is not repeated.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("model", metavar="MODEL", help="a model's folder, or the name of a shipped one")
    asked = parser.add_argument_group("what is asked")
    asked.add_argument("--volume", metavar="N/TIME", help="pictures, as 100000/month, 5k/day, 2M/year")
    asked.add_argument("--latency", metavar="TIME", help="95 in 100 pictures are there within, as 500ms or 2s")
    asked.add_argument(
        "--peak-to-mean", type=float, default=4.0, metavar="X", help="busiest time over the mean (default: 4)"
    )
    asked.add_argument("--prices", metavar="FILE", help="machines and prices, each with source and date: YAML or JSON")
    how = parser.add_argument_group("what is measured")
    how.add_argument(
        "--measured", action="append", metavar="PATH", help="a measurement of another machine; may be repeated"
    )
    how.add_argument("--measure-only", action="store_true", help="measure this machine, write it to --out, and leave")
    how.add_argument("--seconds", type=float, default=20.0, metavar="S", help="time of drawing (default: 20)")
    how.add_argument("--engine", **ENGINE)
    how.add_argument("--device", metavar="DEVICE", help="cpu (default), cuda, ...")
    how.add_argument("--threads", type=int, default=1, metavar="T", help="CPU threads of the process (default: 1)")
    where = parser.add_argument_group("where to put it")
    where.add_argument("--out", metavar="DIR", help="new folder for advice.json and the page, or the measurement")


def run(args: argparse.Namespace, output: Output) -> int:
    """Measure what is missing, advise, and say it."""
    from datetime import UTC, datetime
    from pathlib import Path

    from underpaint.core.artifact import require_new
    from underpaint.pipelines.opening import open_model
    from underpaint.stages.optimize.advise.measured import read_measured

    if args.out:
        require_new(Path(args.out))
    today = datetime.now(UTC).date()
    output.resume_hint = "what is measured is kept; run the same command again to go on"
    if args.measure_only:
        return measure_only(args, today, output)
    asked, prices = wish_of(args, today)
    found = [read_measured(Path(path)) for path in args.measured or ()]
    model = open_model(args.model)
    found += measured_here(args, model, prices, found, today, output)
    return advised(args, asked, model, prices, found, today, output)


def wish_of(args: argparse.Namespace, today: date) -> tuple[Asked, Prices]:
    """Return what is asked, and the prices.

    Raises:
        InputError: Something is left out or cannot be used.
    """
    from pathlib import Path

    from underpaint.stages.optimize.advise.asked import Asked, read_latency, read_volume
    from underpaint.stages.optimize.advise.prices import EXAMPLE, read_prices

    missing = [f"--{name}" for name in ("volume", "latency", "prices") if getattr(args, name) is None]
    if missing:
        raise InputError(
            f"{' and '.join(missing)} missing; write for example --volume 100000/month --latency 500ms --prices "
            f"{EXAMPLE}, or --measure-only"
        )
    if not 1.0 <= args.peak_to_mean <= 1000.0:
        raise InputError(f"--peak-to-mean must lie between 1 and 1000, got {args.peak_to_mean:g}")
    asked = Asked(
        per_month=read_volume(args.volume), latency_ms=read_latency(args.latency), peak_to_mean=args.peak_to_mean
    )
    return asked, read_prices(Path(args.prices), today)


def measured_here(
    args: argparse.Namespace, model: Model, prices: Prices, found: list[Measured], today: date, output: Output
) -> list[Measured]:
    """Return a measurement of this machine where the prices name its kind and no file tells of it."""
    from underpaint.runtime.fingerprint import read_fingerprint
    from underpaint.stages.optimize.advise.measured import fits
    from underpaint.stages.optimize.advise.measuring import place_named

    open_ones = [machine for machine in prices.machines if not any(fits(one, machine) for one in found)]
    here = read_fingerprint()
    present = place_named(args.device, here).host_class
    if not any(one.host_class == present and one.cores in (None, here.cores.physical) for one in open_ones):
        output.note(
            f"this machine ({present}, {here.cores.physical} cores) is not measured: {args.prices} names "
            "no machine of this kind that is still to be measured"
        )
        return []
    return [measure_here(args, model, today, output)]


def measure_here(args: argparse.Namespace, model: Model, today: date, output: Output) -> Measured:
    """Load the model and measure it on this machine, or take what was measured before."""
    from underpaint.core.cache import cache_folder
    from underpaint.core.progress import Progress
    from underpaint.pipelines.generator import load_opened
    from underpaint.runtime.fingerprint import read_fingerprint
    from underpaint.stages.optimize.advise.measuring import measure
    from underpaint.stages.optimize.advise.rounds import plan_for

    measure_plan = plan_for(args.device, args.seconds)
    if args.threads < 1:
        raise InputError(f"--threads must be at least 1, got {args.threads}")
    output.report(Progress(task="load the model", done=0))
    generator = load_opened(model, engine=args.engine, device=args.device, threads=args.threads, report=output.report)
    cache = cache_folder() / "advise"
    return measure(generator, read_fingerprint(), measure_plan, cache, today, output.report)


def measure_only(args: argparse.Namespace, today: date, output: Output) -> int:
    """Measure this machine and write the measurement.

    Raises:
        InputError: There is no place for it.
    """
    from pathlib import Path

    from underpaint.pipelines.opening import open_model
    from underpaint.stages.optimize.advise.measured import write_measured

    if not args.out:
        raise InputError("--measure-only needs --out DIR, a new folder for the measurement")
    measured = measure_here(args, open_model(args.model), today, output)
    write_measured(measured, Path(args.out))
    alone = measured.batches[0]
    text = (
        f"{args.out}: {measured.title}\n  class {measured.host_class}, {measured.cores} cores; a picture alone takes "
        f"{alone.mean_ms:.3g} ms ({len(alone.times_ms)} times)\n  use it elsewhere: --measured {args.out}"
    )
    output.result(text, {"out": args.out, **measured.model_dump(mode="json")})
    return 0


def advised(
    args: argparse.Namespace,
    asked: Asked,
    model: Model,
    prices: Prices,
    found: list[Measured],
    today: date,
    output: Output,
) -> int:
    """Advise, write the folder if one is asked for, and say it."""
    from pathlib import Path

    from underpaint.stages.optimize.advise.run import advise
    from underpaint.stages.optimize.advise.text import described
    from underpaint.stages.optimize.advise.writing import write_advice

    advice = advise(asked, model, prices, found, today, output.report)
    place = ""
    if args.out:
        write_advice(advice, Path(args.out), command=command_of(args))
        place = f"\n\n{Path(args.out) / 'advice.html'}  (the page; figures for machines in advice.json)"
    output.result(described(advice) + place, {**advice.model_dump(mode="json"), "out": args.out})
    return 0


def command_of(args: argparse.Namespace) -> str:
    """Return the command that gives the advice again."""
    words = ["underpaint", "advise", args.model, "--volume", args.volume, "--latency", args.latency]
    words += ["--peak-to-mean", f"{args.peak_to_mean:g}", "--prices", args.prices]
    for path in args.measured or ():
        words += ["--measured", path]
    words += ["--seconds", f"{args.seconds:g}"]
    for name in ("engine", "device", "threads"):
        words += [f"--{name}", str(getattr(args, name))] if getattr(args, name) is not None else []
    return shlex.join([*words, "--out", args.out])
