from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from underpaint.adapters import openvino
from underpaint.core.errors import ArtifactError
from underpaint.core.progress import silent
from underpaint.core.tensor_spec import TensorSpec
from underpaint.pipelines.exported_folder import PICTURE
from underpaint.pipelines.noise import NoiseStream
from underpaint.runtime.engine import EngineName
from underpaint.stages.optimize.export.bfloat16 import measure_bfloat16
from underpaint.stages.optimize.export.config import Limits
from underpaint.stages.optimize.export.deviation import Yardstick

STREAMS = (NoiseStream(name="tokens-1", kind="gumbel", shape=(4, 2)),)


class Shaded:
    """A graph that chooses the first of two tokens at four places, and the second at some, and paints one gray."""

    name: EngineName = "openvino"
    inputs: Mapping[str, TensorSpec] = {}
    outputs = (PICTURE, "scores")

    def __init__(self, others: int, gray: int) -> None:
        self._others, self._gray = others, gray

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        scores = np.tile(np.array([1.0, 0.0]), (1, 4, 1))
        scores[:, : self._others] = (0.0, 1.0)
        picture = np.full((1, 2, 2, 4), (self._gray,) * 3 + (255,), dtype=np.uint8)
        return {PICTURE: picture, "scores": scores + feeds["tokens-1"]}


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a graph of which one token in four is another, and the gray by four levels (alpha by none) in bfloat16."""

    def load_graph(_path: Path, *, bfloat16: bool, **_options: Any) -> Shaded:
        return Shaded(others=1, gray=104) if bfloat16 else Shaded(others=0, gray=100)

    monkeypatch.setattr(openvino, "convert", lambda *_paths, **_options: None)
    monkeypatch.setattr(openvino, "load_graph", load_graph)
    feeds = [{"tokens-1": np.zeros((1, 4, 2))}]
    return SimpleNamespace(
        watch=lambda: ("scores",),
        scored=tmp_path / "scored.onnx",
        yardstick=lambda exact, watched, _calibration: Yardstick(exact, feeds, watched, STREAMS),
    )


def measured(traced: Any, limits: Limits) -> dict[str, Any]:
    return measure_bfloat16(traced, SimpleNamespace(), report=silent, limits=limits)  # pyright: ignore[reportArgumentType]


def test_bfloat16_is_measured_against_the_same_graph_in_32_bits(traced):
    figures = measured(traced, Limits(tokens=0.3, levels=3.5))
    assert (figures["changed_tokens"], figures["levels_with_equal_tokens"]) == (0.25, 3.0)


@pytest.mark.parametrize("limits", [{"tokens": 0.2, "levels": 3.5}, {"tokens": 0.3, "levels": 2.5}])
def test_a_graph_that_is_further_is_refused_with_options_that_exist(traced, limits):
    with pytest.raises(
        ArtifactError, match=r"25% of the tokens .* 3\.0 levels apart .*; leave --bf16 out, or take --int8"
    ):
        measured(traced, Limits(**limits))
