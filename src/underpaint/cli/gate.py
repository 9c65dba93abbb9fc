"""``underpaint gate``: pass, fail or undecided, for scripts and CI."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from underpaint.cli.output import Output

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from underpaint.core.policy import Policy
    from underpaint.stages.evaluate.gate.verdict import GateResult

EXAMPLES = """examples:
  underpaint gate artifacts/eval-new --against artifacts/eval-shipped --policy docs/examples/policy.yaml
  underpaint gate artifacts/eval-new --against artifacts/eval-shipped --policy policy.toml --out artifacts/gate
  underpaint gate artifacts/new --against stickers-64 --data artifacts/stickers-64 --policy policy.yaml
  underpaint gate stickers-64-onnx --against stickers-64 --data artifacts/stickers-64 \\
    --policy docs/examples/policy-export.yaml

exit codes: 0 pass, 1 fail, 2 indeterminate, 64 anything wrong with what was typed or handed over, 70 a defect
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("candidate", metavar="CANDIDATE", help="its evaluation, or with --data a model")
    parser.add_argument("--against", metavar="BASELINE", required=True, help="the baseline: an evaluation or a model")
    parser.add_argument("--policy", metavar="FILE", required=True, help="what must not get worse: YAML, TOML or JSON")
    parser.add_argument("--data", metavar="DIR", help="for models: the data set that they are evaluated on")
    parser.add_argument("--suite", metavar="SUITE", help="for models: what is measured (default: standard)")
    parser.add_argument("--look", type=int, metavar="K", help="which of the policy's looks this is (by picture count)")
    parser.add_argument("--out", metavar="DIR", help="new folder for gate.json, junit.xml and gate.html")


def run(args: argparse.Namespace, output: Output) -> int:
    """Decide, write, print, and leave with the verdict's code."""
    from datetime import UTC, datetime
    from pathlib import Path

    from underpaint.core.errors import StorageError
    from underpaint.stages.evaluate.gate.policy_file import read_policy
    from underpaint.stages.evaluate.gate.run import run_gate
    from underpaint.stages.evaluate.gate.text import summary

    path, out = Path(args.policy), args.out and Path(args.out)
    policy = read_policy(path)
    if out and out.exists():
        raise StorageError(f"{out} exists already and nothing is overwritten in place; choose another --out")
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    if args.data:
        result, judged = decide_on_models(args, policy, written, output)
    else:
        check_evaluations(args.candidate, args.against)
        judged = Path(args.candidate)
        against = Path(args.against)
        result = run_gate(judged, against, policy, look=args.look, policy_written=written, report=output.report)
    if out:
        write(result, policy, judged, out)
    place = f"\nwritten to {out}" if out else ""
    output.result(summary(result) + place, {**result.model_dump(mode="json"), "folder": out})
    return result.exit_code


def check_evaluations(*names: str) -> None:
    """Refuse what is no evaluation, with what to do about it.

    Raises:
        InputError: One is none.
    """
    from pathlib import Path

    from underpaint.core.errors import InputError
    from underpaint.stages.evaluate.gate.models import is_evaluation

    for name in names:
        if not is_evaluation(Path(name)):
            raise InputError(
                f"{name} is no evaluation; make one with 'underpaint evaluate', or add --data DIR for models"
            )


def decide_on_models(
    args: argparse.Namespace, policy: Policy, written: datetime, output: Output
) -> tuple[GateResult, Path]:
    """Evaluate both models, a look after the other, and decide; return the candidate's last evaluation too.

    Raises:
        InputError: ``--look`` is given, which the looks at models follow by themselves.
    """
    from pathlib import Path

    from underpaint.core.cache import cache_folder
    from underpaint.core.errors import InputError
    from underpaint.stages.evaluate.config import suite_named
    from underpaint.stages.evaluate.gate.models import evaluated_at
    from underpaint.stages.evaluate.gate.run import gate_by_looks

    if args.look is not None:
        raise InputError("--look goes with finished evaluations; with --data the looks follow each other by themselves")
    output.resume_hint = "what is evaluated is kept; run the same command again to go on"
    work, latest = cache_folder() / "evaluate" / "gate", list[Path]()
    suite = suite_named(args.suite or "standard")
    at = evaluated_at(args.candidate, args.against, policy, suite, Path(args.data), work, output.report)

    def remembered(n: int) -> tuple[Path, Path]:
        pair = at(n)
        latest.append(pair[0])
        return pair

    result = gate_by_looks(remembered, policy, policy_written=written, report=output.report)
    return result, latest[-1]


def write(result: GateResult, policy: Policy, candidate: Path, out: Path) -> None:
    """Write a result as an artifact: ``gate.json``, ``junit.xml``, ``summary.txt``, ``gate.html``.

    Args:
        result: The result.
        policy: The policy that made it.
        candidate: The candidate's evaluation, whose page shows the result.
        out: The new folder.
    """
    from underpaint.core.artifact import seal, staging
    from underpaint.stages.evaluate.comparing.evaluated import read_evaluation
    from underpaint.stages.evaluate.gate.junit import junit
    from underpaint.stages.evaluate.gate.text import summary
    from underpaint.stages.evaluate.page.page import page_of

    judged, values = read_evaluation(candidate), result.model_dump(mode="json")
    page = page_of(judged.folder, judged.report, list(judged.pictures.values()), gate=values)
    parents = {"candidate": result.candidate.evaluation, "baseline": result.baseline.evaluation}
    with staging(out) as folder:
        (folder / "gate.json").write_text(result.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (folder / "gate.html").write_text(page, encoding="utf-8")
        (folder / "junit.xml").write_text(junit(result), encoding="utf-8")
        (folder / "summary.txt").write_text(summary(result) + "\n", encoding="utf-8")
        figures = {"verdict": result.verdict, "exit_code": result.exit_code}
        seal(folder, kind="gate", stage="evaluate", config=policy, parents=parents, figures=figures)
