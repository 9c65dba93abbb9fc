"""Builds of a data set out of a folder: time, memory, what is refused, and what an interruption costs.

A build runs as a person would start it, in a process of its own, and leaves out what is faulty (``--keep-going``); its
``audit.json`` says what that was. Beside it stands the least that any build must do: every picture decoded, hashed and
saved again by a plain loop with Pillow, without captions, clusters, splits, papers or limits.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_pictures import BLANK, COPY, EVERY, FAULTS, HIDDEN, RELABELED, TABLE, TRUNCATED
from PIL import Image
from process_tree import run_measured

from underpaint.core.artifact import read_manifest

LICENSE = "CC0-1.0"
RULES = {
    "equal copies": "Duplicate",
    "near copies in the other split": "SplitLeak",
    "hidden characters in captions": "HiddenCharacters",
    "one picture, two captions": "ConflictingCaptions",
    "truncated or blank files": "UnreadableImage",
}
"""What is planted to the rule by which a build must refuse it."""


def command(folder: Path, out: Path, jobs: int) -> list[str]:
    """Return the command that builds a data set."""
    options = ["--license", LICENSE, "--out", str(out), "--jobs", str(jobs), "--keep-going", "--quiet", "--json"]
    return [sys.executable, "-m", "underpaint", "data", "build", "folder", str(folder), *options]


def build(folder: Path, out: Path, jobs: int) -> dict[str, Any]:
    """Build once, and compare what was refused with what was planted.

    Args:
        folder: Generated pictures.
        out: Where the data set goes; it is removed afterwards.
        jobs: Processes that decode.
    """
    try:
        ran = run_measured(command(folder, out, jobs))
        return {
            "seconds": ran.seconds,
            "cpu_seconds": ran.cpu_seconds,
            "own_mb": ran.own_mb,
            "resident_mb": ran.resident_mb,
            "digest": read_manifest(out).digest,
            "refused": refused(folder, json.loads((out / "audit.json").read_text())["dropped"]),
        }
    finally:
        shutil.rmtree(out, ignore_errors=True)


def interrupted(folder: Path, out: Path, jobs: int, whole: Mapping[str, Any]) -> dict[str, Any]:
    """Kill a build at half its time and start it again.

    Args:
        folder: Generated pictures.
        out: Where the data set goes; it is removed afterwards.
        jobs: Processes that decode.
        whole: The same build without interruption.
    """
    killed = run_measured(command(folder, out, jobs), kill_after_s=whole["seconds"] / 2)
    resumed = build(folder, out, jobs)
    return {
        "whole_seconds": whole["seconds"],
        "killed_after": killed.seconds,
        "resumed_seconds": resumed["seconds"],
        "same_digest": resumed["digest"] == whole["digest"],
    }


def planted_rows(folder: Path) -> dict[str, set[str]]:
    """Return the rows that each kind of fault makes a build refuse, as ``audit.json`` names them.

    Of a near copy that stands in another split than its original, the original is the one to go.
    """
    rows: dict[str, set[str]] = {kind: set() for kind in RULES}
    with (folder / TABLE).open(encoding="utf-8") as table:
        for position, line in enumerate(table, 1):
            kind = kind_of(json.loads(line)["file_name"])
            if kind:
                rows[kind].add(f"{TABLE}, row {position}")
    return rows


def kind_of(file: str) -> str:
    """Return the fault of a row by the name of its file; empty if it has none, or only its copy is at fault."""
    number = int(re.findall(r"\d+", file)[0])
    kind, leaks = number % EVERY, number // EVERY % 2
    if file.startswith(FAULTS):
        return {
            RELABELED: "one picture, two captions",
            TRUNCATED: "truncated or blank files",
            BLANK: "truncated or blank files",
        }[kind]
    if kind == 0 and leaks:
        return "near copies in the other split"
    return {COPY: "equal copies", HIDDEN: "hidden characters in captions"}.get(kind, "")


def refused(folder: Path, dropped: list[dict[str, str]]) -> dict[str, dict[str, float]]:
    """Compare what a build refused with what was planted.

    Args:
        folder: Generated pictures.
        dropped: Entries of ``audit.json``.

    Returns:
        Kind of fault to how many were planted, the share that was refused by the right rule, and the share of those
        refused by that rule that had been planted.
    """
    result = {}
    for kind, rows in planted_rows(folder).items():
        named = {item["where"] for item in dropped if item["rule"] == RULES[kind]}
        hits = len(rows & named)
        result[kind] = {
            "planted": len(rows),
            "recall": hits / max(1, len(rows)),
            "precision": hits / max(1, len(named)),
        }
    return result


def plain_loop(folder: str, out: str) -> None:
    """Decode, hash and save all pictures of a folder, one after the other."""
    started, target = time.perf_counter(), Path(out)
    target.mkdir(parents=True)
    for path in sorted(Path(folder).glob("*.png")):
        with Image.open(path) as image:
            picture = image.convert("RGBA")
        hashlib.sha256(picture.tobytes()).hexdigest()
        encoded = io.BytesIO()
        picture.save(encoded, "PNG")
        (target / path.name).write_bytes(encoded.getvalue())
    print(json.dumps({"seconds": time.perf_counter() - started}))


def measured_loop(folder: Path, out: Path) -> dict[str, Any]:
    """Run the plain loop in a process of its own."""
    try:
        ran = run_measured([sys.executable, __file__, str(folder), str(out)])
        return {
            "seconds": ran.seconds,
            "cpu_seconds": ran.cpu_seconds,
            "own_mb": ran.own_mb,
            "resident_mb": ran.resident_mb,
        }
    finally:
        shutil.rmtree(out, ignore_errors=True)


if __name__ == "__main__":
    plain_loop(*sys.argv[1:])
