"""What every engine offers: a graph of fixed shapes that turns named arrays into named arrays.

The adapters ``adapters/onnxruntime.py`` and ``adapters/openvino.py`` have it by their shape alone, since this layer
does not know them. Nothing random happens inside a graph: noise is one of its inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import numpy as np

from underpaint.core.tensor_spec import TensorSpec

EngineName = Literal["onnx", "openvino"]


class Graph(Protocol):
    """A network, loaded and ready to run with the number of threads it was loaded with."""

    @property
    def name(self) -> EngineName:
        """Which engine runs it."""
        ...

    @property
    def inputs(self) -> Mapping[str, TensorSpec]:
        """What it takes; all of it, every time."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what it gives, in the order of the file."""
        ...

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Compute every output.

        Args:
            feeds: Every input by name, in exactly its shape and dtype.

        Returns:
            Every output by name; the arrays are the caller's own.

        Raises:
            InputError: A name is missing or unknown, or a shape or dtype differs.
        """
        ...
