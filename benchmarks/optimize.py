"""One model in all its forms: how others make it faster, each alone, and recipes of ours; time, error, memory, disk.

Weights of the foreign models are random, so their errors show defects and say nothing about quality, which is
``underpaint gate``'s. Forms are made once under ``--work``, with ``--prepare``. Rows that are in the results already
are left alone, so a run that was cut short goes on, each piece with eager torch timed anew in its own turns; rows that
could not be measured are tried again. Peers come apart: ``pip install torchao cache-dit DeepCache``.

    python benchmarks/optimize.py --work DIR --model unet --prepare
    python benchmarks/optimize.py --work DIR --model unet [--rounds 4] [--seconds 280] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from machine import print_table, write_document
from optimize_turns import LEVEL, Row, Worker, row_of, take_turns, work

RESULTS = Path(__file__).parent / "results" / "optimize.json"
MODELS = ("shipped", "unet", "pixart", "sd15")
PEERS = ("onnxruntime", "openvino", "nncf", "torchao", "cache-dit", "DeepCache")


def prepare(args: argparse.Namespace) -> None:
    """Make what forms are opened from; what cannot be made is told, and the others are made all the same."""
    import optimize_forms

    from underpaint.core.errors import UnderpaintError

    for form in args.forms or optimize_forms.forms(args.model):
        began = time.process_time()
        try:
            optimize_forms.prepare(args.work, args.model, form)
        except (UnderpaintError, RuntimeError, ValueError, ImportError) as error:
            print(f"{args.model}: {form} cannot be made: {error}", file=sys.stderr, flush=True)
        print(f"{args.model}: {form}, {time.process_time() - began:.0f} CPU s", file=sys.stderr, flush=True)


def missing(rows: dict[str, Row], wanted: Sequence[str]) -> list[str]:
    """Return the forms that have no figures yet, in their order."""
    return [form for form in wanted if "times_eager" not in rows.get(form, {})]


def groups(names: Sequence[str], size: int) -> list[list[str]]:
    """Return names in groups that are timed together."""
    return [list(names[start : start + size]) for start in range(0, len(names), size)]


def opened(args: argparse.Namespace, form: str) -> Worker | Row:
    """Return a form in its process, or why there is none."""
    import optimize_forms

    if not optimize_forms.is_made(args.work, args.model, form):
        return {"not_measured": "it was not made"}
    try:
        return Worker(str(Path(__file__)), [str(args.work), args.model, form], args.work / "turns")
    except RuntimeError as error:
        return {"not_measured": str(error)}


def measure(args: argparse.Namespace, base: Worker, names: Sequence[str]) -> dict[str, Row]:
    """Return the rows of forms that are timed in turns with the base."""
    found = {name: opened(args, name) for name in names}
    workers = {name: one for name, one in found.items() if isinstance(one, Worker)}
    base.rounds.clear()
    take_turns([base, *workers.values()], args.rounds)
    rows = {name: one for name, one in found.items() if not isinstance(one, Worker)}
    for name, worker in workers.items():
        worker.close()
        rows[name] = row_of(worker, base) | disk(args, name)
    return rows


def disk(args: argparse.Namespace, form: str) -> Row:
    """Return what a form takes on the disk, in megabytes, and how far one call of it is off, where that is known."""
    import optimize_forms

    folder = optimize_forms.folder_of(args.work, args.model, form)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    error = optimize_forms.call_error(folder)
    return {"disk_mb": round(size / 1e6, 1)} | ({} if error is None else {"call_error": error})


def run(args: argparse.Namespace) -> None:
    """Measure the forms that are not in the results yet, until the time is up."""
    import optimize_forms
    from optimize_models import SUBJECTS
    from optimize_peaks import peaks

    until, ceiling = time.monotonic() + args.seconds, peaks()
    known: dict[str, Any] = json.loads(args.out.read_text())["models"] if args.out.is_file() else {}
    rows: dict[str, Row] = known.get(args.model, {})
    wanted = missing(rows, args.forms or optimize_forms.forms(args.model))
    base = Worker(str(Path(__file__)), [str(args.work), args.model, optimize_forms.BASE], args.work / "turns")
    for group in groups([form for form in wanted if form != optimize_forms.BASE], SUBJECTS[args.model].together):
        if time.monotonic() > until:
            print(f"time is up before {group[0]}; run the same again", file=sys.stderr)
            break
        rows |= measure(args, base, group)
        rows[optimize_forms.BASE] = row_of(base, base) | disk(args, optimize_forms.BASE)
        known[args.model] = {form: rows[form] for form in optimize_forms.forms(args.model) if form in rows}
        write(args, known, ceiling)
    base.close()
    show(args.model, known.get(args.model, {}))


def write(args: argparse.Namespace, models: dict[str, dict[str, Row]], ceiling: dict[str, float]) -> None:
    """Write all rows and what they were measured with; a file that was cut off would lose them all."""
    from optimize_models import SUBJECTS

    subjects = {name: {"does": SUBJECTS[name].does, "steps": SUBJECTS[name].steps} for name in models}
    partial = args.out.with_suffix(".partial")
    content = {"threads": 1, "level": LEVEL, "peers": versions(), "peaks": ceiling, "subjects": subjects}
    write_document(partial, "optimize", **content, models=models)
    partial.replace(args.out)


def versions() -> dict[str, str | None]:
    """Return the versions of engines and peers; None for those that are not installed."""
    found: dict[str, str | None] = dict.fromkeys(PEERS)
    for package in PEERS:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def cells(form: str, row: Row) -> tuple[str, ...]:
    """Return a row of the table."""
    if "not_measured" in row:
        return (form, f"not measured: {row['not_measured']}", "", "", "", "")
    mean, low, high = row["times_eager"]
    times = "1" if low == high else f"{mean:.2f} ({low:.2f} to {high:.2f})"
    return (
        form,
        times,
        f"{row['cpu_s']:.3f}",
        f"{row['rms_levels']:.1f}",
        f"{row['peak_mb']:,}",
        f"{row['disk_mb']:,.0f}",
    )


def show(model: str, rows: dict[str, Row]) -> None:
    """Print a model's table."""
    head = (model, "times eager", "CPU s a picture", "levels apart", "peak MB", "disk MB")
    print_table(head, [cells(form, row) for form, row in rows.items()])


def main() -> None:
    """Prepare or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--model", choices=MODELS, default="unet")
    parser.add_argument("--forms", nargs="*")
    parser.add_argument("--rounds", type=int, default=4, help="at least 2")
    parser.add_argument("--seconds", type=float, default=280.0, help="no further forms are begun after so long")
    parser.add_argument("--prepare", action="store_true", help="make what forms are opened from, once")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(*json.loads(args.worker))
    elif args.prepare:
        prepare(args)
    else:
        run(args)


if __name__ == "__main__":
    main()
