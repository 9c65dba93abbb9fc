"""The shipped model for 128 px and its graph, drawn with as a user would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from underpaint.pipelines.picture_file import read_picture
from underpaint.stages.optimize.export.check import LEVELS, gap

COMMAND = ["generate", "a smiling cat with sunglasses", "-m", "stickers-128", "--seed", "5"]
ABSENT = ["torch", "safetensors", "tokenizers", "transformers", "diffusers", "onnx", "scipy"]


def drawn(folder: Path, absent: list[str], *options: str) -> tuple[np.ndarray, str]:
    """Return the pixels that a process draws in which some modules cannot be imported, and the engine it took."""
    code = f"""
import sys
sys.modules.update(dict.fromkeys({absent!r}))
from underpaint.cli.app import main
sys.exit(main([*{COMMAND!r}, *{options!r}, "--out", {str(folder)!r}]))
"""
    finished = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    (path,) = folder.glob("*.png")
    image = read_picture(path)
    return np.asarray(image), image.info["underpaint"].engine


def test_without_torch_the_graph_draws_the_picture_of_torch_within_one_level(tmp_path: Path):
    theirs, graph = drawn(tmp_path / "graph", ABSENT)
    ours, networks = drawn(tmp_path / "torch", [], "--engine", "torch")
    assert (graph, networks) == ("onnx", "torch")
    assert ours.shape == theirs.shape == (128, 128, 4)
    assert len(np.unique(theirs)) > 100 and gap(ours, theirs).max() <= LEVELS
