"""Settings of an export."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from underpaint.core.config import Config


class ExportConfig(Config):
    """Settings of an export.

    Args:
        engine: What shall run the graph.
        precision: Of the arithmetic; ``int8`` quantizes the weights of the matrix products, and what goes into them
            when they are run.
        batch: Pictures that the graph draws at once.
        steps: Steps of the diffusion part, which are unrolled; None for the model's own.
        share_weights: Leave out the components' files and read them from the model that comes with underpaint.
    """

    engine: Literal["onnx", "openvino"] = "onnx"
    precision: Literal["f32", "int8"] = "f32"
    batch: int = Field(default=1, ge=1, le=64)
    steps: int | None = Field(default=None, ge=0, le=100)
    share_weights: bool = False

    @model_validator(mode="after")
    def _check_precision(self) -> ExportConfig:
        if self.precision == "int8" and self.engine == "openvino":
            raise ValueError("8 bits are made for onnx alone so far; take another engine, or leave them out")
        return self

    @property
    def graph(self) -> str:
        """Name of the graph's folder apart from the size."""
        return f"b{self.batch}_{self.precision}"
