from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import underpaint
from underpaint.core.errors import InputError
from underpaint.core.progress import silent
from underpaint.pipelines.exported_folder import ExportedModel
from underpaint.pipelines.opening import open_model
from underpaint.stages.evaluate.drawing.cached import draw_all
from underpaint.stages.evaluate.drawing.running import batch_of, device_of, engine_of, with_its_graph
from underpaint.stages.evaluate.drawing.subjects import Sampling, loaded_subject, open_subject
from underpaint.stages.evaluate.drawing.wishes import Wish
from underpaint.stages.evaluate.opening import is_model
from underpaint.stages.optimize.export.config import ExportConfig
from underpaint.stages.optimize.export.run import export

WISH = Wish(image_id="main-0", part="main", prompt_id="p0", prompt="a red apple", style="flat", seed=5, cluster="c0")


def test_a_graph_is_told_from_the_networks_whose_pictures_it_draws(tiny_model, tiny_export, tmp_path):
    networks, graph = open_subject(tiny_model), open_subject(tiny_export)
    assert graph.model.digest == networks.model.digest
    assert graph.identity != networks.identity and graph.record().identity != networks.record().identity
    assert (networks.record().name, graph.record().name) == ("tiny", "tiny onnx f32")
    assert graph.record().lineage["pipeline"] == networks.record().identity
    (ours,), (theirs,) = (draw_all(one, [WISH], tmp_path, silent) for one in (networks, graph))
    assert ours.path != theirs.path
    assert abs(ours.load().astype(int) - theirs.load().astype(int)).max() <= 1


def test_a_loaded_graph_is_the_same_subject_as_its_folder(tiny_export, tiny_model):
    loaded = underpaint.load(tiny_export)
    assert loaded_subject(loaded).identity == open_subject(tiny_export).identity
    assert (engine_of(loaded), str(device_of(loaded)), batch_of(loaded)) == ("onnx", "cpu", 1)
    assert engine_of(underpaint.load(tiny_model)) == "torch"


def test_the_shipped_graph_speaks_for_itself_whether_named_or_taken_by_default():
    named, taken = open_model("stickers-64-onnx"), with_its_graph(underpaint.load()).model
    assert isinstance(taken, ExportedModel) and taken.folder == named.folder
    assert with_its_graph(taken_twice := underpaint.load(engine="torch")) is taken_twice
    assert is_model("stickers-64-onnx")


def test_steps_other_than_those_unrolled_are_refused_when_it_is_opened(tiny_export):
    open_subject(tiny_export, Sampling(steps=2, guidance=0.0, temperature=0.5))
    with pytest.raises(InputError, match="unrolled for 2 steps, got 8"):
        open_subject(tiny_export, Sampling(steps=8))


def test_another_device_is_refused(tiny_export):
    with pytest.raises(InputError, match="run on the CPU"):
        next(open_subject(tiny_export, device="cuda").draw([WISH]))


def test_a_graph_draws_as_many_at_once_as_it_was_made_for(tiny_model: Path, tmp_path: Path):
    export(ExportConfig(batch=3), open_model(tiny_model), tmp_path / "three", silent)
    subject = open_subject(tmp_path / "three")
    assert batch_of(subject.generator) == 3 and subject.record().name == "tiny onnx f32 batch 3"
    wishes = [replace(WISH, seed=seed) for seed in range(4)]
    alone = [next(iter(open_subject(tiny_model).draw([wish]))) for wish in wishes]
    for ours, theirs in zip(subject.draw(wishes), alone, strict=True):
        assert abs(ours.astype(int) - theirs.astype(int)).max() <= 1
