"""The option that says what computes, of the commands in which a graph goes before torch."""

from __future__ import annotations

from typing import Any

ENGINE: dict[str, Any] = {
    "choices": ("auto", "torch", "onnx", "openvino"),
    "default": "auto",
    "help": "what computes: an exported graph, or torch (default: the graph where there is one)",
}
"""What ``--engine`` takes."""
