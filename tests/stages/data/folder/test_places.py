from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from underpaint.core.errors import SplitLeak
from underpaint.core.samples import Sample, read_samples
from underpaint.stages.data.composition import order_of
from underpaint.stages.data.folder.places import SPLIT_NAMES, choose_held_out, wanted_shares

Build = Callable[..., Any]
Rows = list[dict[str, Any]]
Write = Callable[[Path, Rows], Path]
SHARES = {"test_concept": 0.10, "validation": 0.05}


def splits_by(samples: list[Sample], field: str) -> list[int]:
    """The number of splits that each value of a field lies in."""
    pairs = {(getattr(s, field), s.split) for s in samples}
    return list(Counter(value for value, _ in pairs).values())


def chosen(sizes: dict[str, int]) -> dict[str, str]:
    """Cluster to split, of those that are held out."""
    names = sorted(sizes, key=order_of)
    found = choose_held_out(np.array([sizes[name] for name in names]), SHARES)
    return {name: SPLIT_NAMES[split] for name, split in zip(names, found, strict=True) if split}


@pytest.mark.parametrize(("clusters", "each"), [(400, 1), (100, 3), (40, 10)])
def test_shares_are_met_and_training_keeps_the_rest(clusters: int, each: int) -> None:
    sizes = {f"c{n}": each for n in range(clusters)}
    found = chosen(sizes)
    for split, share in SHARES.items():
        held = sum(sizes[c] for c, s in found.items() if s == split)
        assert share * clusters * each <= held + 0.5 and held <= share * clusters * each + each


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_few_clusters_leave_something_to_train_on(count: int) -> None:
    assert len(chosen({f"c{n}": 50 for n in range(count)})) == min(count - 1, 2)


def test_a_huge_cluster_stays_in_training() -> None:
    assert "huge" not in chosen({"huge": 900, **{f"c{n}": 1 for n in range(100)}})


def test_adding_a_cluster_moves_few_others() -> None:
    sizes = {f"c{n}": 1 for n in range(200)}
    before, after = chosen(sizes), chosen({**sizes, "new": 1})
    assert sum(before.get(c) != after.get(c) for c in sizes) <= 4


def test_given_splits_decide_which_ones_are_made() -> None:
    assert wanted_shares(set()) == SHARES
    assert wanted_shares({"train"}) == SHARES
    assert wanted_shares({"train", "test_concept"}) == {"validation": 0.05}
    assert wanted_shares({"train", "validation"}) == {}


def test_a_group_lies_in_one_split(build: Build, pictures: Path, rows: Rows, write_rows: Write) -> None:
    for number, row in enumerate(rows):
        row["group"] = f"g{number // 3}"
    write_rows(pictures / "metadata.jsonl", rows)
    samples = read_samples(build(pictures)[0])
    assert splits_by(samples, "group") == [1] * 4
    assert sum(s.weight for s in samples if s.group == "g0") == pytest.approx(1, abs=1e-5)


def nearly(path: Path, target: Path) -> None:
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    Image.fromarray(np.clip(pixels + 3, 0, 255).astype(np.uint8)).save(target)


def test_near_duplicates_lie_in_one_split(build: Build, pictures: Path, rows: Rows, write_rows: Write) -> None:
    more = []
    for row in rows:
        nearly(pictures / row["file_name"], pictures / f"near-{row['file_name']}")
        more.append({"file_name": f"near-{row['file_name']}", "text": f"another {row['text']}"})
    write_rows(pictures / "metadata.jsonl", rows + more)
    out, manifest = build(pictures)
    samples = read_samples(out)
    assert manifest.figures["clusters"] == len(rows)
    assert splits_by(samples, "cluster") == [1] * len(rows)
    assert len({s.split for s in samples}) == 3


def test_a_leak_between_given_splits_is_refused_or_leaves_training(
    build: Build, pictures: Path, rows: Rows, write_rows: Write
) -> None:
    nearly(pictures / "p00.png", pictures / "p11.png")
    for number, row in enumerate(rows):
        row["split"] = "train" if number < 8 else "validation" if number < 10 else "test"
    write_rows(pictures / "metadata.jsonl", rows)
    with pytest.raises(SplitLeak, match=r"row 1: it lies in train, but .* metadata.jsonl, row 12 \(test_concept\)"):
        build(pictures)
    out, manifest = build(pictures, keep_going=True)
    assert manifest.figures["dropped"] == {"SplitLeak": 1}
    kept = {s.name: s.split for s in read_samples(out)}
    assert kept == {r["text"]: {"test": "test_concept"}.get(r["split"], r["split"]) for r in rows[1:]}
    assert json.loads((out / "audit.json").read_text())["leakage"]["leaks"] == []
