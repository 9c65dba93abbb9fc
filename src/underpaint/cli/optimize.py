"""``underpaint optimize``: search for a faster model that is proven to draw as well, or take one back."""

from __future__ import annotations

import argparse
import re
import shlex
from typing import TYPE_CHECKING, Any

from underpaint.cli.alone import insist_alone
from underpaint.cli.output import Output
from underpaint.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from underpaint.cli.optimize_judge import GateJudge
    from underpaint.core.page.markup import Markup
    from underpaint.pipelines.model_folder import Model
    from underpaint.stages.optimize.search.task import ChartPoint, Task
    from underpaint.stages.optimize.search.writing import Finished

EXAMPLES = """examples:
  underpaint optimize stickers-64 --data artifacts/stickers-64 --policy docs/examples/policy-export.yaml \\
    --budget 30m --out artifacts/stickers-64-fast
  underpaint generate "a red apple" -m artifacts/stickers-64-fast
  underpaint optimize --undo artifacts/stickers-64-fast

exit codes: 0 a faster model was accepted, or the model before was found; 1 nothing was accepted; others as ever
"""
BUDGET = re.compile(r"^([0-9]+(?:\.[0-9]+)?)(s|m|h)$")
SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
NEEDED = ("data", "policy", "out")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("model", metavar="MODEL", help="a model's folder or name; with --undo an optimized one")
    parser.add_argument("--data", metavar="DIR", help="the data set, whose held-out captions decide")
    parser.add_argument("--policy", metavar="FILE", help="what must not get worse, and by how much: YAML, TOML or JSON")
    parser.add_argument(
        "--target",
        choices=("this-machine", "cpu", "cuda"),
        default="this-machine",
        help="what shall draw (default: this machine with all it has)",
    )
    parser.add_argument("--budget", default="30m", metavar="TIME", help="time in all, as 90s, 30m or 2h (default: 30m)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random (default: 0)")
    parser.add_argument(
        "--rival",
        action="append",
        metavar="MODEL",
        help="an export of MODEL that the best are timed beside, as are those in 8 bits that came with it",
    )
    parser.add_argument("--suite", metavar="SUITE", help="what is drawn to decide (default: standard)")
    parser.add_argument("--out", metavar="DIR", help="the new folder; an unfinished search of the same name goes on")
    parser.add_argument("--undo", action="store_true", help="find the model that MODEL was optimized from")


def run(args: argparse.Namespace, output: Output) -> int:
    """Search or take back; leave with 1 if nothing was accepted."""
    if args.undo:
        return _undo(args, output)
    missing = [f"--{name}" for name in NEEDED if getattr(args, name) is None]
    if missing:
        raise InputError(
            f"a search needs {', '.join(missing)}; for example: underpaint optimize stickers-64 --data "
            "artifacts/stickers-64 --policy docs/examples/policy-export.yaml --out artifacts/fast"
        )
    finished = _search(args, output)
    frontier = finished.frontier
    output.result(_said(finished, args.out), {**frontier.model_dump(mode="json"), "folder": args.out})
    return 0 if frontier.chosen else 1


def seconds_of(budget: str) -> float:
    """Return a time in seconds.

    Raises:
        InputError: It is none, or has no unit.
    """
    found = BUDGET.match(budget)
    if found is None or float(found[1]) == 0:
        raise InputError(f"--budget takes a time with its unit, as 90s, 30m or 2h, got {budget!r:.40}")
    return float(found[1]) * SECONDS[found[2]]


def _search(args: argparse.Namespace, output: Output) -> Finished:
    """Open what is named, before torch is loaded, and search."""
    from pathlib import Path

    from underpaint.adapters.require import require
    from underpaint.core.artifact import require_new
    from underpaint.core.progress import Progress
    from underpaint.pipelines.opening import open_model
    from underpaint.stages.optimize.search.trial_log import is_written, workspace

    values = {"target": args.target, "budget_s": seconds_of(args.budget), "seed": args.seed}
    if not is_written(Path(args.out)):
        require_new(Path(args.out))
    model = open_model(args.model)
    judge = _judge(args, model)
    output.report(Progress(task="load torch", done=0))
    require("torch", extra=output.extra)
    from underpaint.stages.optimize.search.run import run_search

    kept = workspace(Path(args.out))
    output.resume_hint = f"every finished trial is kept in {kept}; run the same command again to go on"
    return run_search(_task(args, values, model, judge), output.report)


def _task(args: argparse.Namespace, values: dict[str, Any], model: Model, judge: GateJudge) -> Task:
    """Return what is asked of the search.

    Raises:
        InputError: A setting cannot be used.
    """
    from pathlib import Path

    from underpaint.stages.optimize.search.config import SearchConfig
    from underpaint.stages.optimize.search.task import Task

    return Task(
        config=SearchConfig.parse(values, source="options"),
        model=model,
        address=args.model,
        data=Path(args.data),
        judge=judge,
        policy=judge.policy.name,
        out=Path(args.out),
        command=_command(args),
        chart=chart,
        rivals=tuple(args.rival or ()),
    )


def _command(args: argparse.Namespace) -> str:
    words = ["underpaint", "optimize", args.model]
    given = ("data", "policy", "target", "budget", "seed", "suite", "out")
    for name in given:
        if getattr(args, name) is not None:
            words += [f"--{name}", str(getattr(args, name))]
    for rival in args.rival or ():
        words += ["--rival", rival]
    return shlex.join(words)


def _judge(args: argparse.Namespace, model: Model) -> GateJudge:
    from datetime import UTC, datetime
    from pathlib import Path

    from underpaint.cli.optimize_judge import GateJudge, planted_for
    from underpaint.core.cache import cache_folder
    from underpaint.stages.evaluate.config import suite_named
    from underpaint.stages.evaluate.gate.policy_file import read_policy
    from underpaint.stages.evaluate.opening import open_data

    path, suite = Path(args.policy), suite_named(args.suite or "standard")
    policy = read_policy(path)
    return GateJudge(
        base=args.model,
        policy=policy,
        written=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        suite=suite,
        data=open_data(Path(args.data), suite),
        work=cache_folder() / "evaluate" / "gate",
        planted=planted_for(model),
    )


def chart(points: Sequence[ChartPoint], width: float) -> Markup:
    """Draw time against loss with the pieces of the evaluation's pages."""
    from underpaint.stages.evaluate.page.plots import Point, pareto_plot

    drawn = [
        Point(
            label=point.label,
            x=point.ratio[0],
            y=point.room,
            x_low=point.ratio[1],
            x_high=point.ratio[2],
            on_front=point.on_front,
            highlighted=point.chosen,
        )
        for point in points
    ]
    return pareto_plot(drawn, x_label="time as a ratio to the model before", y_label="bearable loss left", width=width)


def _said(finished: Finished, out: str) -> str:
    from underpaint.stages.optimize.search.coverage import space_in_words
    from underpaint.stages.optimize.search.gains import choice_in_words

    frontier = finished.frontier
    tail = (
        f'  it draws like any model: underpaint generate "a red apple" -m {out}\n  take it back: underpaint '
        f"optimize --undo {out}"
        if frontier.chosen
        else "  the record says what was tried and why each recipe fell"
    )
    alone = (
        "\n  no export ran beside it; to see whether one is faster, name it with --rival (underpaint export "
        f"{frontier.base_address} --int8 --out DIR)"
    )
    better = any(outcome.finding == "faster" for outcome in frontier.outcomes)
    space = "" if better else "".join(f"\n  {line}" for line in space_in_words(frontier.space))
    rivals = space if frontier.rivals else alone
    return f"{out}: {choice_in_words(frontier)}\n  {frontier.ended}{rivals}\n{tail}\n  page: {out}/search.html"


def _undo(args: argparse.Namespace, output: Output) -> int:
    from pathlib import Path

    from underpaint.stages.optimize.undoing import model_before

    insist_alone(args.typed, "--undo", "a model and perhaps --out", ("undo", "model", "out"), add_arguments)
    found = model_before(Path(args.model), Path(args.out) if args.out else None, output.report)
    text = (
        f"the model before {args.model} is {found.address} ({found.digest[:16]}), untouched\n"
        f'  draw with it: underpaint generate "a red apple" -m {found.address}'
    )
    values: dict[str, Any] = {"model": found.address, "digest": found.digest, "optimized": args.model}
    output.result(text, values)
    return 0
