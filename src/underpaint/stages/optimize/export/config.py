"""Settings of an export."""

from __future__ import annotations

from pydantic import Field, model_validator

from underpaint.core.config import Config, is_zero
from underpaint.core.errors import InputError
from underpaint.pipelines.exported_folder import Precision, has_bfloat16
from underpaint.runtime.engine import EngineName
from underpaint.runtime.host_class import NO_BFLOAT16, multiplies_bfloat16
from underpaint.runtime.processor import read_processor


class ExportConfig(Config):
    """Settings of an export.

    Args:
        engine: What shall run the graph.
        precision: Of the arithmetic; ``int8`` quantizes the products inside blocks, their weights and what goes into
            them, but for those that paint; ``bf16`` computes the rest in bfloat16, for OpenVINO.
        batch: Pictures that the graph draws at once.
        steps: Steps of the diffusion part, which are unrolled; None for the model's own.
        native: Lay the channels of convolutions out for this machine's kind of processor, the only one that then runs
            the graph; for ONNX alone.
        share_weights: Leave out the components' files and read them from the model that comes with underpaint.
        edit: Write a second graph beside it, which edits pictures; for hybrid models in 32 bits.
    """

    engine: EngineName = "onnx"
    precision: Precision = "f32"
    batch: int = Field(default=1, ge=1, le=64)
    steps: int | None = Field(default=None, ge=0, le=100)
    native: bool = False
    share_weights: bool = False
    edit: bool = Field(default=False, exclude_if=is_zero)

    @model_validator(mode="after")
    def _check_edit(self) -> ExportConfig:
        if self.edit and (self.precision != "f32" or self.batch > 1):
            raise ValueError(
                "a graph that edits has 32 bits and draws one picture at once: leave int8, bf16 and batch out"
            )
        return self

    @model_validator(mode="after")
    def _check_bfloat16(self) -> ExportConfig:
        if has_bfloat16(self.precision) and self.engine != "openvino":
            raise ValueError("ONNX Runtime has no products of bfloat16 for processors: take openvino, or f32")
        return self

    @model_validator(mode="after")
    def _check_native(self) -> ExportConfig:
        if self.native and self.engine != "onnx":
            raise ValueError("only graphs for ONNX Runtime are laid out; other engines do so whenever they load one")
        return self

    @property
    def graph(self) -> str:
        """Name of the graph's folder apart from the size."""
        return f"b{self.batch}_{self.precision}"


def check_processor(precision: Precision) -> None:
    """Refuse bfloat16 where it could not be measured, since the processor would compute in 32 bits.

    Raises:
        InputError: The processor is not known to multiply it.
    """
    if has_bfloat16(precision) and not multiplies_bfloat16(read_processor()):
        raise InputError(
            f"{NO_BFLOAT16}, so what a graph draws in it cannot be measured here; leave bf16 out, or export the model "
            "on a processor that does"
        )


class Limits(Config):
    """How far a graph of fewer bits may be from itself in 32, measured on pictures that it was not calibrated with.

    Layer groups go back from 8 bits until both are kept; a graph in bfloat16 alone that keeps one not is refused.

    Args:
        tokens: Share of the tokens that fall otherwise while the scales before are forced, as the mean of the scales.
        levels: Mean difference of the premultiplied pixels in levels of 255, with equal tokens.
    """

    tokens: float = Field(default=0.1, gt=0.0, le=1.0)
    levels: float = Field(default=2.0, gt=0.0, le=255.0)
