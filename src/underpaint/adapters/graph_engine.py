"""A graph behind any engine's adapter: what goes in is checked, and a refusal has the same words for every engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from underpaint.core.errors import ArtifactError, SetupError, UnderpaintError
from underpaint.core.tensor_spec import TensorSpec, check_feeds

REMEDY = "export the model again with: underpaint export MODEL --out DIR"


def one_line(error: Exception) -> str:
    """Return what an engine says, which may have many lines, on one."""
    return " ".join(str(error).split())


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What messages say about an engine.

    Args:
        name: What it is called.
        package: What pip calls it.
        too_new: What it says, among other things, of graphs that are newer than itself.
    """

    name: str
    package: str
    too_new: tuple[str, ...]

    @property
    def upgrade(self) -> str:
        """What to do where the engine is too old."""
        return f"install a newer engine with: pip install --upgrade {self.package}"

    def refusal(self, version: str, path: Path, error: Exception, form: str = "") -> UnderpaintError:
        """Return why the engine refused a graph, and whether a newer engine would help.

        Args:
            version: Of the engine.
            path: The graph.
            error: What the engine raised.
            form: Version of the file's form, in words.

        Returns:
            A ``SetupError`` if the engine is too old, else an ``ArtifactError``.
        """
        reason = one_line(error)
        if any(mark in reason for mark in self.too_new):
            what = f"{path} ({form})" if form else f"{path}"
            return SetupError(f"{self.name} {version} is too old for {what}: {reason:.300}; {self.upgrade}")
        return ArtifactError(f"{self.name} {version} cannot load {path}: {reason:.300}; {REMEDY}")


class FixedGraph(ABC):
    """A graph of fixed shapes; adapters add the engine.

    Args:
        inputs: What it takes.
        outputs: The names of what it gives.
    """

    def __init__(self, inputs: Mapping[str, TensorSpec], outputs: tuple[str, ...]) -> None:
        self.inputs, self.outputs = inputs, outputs

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Compute every output.

        Args:
            feeds: Every input by name, in exactly its shape and dtype.

        Raises:
            InputError: A name is missing or unknown, or a shape or dtype differs.
        """
        check_feeds(feeds, self.inputs)
        return dict(zip(self.outputs, self._compute(feeds), strict=True))

    @abstractmethod
    def _compute(self, feeds: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        """Return every output in the order of ``outputs``."""
