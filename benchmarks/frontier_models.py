"""Where the compared models lie: one folder a family, which an option of its name changes."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from frontier_points import Family

FOLDERS: dict[Family, str] = {
    "hybrid": "stickers-64",
    "four-scales": "artifacts/four-scales/pipeline",
    "three-scales": "artifacts/three-scales/pipeline",
    "regression": "artifacts/regression/pipeline",
    "flow": "artifacts/family/flow-pipeline",
    "few-step": "artifacts/family/few-step-pipeline",
    "gan": "artifacts/family/gan-pipeline",
}
"""Family to the folder that a model is looked for in, or the name of a shipped one."""


def add_models(parser: argparse.ArgumentParser, families: Iterable[Family] = FOLDERS) -> None:
    """Add an option a family.

    Args:
        parser: Of a benchmark.
        families: Those that it knows.
    """
    for family in families:
        parser.add_argument(f"--{family}", default=FOLDERS[family], help="a folder, or the name of a shipped model")


def folders_of(args: argparse.Namespace) -> dict[Family, str]:
    """Return family to folder, of the families that the benchmark knows, in the order of ``FOLDERS``."""
    given = vars(args)
    return {family: given[name] for family in FOLDERS if (name := family.replace("-", "_")) in given}
