"""Laws of what callers are told of errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from underpaint.adapters.require import require
from underpaint.core import installing
from underpaint.core.errors import MissingDependency
from underpaint.stages.serve.http.errors import api_error


def test_a_caller_is_told_what_is_missing_and_not_where_the_server_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in installing.FILES:
        (tmp_path / name).touch()
    monkeypatch.setattr(installing, "_noted", lambda: json.dumps({"url": tmp_path.as_uri()}))
    with pytest.raises(MissingDependency) as missing:
        require("no_such_package", extra="openvino")
    assert str(tmp_path) in str(missing.value)
    answer = api_error(missing.value)
    assert (answer.status_code, answer.fields.code) == (503, "not_ready")
    said = "this needs the Python package 'no_such_package'; install it with: "
    assert answer.fields.message == f"{said}pip install -c constraints.txt '.[openvino]'"
