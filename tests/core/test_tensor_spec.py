from __future__ import annotations

import numpy as np
import pytest

from underpaint.core.errors import InputError
from underpaint.core.tensor_spec import TensorSpec, check_feeds, check_threads, differences, shortened, spec_of

EXPECTED = {"x": TensorSpec((2, 3), "float32"), "scale": TensorSpec((), "float32")}


def test_an_array_is_described_by_shape_and_dtype():
    assert spec_of(np.zeros((2, 3), np.float32)) == EXPECTED["x"]
    assert spec_of(np.asarray(1, np.int64)) == TensorSpec((), "int64")
    assert str(EXPECTED["x"]) == "float32 [2, 3]" and str(EXPECTED["scale"]) == "float32 []"


def test_feeds_that_fit_pass():
    check_feeds({"scale": np.asarray(1, np.float32), "x": np.zeros((2, 3), np.float32)}, EXPECTED)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"x": np.zeros((3, 2), np.float32)}, r"'x' is float32 \[3, 2\] where float32 \[2, 3\] is due"),
        ({"x": np.zeros((2, 3), np.float64)}, r"'x' is float64 \[2, 3\] where"),
        ({"x": np.zeros((2, 3), ">f4")}, r"'x' is >f4 \[2, 3\] where"),
        ({"scale": np.zeros(1, np.float32)}, r"'scale' is float32 \[1\] where float32 \[\]"),
        ({"y": np.zeros(1)}, "'y' is unknown; it takes x float32"),
    ],
)
def test_feeds_that_do_not_fit_are_named(changed: dict[str, np.ndarray], said: str):
    right = {"x": np.zeros((2, 3), np.float32), "scale": np.asarray(1, np.float32)}
    with pytest.raises(InputError, match=said):
        check_feeds(right | changed, EXPECTED)


def test_all_that_is_missing_is_named():
    with pytest.raises(InputError, match=r"'x' is missing, float32 \[2, 3\]; 'scale' is missing"):
        check_feeds({}, EXPECTED)


def test_many_problems_are_counted():
    assert shortened(["a", "b", "c"]) == "a; b; c"
    assert shortened(["a", "b", "c", "d", "e"]) == "a; b; c; and 2 more"


def test_nothing_differs_from_itself():
    assert differences(EXPECTED, EXPECTED) == []


def test_threads_are_at_least_one():
    check_threads(1)
    with pytest.raises(InputError, match="at least 1, got -1"):
        check_threads(-1)
