from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from underpaint.stages.optimize.advise.figure import Figure, corners, exactly, worked_out

X = Figure(value=2.0, low=1.0, high=4.0, sources=("x",))
Y = Figure(value=10.0, low=5.0, high=20.0, sources=("y",))


def test_a_monotone_function_has_its_range_at_the_corners() -> None:
    found = worked_out(lambda x, y: y / x, "m", x=X, y=Y)
    assert (found.value, found.low, found.high) == (5.0, 5.0 / 4.0, 20.0)
    assert (found.unit, found.sources) == ("m", ("x", "y"))


def test_the_interval_holds_every_combination_of_inputs() -> None:
    def machines(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.maximum(1.0, np.ceil(y / x))

    found = worked_out(machines, "", x=X, y=Y)
    rng = np.random.default_rng(0)
    inside = machines(rng.uniform(1.0, 4.0, 500), rng.uniform(5.0, 20.0, 500))
    assert found.high is not None
    assert found.low <= inside.min()
    assert inside.max() <= found.high


def test_what_is_exact_adds_no_corner() -> None:
    found = corners({"x": X, "k": exactly(3.0, "", source="chosen")})
    assert {name: len(values) for name, values in found.items()} == {"x": 3, "k": 3}
    assert found["x"].tolist() == [2.0, 1.0, 4.0]


def test_a_value_outside_of_its_interval_is_refused() -> None:
    with pytest.raises(ValidationError, match="outside"):
        Figure(value=5.0, low=1.0, high=4.0)
