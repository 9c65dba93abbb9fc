"""What the reports of all benchmarks have in common: the machine, tables in Markdown, a document in JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from underpaint.runtime.cores import processor

PACKAGES = ("underpaint", "torch", "numpy", "pillow", "tokenizers", "diffusers", "transformers")


def describe_machine() -> dict[str, Any]:
    """Return processor, usable CPUs, load, system."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = os.getloadavg()[0]
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "processor": processor(),
        "cpus": cpus,
        "load_1_min": round(load, 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": versions,
    }


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table in Markdown, numbers to the right."""
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *rest = (str(cell) for cell in cells)
        aligned = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        return f"| {' | '.join(aligned)} |"

    print(line(head))
    print("|" + "|".join(("-" * (width + 1) + ":") if i else "-" * (width + 2) for i, width in enumerate(widths)) + "|")
    for row in rows:
        print(line(row))


def write_document(path: Path, what: str, **content: Any) -> None:
    """Write a benchmark's document.

    Args:
        path: The file; its folder is made if needed, and what was there is replaced.
        what: Name of the benchmark.
        content: What was done, and what came out; the machine is added.
    """
    document = {"what": what, **content, "machine": describe_machine()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
