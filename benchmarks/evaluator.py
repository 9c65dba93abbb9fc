"""Whether the evaluator may judge: its ship test on held-out pictures, as tables.

    python benchmarks/evaluator.py --data artifacts/stickers-64

Writes ``benchmarks/results/evaluator.json``; the same figures stand on the evaluator's card.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from machine import describe_machine, print_table

from underpaint.core.artifact import verify
from underpaint.core.extractor_card import read_card
from underpaint.models.evaluator import load_evaluator
from underpaint.pipelines.model_folder import SHIPPED
from underpaint.runtime.device import threads
from underpaint.stages.train.evaluator_check import MUST_BE_SEEN, NAMED_ENOUGH, SEEN_ENOUGH, SPLITS, check
from underpaint.stages.train.pictures import load_pictures

RESULTS = Path(__file__).parent / "results" / "evaluator.json"


def with_interval(figures: dict[str, Any]) -> str:
    """Return a share with its interval."""
    return f"{figures['value']:.3f} ({figures['low']:.3f}-{figures['high']:.3f})" if "low" in figures else "-"


def show(found: dict[str, Any]) -> None:
    """Print the tables of a check."""
    seen = found["sensitivity"]
    rows = [
        (name, f"{row['kid_z']:.1f}", f"{row['fd_ratio']:.2f}", f"z >= {SEEN_ENOUGH:g}" * (name in MUST_BE_SEEN))
        for name, row in seen["degradations"].items()
    ]
    print_table(("degradation", f"KID z, n = {seen['n']}", f"FD / clean, n = {seen['n_fd']}", "demanded"), rows)
    print(f"\nFD rises: {seen['fd_rises']}\n")
    retrieved = [
        (
            split,
            str(row["n"]),
            f"{row['value']:.3f}",
            f"{row['mean_over_concepts']:.3f} ({row['low']:.3f}-{row['high']:.3f})",
        )
        for split, row in found["r_precision"].items()
        if "low" in row
    ]
    print_table(("caption found among 100", "n", "share of pictures", "mean over concepts (95 %)"), retrieved)
    print()
    heads = [
        (head, ", ".join(row["judged_on"]), str(row.get("n", 0)), with_interval(row), str(row.get("ece", "-")))
        for head, row in found["heads"].items()
    ]
    print_table(("head", "on", "n", f"accuracy (95 %), bar: lower end {NAMED_ENOUGH:g}", "ECE"), heads)
    print(f"\nadvisory: {', '.join(found['advisory']) or 'none'}\n{json.dumps(found['ships'])}")


def main() -> None:
    """Check an evaluator and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the data set")
    parser.add_argument("--evaluator", type=Path, default=SHIPPED / "evaluator-64", help="an evaluator artifact")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    manifest, card = verify(args.evaluator, kind="evaluator"), read_card(args.evaluator)
    with threads(args.threads):
        found = check(load_evaluator(args.evaluator), load_pictures(args.data, SPLITS))
    show(found)
    record = {
        "evaluator": manifest.digest,
        "card": card.identity,
        "equals_card": found == card.validation,
        "data": verify(args.data, only=()).digest,
        "machine": describe_machine(),
        "found": found,
    }
    RESULTS.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
