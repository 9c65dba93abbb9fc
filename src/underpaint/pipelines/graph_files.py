"""The files of graphs that stand in slots, in the folder of a saved model or in one that goes with the last user.

graphs/<component>/graph.json                       what the graphs are called with (``PartGraphs``)
graphs/<component>/<name>/model.onnx, weights.safetensors     or model.xml and model.bin
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from underpaint.core.checked_bytes import read_checked
from underpaint.core.config import Config, is_none, parse_json
from underpaint.core.errors import ArtifactError, InputError
from underpaint.pipelines.exported_folder import GRAPHS, Precision
from underpaint.pipelines.loop import NetworkCall
from underpaint.pipelines.model_folder import Model
from underpaint.runtime.engine import EngineName

CALLS = "graph.json"
AGAIN = "optimize the model again"


class PartGraphs(Config):
    """The graphs of a network.

    Args:
        engine: What runs them.
        precision: Of the arithmetic.
        calls: The ways in which the network is called, each a graph.
        shallow: For a pair, the graphs of the outermost level, in the order of ``calls``.
        figures: What was found when they were made.
    """

    engine: EngineName
    precision: Precision
    calls: tuple[NetworkCall, ...] = Field(min_length=1)
    shallow: tuple[NetworkCall, ...] = ()
    figures: dict[str, Any] | None = Field(default=None, exclude_if=is_none)


class Scratch:
    """A folder that is there as long as somebody holds this object."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="underpaint-graph-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True, kw_only=True)
class GraphFiles:
    """Where graphs lie.

    Args:
        folder: The folder.
        sha256: Expected hashes by name; empty where the files were just written.
        scratch: What keeps the folder alive, if nobody saved it yet.
    """

    folder: Path
    sha256: Mapping[str, str] = field(default_factory=dict)
    scratch: Scratch | None = None

    def file(self, name: str) -> tuple[Path, str | None]:
        """Return path and expected hash of a file.

        Raises:
            ArtifactError: The model should have this file and does not list it.
        """
        if self.sha256 and name not in self.sha256:
            raise ArtifactError(f"{self.folder} does not list {name}: the model is incomplete; {AGAIN}")
        return self.folder / name, self.sha256.get(name)

    def copy(self, target: Path) -> None:
        """Write the files into a model that is being saved."""
        shutil.copytree(self.folder, target, dirs_exist_ok=True)


def new_files() -> GraphFiles:
    """Return a folder for new graphs."""
    scratch = Scratch()
    return GraphFiles(folder=scratch.path, scratch=scratch)


def place_of(component: str) -> str:
    """Return where a component's graphs lie in the folder of a saved model."""
    return f"{GRAPHS}/{component}"


def saved_files(model: Model, component: str) -> GraphFiles:
    """Return the graphs of a component of a saved model."""
    start = f"{place_of(component)}/"
    known = {
        name.removeprefix(start): one.sha256 for name, one in model.manifest.files.items() if name.startswith(start)
    }
    return GraphFiles(folder=model.folder / place_of(component), sha256=known)


def write_calls(files: GraphFiles, graphs: PartGraphs) -> None:
    """Write what graphs are called with beside them."""
    (files.folder / CALLS).write_text(graphs.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_calls(files: GraphFiles) -> PartGraphs:
    """Read what graphs are called with.

    Raises:
        ArtifactError: The file is missing, changed or damaged.
    """
    path, sha256 = files.file(CALLS)
    text = read_checked(path, sha256=sha256, remedy=AGAIN).decode("utf-8", errors="replace")
    try:
        return PartGraphs.parse(parse_json(text), source=str(path))
    except (ValueError, InputError) as error:
        raise ArtifactError(f"{path} is damaged ({error}); {AGAIN}") from None
