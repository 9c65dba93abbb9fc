from __future__ import annotations

import pytest

from underpaint.core.errors import InputError
from underpaint.pipelines.exported_folder import shipped_exports
from underpaint.pipelines.model_folder import shipped_models
from underpaint.pipelines.opening import open_model


def test_what_is_nowhere_lists_all_that_came_along_graphs_too() -> None:
    known = [*shipped_models(), *shipped_exports()]
    assert "stickers-64-onnx" in known
    with pytest.raises(InputError, match=f"shipped models: {', '.join(known)}$"):
        open_model("nothere")


@pytest.mark.parametrize("meant", ["stickers-64", "stickers-64-onnx"])
def test_the_nearest_name_is_a_model_or_a_graph(meant: str) -> None:
    with pytest.raises(InputError, match=f"did you mean '{meant}'"):
        open_model(f"{meant}x")
