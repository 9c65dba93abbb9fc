"""Does the gate refuse optimizations that are known to be bad, as candidates, whatever captions it is shown?

    python benchmarks/planted.py --data artifacts/stickers-64 [--rounds 10]

The shipped model, its weights rounded to 3 bits, and itself without its last scale draw the held-out captions of the
standard suite, once. Each round takes half of the concepts at random, and shows either copy to the gate as ``underpaint
optimize`` shows its candidates: by ``docs/examples/policy-export.yaml``.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from machine import print_table, write_document

from underpaint.core.policy import Controls, Policy
from underpaint.core.samples import Sample
from underpaint.stages.evaluate.config import EvaluateConfig, suite_named
from underpaint.stages.evaluate.drawing.subjects import ModelSubject, altered, open_subject
from underpaint.stages.evaluate.gate.policy_file import read_policy
from underpaint.stages.evaluate.gate.run import run_gate
from underpaint.stages.evaluate.opening import open_data
from underpaint.stages.evaluate.run import run
from underpaint.stages.evaluate.scores.controls import ALTERATIONS
from underpaint.stages.evaluate.seeing.sets import DataSet

POLICY = Path("docs/examples/policy-export.yaml")
PLANTED = ("int3_round_to_nearest", "skip_last_scale")
BARE: dict[str, Any] = {
    "varied_prompts": 0,
    "seen": False,
    "null_sets": 0,
    "known_bad": (),
    "extractors": ("evaluator-64",),
    "novelty": False,
    "efficiency": "",
}
"""What the standard suite measures here: no more than the policy asks for."""


def half_of(data: DataSet, config: EvaluateConfig, seed: int) -> DataSet:
    """Return a data set with a random half of the held-out concepts."""
    held_out = (*config.splits, "test_composition")
    concepts = sorted({sample.cluster for sample in data.samples if sample.split in held_out})
    rng = np.random.default_rng(seed)
    kept = {concepts[int(row)] for row in rng.permutation(len(concepts))[: len(concepts) // 2]}

    def stays(sample: Sample) -> bool:
        return sample.cluster in kept or sample.split not in held_out

    return replace(
        data,
        digest=f"{data.digest[:56]}{seed:08d}",
        samples=[sample for sample in data.samples if stays(sample)],
        reference=[picture for picture in data.reference if stays(picture.sample)],
    )


def round_of(seed: int, subjects: dict[str, ModelSubject], data: DataSet, policy: Policy) -> list[dict[str, Any]]:
    """Return what the gate says about each copy in a round."""
    captions = {sample.id for sample in data.samples if sample.split == "test_composition"}
    config = suite_named("standard").model_copy(update={**BARE, "composition": len(captions)})
    rows = []
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        folders = {name: Path(folder) / name for name in subjects}
        for name, subject in subjects.items():
            run(config, subject, data, folders[name])
        for name in PLANTED:
            result = run_gate(folders[name], folders["base"], policy, look=1)
            failed = [outcome.name.partition(":")[0] for outcome in result.outcomes if outcome.verdict == "fail"]
            rows.append({"seed": seed, "planted": name, "verdict": result.verdict, "failed": failed})
    return rows


def main() -> None:
    """Run the rounds, print them, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "planted.json")
    args = parser.parse_args()
    policy = read_policy(POLICY)
    policy = policy.model_copy(update={"controls": Controls()})
    config, base = suite_named("standard"), open_subject("stickers-64")
    subjects = {"base": base, **{name: altered(base, name, ALTERATIONS[name]) for name in PLANTED}}
    data, rows = open_data(args.data, config), []
    for seed in range(1, args.rounds + 1):
        rows += round_of(seed, subjects, half_of(data, config, seed), policy)
        print(rows[-2:], flush=True)
    table = []
    for name in PLANTED:
        verdicts = [row["verdict"] for row in rows if row["planted"] == name]
        table.append([name, *(str(verdicts.count(verdict)) for verdict in ("pass", "indeterminate", "fail"))])
    print_table(["planted", "pass", "indeterminate", "fail"], table)
    settings = {"policy": policy.name, "alpha": policy.alpha, "suite": config.suite, "share": 0.5}
    write_document(args.out, "planted", settings=settings, rounds=rows)


if __name__ == "__main__":
    main()
