"""An answer belongs to its order, and a model before that is lost is no candidate's fault; the processes are real."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from underpaint.core.errors import EngineLost
from underpaint.core.progress import silent
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.optimize.search.config import SearchConfig
from underpaint.stages.optimize.search.drawing import CandidateFailed, Drawing, KeptDrawing
from underpaint.stages.optimize.search.record import Base
from underpaint.stages.optimize.search.samples import sampled
from underpaint.stages.optimize.search.space import Space
from underpaint.stages.optimize.search.unchanged import Made
from underpaint.stages.optimize.search.workbench import Workbench
from underpaint.stages.optimize.transforms.checking import arranged, step_of

WORKER = """
import json, os, sys, time
from pathlib import Path

folder = Path(json.loads(sys.stdin.readline())["model"])
if not folder.is_dir():
    raise SystemExit(1)
starts = folder.with_suffix(".starts")
starts.write_text(starts.read_text() + "." if starts.exists() else ".")
print("{}", flush=True)
for number, line in enumerate(sys.stdin, 1):
    order = json.loads(line)
    if (folder / "mortal").exists() and (folder / "mortal").read_text() >= starts.read_text():
        os.kill(os.getpid(), 9)
    if (folder / "slow").exists() and number == 1:
        (folder / "slow").read_text()
    if order["do"] == "draw":
        import numpy as np
        noise = np.random.default_rng(0).integers(256, size=(len(order["requests"]), 32, 32, 4), dtype=np.uint8)
        np.save(order["to"], noise)
    print(json.dumps({"wall_ms": number, "cpu_ms": number, "peak": 1e6}), flush=True)
"""
REQUESTS = [DrawRequest(caption="a red cat", seed=seed) for seed in range(3)]
BASE = Base(latency_ms=50.0, cpu_ms=50.0, peak_rss_mb=1.0, disk_mb=1.0, values={}, limits={}, seconds=0.0)
Make = Callable[[str], Path]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Return what makes a folder whose process answers without a model: ``model("base")``."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "stub_worker.py").write_text(WORKER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "code"))
    monkeypatch.setattr("underpaint.stages.optimize.search.drawing.WORKER", "stub_worker")

    def make(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        return folder

    return make


@pytest.fixture
def bench(model: Make, tiny_space: Space, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """A workbench of a model and a candidate that draw the same noise."""
    base, candidate = model("base"), model("candidate")
    np.save(base / "base.npy", np.zeros((3, 32, 32, 4), np.uint8))
    monkeypatch.setattr("underpaint.stages.optimize.search.workbench.loss_of", lambda *_: 0.0)
    monkeypatch.setattr("underpaint.stages.optimize.search.workbench.as_bad", lambda *_: False)
    monkeypatch.setattr("underpaint.stages.optimize.search.workbench.disk_mb", lambda _: 1.0)
    monkeypatch.setattr("underpaint.stages.optimize.search.workbench.open_model", lambda folder: folder)
    made_in = "underpaint.stages.optimize.search.workbench.made_in"
    monkeypatch.setattr(made_in, lambda folder: Made(folder=folder, digest="0" * 64))
    made = Workbench(
        config=SearchConfig(pairs=10, glance=8, prompts=64),
        model=cast(Any, SimpleNamespace(address=str(base))),
        workshop=cast(Any, SimpleNamespace(folder=base, candidate=lambda *_: candidate)),
        space=tiny_space,
        host_class="x86-avx2",
        device="cpu",
        eyes=cast(Any, SimpleNamespace(look=lambda pixels: pixels, changes=lambda *_: {})),
        requests=REQUESTS,
        others=(),
    )
    yield made
    made.close()


def starts(folder: Path) -> int:
    return len(folder.with_suffix(".starts").read_text())


def test_a_late_answer_is_never_taken_for_that_to_the_next_order(model: Make) -> None:
    folder = model("slow")
    os.mkfifo(folder / "slow")
    with Drawing(folder) as drawing:
        with pytest.raises(CandidateFailed, match="took longer than"):
            drawing.time(REQUESTS[0], 0.05)
        (folder / "slow").unlink()
        with pytest.raises(CandidateFailed, match="its process ended with signal 9"):
            drawing.time(REQUESTS[0], 60.0)


def test_a_model_before_that_is_lost_once_costs_no_candidate_its_trial(bench: Workbench) -> None:
    base = Path(bench.model.address)
    (base / "mortal").write_text(".")
    recipe = arranged(step_of("steps.count", "sampler", steps=1))
    found = bench.examine(recipe, BASE, 900.0, silent)
    assert found.cost is not None and found.reason is not None and found.reason.code == "cost.no_gain"
    assert (starts(base), starts(base.parent / "candidate")) == (2, 2)


def test_a_model_before_that_is_lost_again_ends_the_search_and_blames_nobody(bench: Workbench) -> None:
    (Path(bench.model.address) / "mortal").write_text("....")
    recipe = arranged(step_of("steps.count", "sampler", steps=1))
    with pytest.raises(EngineLost, match=r"base cannot be drawn with: .* signal 9; see that .* give the same command"):
        bench.examine(recipe, BASE, 900.0, silent)
    assert starts(Path(bench.model.address)) == 2


def test_a_candidate_that_is_lost_is_blamed_itself(bench: Workbench) -> None:
    (Path(bench.model.address).parent / "candidate" / "mortal").write_text("....")
    found = bench.examine(arranged(step_of("steps.count", "sampler", steps=1)), BASE, 900.0, silent)
    assert (found.state, found.reason and found.reason.code) == ("killed", "draw.killed")


def test_outside_of_trials_a_lost_process_is_an_error_that_says_what_to_do(bench: Workbench, model: Make) -> None:
    base = Path(bench.model.address)
    (base / "base.npy").unlink()
    (base / "mortal").write_text("....")
    with pytest.raises(EngineLost, match="give the same command again"):
        bench.base(silent)
    accepted = model("accepted")
    (accepted / "mortal").write_text("....")
    with pytest.raises(EngineLost, match="accepted cannot be drawn with"):
        sampled(bench, accepted, BASE)


@pytest.mark.parametrize(("kind", "error"), [(Drawing, CandidateFailed), (KeptDrawing, EngineLost)])
def test_what_loads_longer_than_it_may_is_ended(model: Make, kind: type[Drawing], error: type[Exception]) -> None:
    with pytest.raises(error, match="it took longer than 0 s"):
        kind(model("late"), limit_s=0.01)


def test_what_cannot_be_loaded_leaves_no_process(model: Make) -> None:
    with pytest.raises(EngineLost, match="nowhere cannot be drawn with: its process ended with exit code 1"):
        KeptDrawing(model("here") / "nowhere")
