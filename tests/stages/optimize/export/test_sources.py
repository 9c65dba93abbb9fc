from __future__ import annotations

import numpy as np
import pytest

from underpaint.pipelines.exported_folder import Source
from underpaint.stages.optimize.export.sources import find_sources, worth_copies

RNG = np.random.default_rng(0)
MATRIX, BIAS, TABLE = (RNG.standard_normal(shape).astype(np.float32) for shape in ((4, 6), (6,), (3, 5)))
COMPONENTS = {"transformer": {"matrix": MATRIX, "bias": BIAS}, "text_encoder": {"table": TABLE, "gain": TABLE[0]}}


def test_arrays_are_found_as_they_are_or_turned():
    found = find_sources({"a": MATRIX, "b": np.ascontiguousarray(MATRIX.T), "c": MATRIX + 1}, COMPONENTS)
    assert found == {
        "a": Source(component="transformer", name="matrix"),
        "b": Source(component="transformer", name="matrix", transposed=True),
    }


@pytest.mark.parametrize(
    ("arrays", "kept", "left"),
    [
        ({"matrix": MATRIX, "bias": BIAS}, (), {"matrix", "bias"}),
        ({"bias": BIAS, "table": TABLE}, (), {"table"}),
        ({"bias": BIAS, "gain": TABLE[0]}, ("text_encoder",), {"gain"}),
    ],
    ids=["most of it", "a quantized one", "copied anyway"],
)
def test_a_component_is_not_copied_for_a_scrap_of_it(arrays, kept, left):
    sources = find_sources(arrays, COMPONENTS)
    assert set(sources) == set(arrays)
    assert set(worth_copies(sources, arrays, COMPONENTS, kept)) == left
