from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpaint.adapters import openvino
from underpaint.cli.app import build_parser
from underpaint.cli.export import compared, gate_command, told
from underpaint.core.installing import pip_command
from underpaint.pipelines.exported_folder import open_exported
from underpaint.runtime.host_class import multiplies_bfloat16
from underpaint.runtime.processor import Processor, read_processor


@pytest.fixture(scope="module")
def exported(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from underpaint.cli.app import main

    out = tmp_path_factory.mktemp("cli") / "tiny-onnx"
    assert main(["export", str(tiny_model), "--out", str(out), "--quiet", "--steps", "1", "--batch", "2"]) == 0
    return out


def test_options_reach_the_graph_and_nothing_is_said_beside_the_result(exported: Path, tiny_model: Path):
    edge = open_exported(exported).edge
    assert (edge.engine, edge.precision, edge.steps, edge.batch) == ("onnx", "f32", 1, 2)
    assert edge.graph == "32x32_b2_f32" and edge.model == tiny_model.name


def test_what_came_out_is_told_and_how_to_try_it(underpaint: Callable[..., Any], tiny_model: Path, tmp_path: Path):
    shown = underpaint("export", tiny_model, "--out", tmp_path / "out", "--size", 32)
    assert shown.code == 0 and f"{tmp_path / 'out'}: " in shown.stdout
    assert " MB for onnx, f32; beside torch 100% of 12 pictures are the same within one level" in shown.stdout
    assert f'try it: underpaint generate "a red apple" -m {tmp_path / "out"}' in shown.stdout
    assert "8 bits" not in shown.stdout
    tasks = [line.partition(" ·")[0].partition(":")[0] for line in shown.stderr.splitlines()]
    assert tasks[:2] == ["load torch and onnx", "load the model"]
    assert list(dict.fromkeys(tasks[2:])) == [
        "trace the networks",
        "optimize and write the graph",
        "write what goes beside it",
        "compare with torch",
        "count the arithmetic",
    ]


@pytest.mark.slow
def test_8_bits_are_calibrated_with_the_prompts_of_a_file(
    underpaint: Callable[..., Any], tiny_model: Path, tmp_path: Path
):
    wishes = tmp_path / "wishes.txt"
    wishes.write_text("".join(f"a red cat {number}\n" for number in range(16)))
    out = tmp_path / "out"
    shown = underpaint("export", tiny_model, "--int8", "--prompts", wishes, "--out", out, "--json")
    figures = shown.json["figures"]["int8"]
    assert (figures["calibration"]["prompts"], figures["calibration"]["pictures"]) == (16, 64)
    assert shown.json["digest"] == open_exported(out).manifest.digest == open_exported(out).digest
    assert "measure 8 bits" in shown.stderr and "calibrate" in shown.stderr


def test_what_8_bits_cost_is_told_in_words():
    found = {
        "groups": ["a", "b"],
        "given_back": [],
        "changed_tokens": 0.0871,
        "levels_with_equal_tokens": 1.14,
    }
    assert told("int8", found) == (
        "8 bits in 2 groups of layers\n  8.7% of the tokens fall otherwise, 1.1 levels with equal tokens: gate it "
        "before you ship it:"
    )
    assert "2 groups of layers; given back: c, d\n" in told("int8", {**found, "given_back": ["c", "d"]})
    assert told("int8_bf16", found).startswith("8 bits in 2 groups of layers, bfloat16 in the rest\n  8.7% of the")
    assert told("bf16", found).startswith("bfloat16 throughout\n  8.7% of the tokens")


def test_other_pictures_in_8_bits_do_not_read_like_a_failure():
    found = {"same_share": 0.0, "pictures": 20}
    for bits in ("int8", "bf16"):
        assert "0%" in compared(found) and "0%" not in compared({**found, bits: {}})
        assert "pictures of its own for the same seeds" in compared({**found, bits: {}})


def test_the_gate_of_a_graph_is_a_command_that_parses():
    words = shlex.split(gate_command("my graphs/int8", "stickers-64"))
    build_parser("gate").parse_args(words[1:])
    assert "my graphs/int8" in words and "stickers-64" in words


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--size", "64"], "draws pictures of 32 pixels a side and cannot be exported for 64; leave --size out"),
        (["--prompts", "p.txt"], "--prompts is what --int8 and --bf16 are measured with; add one of them, or leave"),
        (["--bf16"], "--bf16 is for --engine openvino, since ONNX Runtime has no products of bfloat16: add it"),
        (["--edit", "--int8"], "at once, which does not go with --int8: leave --int8 out, or leave --edit out"),
        (["--edit", "--bf16", "--engine", "openvino"], "go with --bf16: leave --bf16 out, or leave --edit"),
        (["--edit", "--int8", "--batch", "2"], "go with --int8 and --batch 2: leave --int8 and --batch 2"),
        (["--share-weights"], "only a model that comes with underpaint can share its weights, and tiny is none"),
        (["--native", "--engine", "openvino"], "--native is for --engine onnx; OpenVINO lays a graph out whenever"),
        (["--int8", "--prompts", "none.txt"], "none.txt"),
        (["--batch", "0"], "batch"),
        (["--batch", "65"], "batch"),
        (["--steps", "-1"], "steps"),
        (["--engine", "tensorrt"], "tensorrt"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_refused_before_any_work(
    underpaint: Callable[..., Any], tiny_model: Path, tmp_path: Path, options: list[str], said: str
):
    shown = underpaint("export", tiny_model, "--out", tmp_path / "out", *options)
    assert (shown.code, shown.stdout) == (2, "") and said in shown.stderr
    assert "4 steps" not in shown.stderr and not list(tmp_path.iterdir())
    assert "--edit" not in options or "load torch" not in shown.stderr


def with_processor(monkeypatch: pytest.MonkeyPatch, *flags: str) -> None:
    known = Processor(family="x86", flags=flags, flags_known=True)
    monkeypatch.setattr("underpaint.stages.optimize.export.config.read_processor", lambda: known)


@pytest.mark.parametrize("more", [[], ["--int8"]])
def test_bfloat16_is_refused_in_plain_words_where_the_processor_does_not_multiply_it(
    underpaint: Callable[..., Any], tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]
):
    with_processor(monkeypatch, "avx2", "avx512_vnni")
    shown = underpaint("export", tiny_model, "--engine", "openvino", "--bf16", *more, "--out", tmp_path / "out")
    assert shown.code == 2 and "load torch" not in shown.stderr and not list(tmp_path.iterdir())
    assert "this processor is not known to multiply bfloat16 itself (avx512_bf16, amx_bf16)" in shown.stderr
    assert "leave bf16 out, or export the model on a processor that does" in shown.stderr


def test_a_graph_in_bfloat16_is_measured_and_says_what_it_is(
    underpaint: Callable[..., Any], tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with_processor(monkeypatch, "avx512_bf16")
    monkeypatch.setattr("underpaint.stages.optimize.export.traced.MEASURED", 4)
    loaded = list[tuple[str, bool]]()
    load_graph = openvino.load_graph

    def watched(path: Path, *, bfloat16: bool, **options: Any) -> Any:
        loaded.append((path.stem, bfloat16))
        return load_graph(path, bfloat16=bfloat16, **options)

    monkeypatch.setattr(openvino, "load_graph", watched)
    out = tmp_path / "out"
    shown = underpaint("export", tiny_model, "--engine", "openvino", "--bf16", "--out", out)
    assert shown.code == 0 and " MB for openvino, bf16; it draws pictures of its own for the same seeds" in shown.stdout
    assert "bfloat16 throughout\n" in shown.stdout and f"underpaint gate {out} --against" in shown.stdout
    model = open_exported(out)
    figures = model.manifest.figures["bf16"]
    assert model.edge.precision == "bf16" and loaded[:2] == [("scored", False), ("scored", True)]
    assert figures["levels_with_equal_tokens"] > 0.0 or not multiplies_bfloat16(read_processor())


@pytest.mark.exhaustive
@pytest.mark.slow
def test_8_bits_with_bfloat16_in_the_rest_are_one_graph(
    underpaint: Callable[..., Any], tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with_processor(monkeypatch, "avx512_bf16")
    monkeypatch.setattr("underpaint.stages.optimize.export.traced.MEASURED", 4)
    options = ("--engine", "openvino", "--int8", "--bf16", "--out", tmp_path / "out")
    shown = underpaint("export", tiny_model, *options)
    assert shown.code == 0 and "groups of layers, bfloat16 in the rest" in shown.stdout
    assert open_exported(tmp_path / "out").edge.precision == "int8_bf16"


def test_too_few_prompts_are_refused_with_what_is_missing(
    underpaint: Callable[..., Any], tiny_model: Path, tmp_path: Path
):
    (tmp_path / "few.txt").write_text("a cat\n" * 15)
    shown = underpaint("export", tiny_model, "--int8", "--prompts", tmp_path / "few.txt", "--out", tmp_path / "out")
    assert shown.code == 2 and "at least 16 different prompts, got 1; add 15 to the file" in shown.stderr


def test_an_export_is_not_exported_again_and_not_overwritten(
    underpaint: Callable[..., Any], exported: Path, tiny_model: Path, tmp_path: Path
):
    again = underpaint("export", exported, "--out", tmp_path / "again")
    assert again.code == 2 and "is exported already; name the model that it was made from" in again.stderr
    before = {path: path.read_bytes() for path in exported.rglob("*") if path.is_file()}
    over = underpaint("export", tiny_model, "--out", exported)
    assert over.code == 6 and "exists already" in over.stderr and "load torch" not in over.stderr
    assert all(path.read_bytes() == data for path, data in before.items())


@pytest.mark.parametrize("package", ["torch", "onnx"])
def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    underpaint: Callable[..., Any], tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
):
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Hides(package), *sys.meta_path])
    shown = underpaint("export", tiny_model, "--out", tmp_path / "out")
    assert shown.code == 5 and f"{package!r}" in shown.stderr and pip_command("optimize") in shown.stderr


@pytest.mark.parametrize(("package", "extra"), [("openvino", "openvino"), ("nncf", "calibrate")])
def test_an_engine_that_is_not_installed_is_named_before_anything_is_loaded(
    underpaint: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, extra: str
):
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Hides(package), *sys.meta_path])
    shown = underpaint("export", "stickers-64", "--engine", "openvino", "--int8", "--out", tmp_path / "out")
    assert shown.code == 5 and pip_command(extra) in shown.stderr
    assert len(shown.stderr.splitlines()) == 1


class _Hides:
    """An import hook that makes a package look as if it were not installed."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == self._package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
