"""The server answers as its document says, whatever it is sent; ``benchmarks/serve_contract.py`` sends more."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "serve_contract.py"


@pytest.mark.slow
def test_no_made_up_request_gets_an_answer_that_is_not_documented(tiny_model, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    script = runpy.run_path(str(SCRIPT))
    process, url, log = script["start"](tmp_path, ["-m", f"tiny={tiny_model}", "--engine", "torch"])
    try:
        cases, report = script["check"](url, examples=8, seed=2, phases="fuzzing")
    finally:
        process.terminate()
        assert process.wait(60) == 0
    assert report == "" and " defect" not in log.read_text()
    assert cases > 100
