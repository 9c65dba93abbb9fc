"""What an exported pipeline of diffusers says about itself: its networks are graphs, and the loop around them is torch.

    graphs/<name>/<network>/model.onnx, weights.safetensors     or model.xml and model.bin
    model_index.json, scheduler/, tokenizer/, <network>/config.json     as in the layout of diffusers

A network may be called in several ways, as with texts of two lengths; dimensions that differ between such calls are
open in the file and get their sizes when a graph is loaded.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from underpaint.core.config import Config

Needed = Literal["torch", "diffusers", "transformers"]
NEEDS: tuple[Needed, ...] = ("torch", "diffusers", "transformers")
"""Packages that the loop needs besides the engine of the graphs."""
EXTRA = "diffusers"
"""The extra that installs them."""
LOOP_WEIGHTS = "weights.safetensors"


class NetworkCall(Config):
    """A way in which the loop calls a network, as one graph.

    Args:
        graph: Name of its folder.
        constants: What else the network is told, by path; it is a part of the graph.
        shapes: Shapes of the inputs by path, of every call that was exported; the first is a picture's by default.
    """

    graph: str = Field(pattern=r"^[\w.-]+$")
    constants: dict[str, bool | int | float | str] = {}
    shapes: tuple[dict[str, tuple[int, ...]], ...] = Field(min_length=1)


class Loop(Config):
    """The loop of diffusers around the graphs of a pipeline's networks.

    Args:
        needs: Packages that it needs besides the engine.
        width: Of the pictures in pixels.
        height: Of the pictures in pixels.
        negative: What shall not be drawn.
        networks: The ways in which each network is called.
    """

    needs: tuple[Needed, ...] = NEEDS
    width: int = Field(ge=1, le=9999)
    height: int = Field(ge=1, le=9999)
    negative: str | None = None
    networks: dict[str, tuple[NetworkCall, ...]] = Field(min_length=1)
