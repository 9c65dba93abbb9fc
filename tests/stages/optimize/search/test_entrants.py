"""Who runs in the race is told before it: memory is kept to, and a rival was made from the same model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from underpaint.core.errors import InputError
from underpaint.pipelines.opening import load_networks, open_model
from underpaint.stages.optimize.saving import save_optimized
from underpaint.stages.optimize.search.entrants import made_from, rivals_of, that_fit
from underpaint.stages.optimize.search.record import Cost, Trial
from underpaint.stages.optimize.transforms.apply import apply
from underpaint.stages.optimize.transforms.checking import arranged, step_of


def test_candidates_that_memory_does_not_hold_do_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"latency_ms": 1.0, "base_ms": 1.0, "peak_rss_mb": 400.0, "disk_mb": 1.0, "pairs": 20}
    cost = Cost.model_validate({"latency_ratio": (1, 1, 1), "cpu_ratio": (1, 1, 1), **sizes})
    trials = [Trial.model_construct(id=str(number), cost=cost) for number in range(3)]
    for room, kept in ((1e8, 1), (1.7e9, 2), (3e9, 3), (None, 3)):
        monkeypatch.setattr("underpaint.stages.optimize.search.entrants.available_memory", lambda room=room: room)
        assert len(that_fit(trials)) == kept


def test_the_export_in_8_bits_that_came_with_a_model_is_its_rival() -> None:
    shipped = open_model("stickers-64")
    found = rivals_of(shipped, [])
    assert [rival.name for rival in found] == ["stickers-64-onnx-int8"]
    assert made_from(found[0]) == shipped.digest
    named = rivals_of(shipped, ["stickers-64-onnx-int8", "stickers-64-onnx"])
    assert len(named) == 2, "the same export is one rival"


def test_a_rival_that_is_called_like_a_trial_is_refused_in_words(tiny_model: Path, tmp_path: Path) -> None:
    before, shorter = open_model(tiny_model), arranged(step_of("steps.count", "sampler", steps=1))
    save_optimized(apply(load_networks(before, torch.device("cpu")), shorter), before, tmp_path / "t-001")
    with pytest.raises(InputError, match="a rival is called t-001, as a trial of the search is; rename its folder"):
        rivals_of(before, [str(tmp_path / "t-001")])
    for name in ("t-fast", "cat-001"):
        (tmp_path / "t-001").rename(tmp_path / name)
        assert [rival.name for rival in rivals_of(before, [str(tmp_path / name)])] == [name]
        (tmp_path / name).rename(tmp_path / "t-001")


def test_what_was_made_from_another_model_is_no_rival(tiny_model: Any) -> None:
    with pytest.raises(InputError, match=r"--rival takes what was exported or optimized from tiny .* --int8 --out DIR"):
        rivals_of(open_model(tiny_model), ["stickers-64-onnx-int8"])
    assert rivals_of(open_model(tiny_model), []) == ()
