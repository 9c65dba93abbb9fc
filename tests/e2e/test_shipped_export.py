"""The graph of the shipped model, drawn with as a user without PyTorch would.

After the model or the exporter changes: ``underpaint export stickers-64 --edit --share-weights --out DIR``, and DIR in
place of ``weights/stickers-64-onnx``; the same with ``--int8`` and without ``--edit`` for
``weights/stickers-64-onnx-int8``; then both go before the gate (docs/edge.md), with its reports in docs/examples.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import underpaint
from underpaint.pipelines.exported import ExportedPipeline
from underpaint.pipelines.exported_folder import open_exported, shipped_exports
from underpaint.pipelines.generator import Generator
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.settings import DrawRequest

WISHES = [
    DrawRequest(caption=caption, style=style, seed=seed)
    for seed, (caption, style) in enumerate(
        [
            ("a smiling cat with sunglasses", None),
            ("a red apple", "flat"),
            ("a rocket", "line-art"),
            ("woman judge with dark skin tone", "cartoon"),
        ]
    )
]


@pytest.fixture(scope="module")
def graph() -> Generator:
    return underpaint.load(engine="onnx")


@pytest.fixture(scope="module")
def networks() -> Generator:
    return underpaint.load(engine="torch")


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_shipped_graphs_are_those_of_the_shipped_model():
    full, eight = (open_exported(shipped_exports()[name]) for name in ("stickers-64-onnx", "stickers-64-onnx-int8"))
    assert full.digest == open_model().digest == full.manifest.parents["pipeline"] == eight.manifest.parents["pipeline"]
    assert (full.edge.precision, eight.edge.precision) == ("f32", "int8")
    assert full.edge.edit is not None
    for exported, most in ((full, 5e6), (eight, 7e6)):
        assert files_of(exported.folder) == {*exported.manifest.files, "manifest.json"}
        assert sum(entry.bytes for entry in exported.manifest.files.values()) < most


def test_the_graph_in_8_bits_is_taken_by_its_name_alone_and_draws_pictures_of_its_own(graph):
    eight = underpaint.load("stickers-64-onnx-int8")
    assert isinstance(eight.pipeline, ExportedPipeline) and isinstance(graph.pipeline, ExportedPipeline)
    assert graph.pipeline.edge.precision == "f32" and eight.pipeline.edge.precision == "int8"
    ours, theirs = eight.pipeline.draw(WISHES), graph.pipeline.draw(WISHES)
    assert any(a.tobytes() != b.tobytes() for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", ["stickers-64-onnx", "stickers-64-onnx-int8"])
def test_the_gate_passed_just_what_is_shipped(name: str):
    report = json.loads((Path(__file__).parents[2] / f"docs/examples/gate-{name}.json").read_text())
    assert report["verdict"] == "pass"
    assert report["baseline"]["identity"] == open_model().digest
    assert report["candidate"]["identity"] == open_exported(shipped_exports()[name]).manifest.digest


def test_the_same_seed_gives_the_same_picture_within_one_level(graph, networks):
    assert isinstance(graph.pipeline, ExportedPipeline) and not isinstance(networks.pipeline, ExportedPipeline)
    for ours, theirs in zip(graph.pipeline.draw(WISHES), networks.pipeline.draw(WISHES), strict=True):
        assert np.abs(ours.astype(int) - theirs.astype(int))[ours[..., 3] > 0].max() <= 1


def test_a_picture_alone_is_the_picture_in_company_and_twice_the_same(graph):
    together = graph.pipeline.draw(WISHES)
    assert [picture.tobytes() for picture in together] == [graph.pipeline.draw([w])[0].tobytes() for w in WISHES]


def test_the_graph_is_taken_by_default_and_torch_where_it_cannot_draw(monkeypatch):
    assert isinstance(underpaint.load().pipeline, ExportedPipeline)
    eight_steps = (
        underpaint.load().generate("a red apple", seed=1)[0].info["underpaint"].model_copy(update={"steps": 8})
    )
    from underpaint.pipelines.engine_choice import choose

    choice = choose(open_model(), settings=[eight_steps])
    assert choice.name == "torch" and "unrolled for 2 steps, not for 8" in choice.why
    assert choose(open_model(), device="cuda").name == "torch"


@pytest.mark.parametrize(
    ("command", "pictures"),
    [
        (["generate", "a smiling cat"], 1),
        (["sheet", "a cat", "--moods", "happy,sad", "--paper", "none", "--for", "slack"], 3),
    ],
)
def test_from_shell_to_picture_without_torch_and_without_a_socket(tmp_path: Path, command: list[str], pictures: int):
    code = f"""
import sys
sys.modules.update(dict.fromkeys(["torch", "safetensors", "tokenizers", "transformers", "diffusers", "onnx", "scipy"]))
from underpaint.cli.app import main
code = main([*{command!r}, "--seed", "5", "--out", {str(tmp_path)!r}, "--json"])
from pathlib import Path
opened = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
assert not [name for name in opened if name.startswith("socket")], opened
sys.exit(code)
"""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}  # and no CI, which silences the engine by itself
    program = [sys.executable, "-W", "error", "-c", code]
    finished = subprocess.run(program, capture_output=True, text=True, check=False, env=environment)
    assert finished.returncode == 0, finished.stderr
    assert len(json.loads(finished.stdout)["pictures"]) == pictures
