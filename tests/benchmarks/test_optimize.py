from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

import underpaint
from underpaint.pipelines.settings import DrawRequest

PROGRAM = """
import json, sys
import numpy as np
folder, model, form, pictures = json.loads(sys.argv[2])
if form == "broken":
    sys.exit("no such form")
print(json.dumps({"load_cpu_s": 1.5}), flush=True)
drawn = [0]
for line in sys.stdin:
    with open(folder + "/order", "a") as order:
        order.write(f"{form} {int(line)}\\n")
    drawn.append(int(line))
    np.save(pictures, np.full((len(drawn), 1, 1, 4), 2.0 if form == "b" else 5.0))
    print(json.dumps({"wall_s": 2.0, "cpu_s": 1.0 if form == "b" else 4.0, "peak_mb": 7.0}), flush=True)
"""


@pytest.fixture(scope="module")
def turns(load_benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return load_benchmark("optimize_turns")


@pytest.fixture(scope="module")
def forms(load_benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return load_benchmark("optimize_forms")


@pytest.fixture(scope="module")
def optimize(load_benchmark: Callable[[str], ModuleType]) -> ModuleType:
    load_benchmark("optimize_forms")  # what it imports later is found by then
    return load_benchmark("optimize")


@pytest.fixture
def worker(turns: ModuleType, tmp_path: Path) -> Callable[[str], Any]:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    return lambda form: turns.Worker(str(program), [str(tmp_path), "model", form], tmp_path / "scratch")


def test_the_interval_of_a_ratio_is_students_of_the_logarithms(turns: ModuleType) -> None:
    rng = np.random.default_rng(0)
    base, form = rng.uniform(9, 11, 5), rng.uniform(3, 5, 5)
    logs = np.log(base / form)
    low, high = stats.t.interval(0.95, 4, loc=logs.mean(), scale=stats.sem(logs))
    np.testing.assert_allclose(turns.ratio(base, form), np.exp([logs.mean(), low, high]), atol=6e-4)
    assert turns.ratio([4.0, 2.0, 8.0], [2.0, 1.0, 4.0]) == [2.0, 2.0, 2.0]


def test_every_form_draws_every_round_forward_and_backward_in_turns(
    turns: ModuleType, worker: Callable[[str], Any], tmp_path: Path
) -> None:
    workers = [worker("a"), worker("b")]
    turns.take_turns(workers, 3)
    for one in workers:
        one.close()
    assert (tmp_path / "order").read_text().splitlines() == ["a 1", "b 1", "b 2", "a 2", "a 3", "b 3"]


def test_a_row_has_the_ratio_to_its_neighbors_and_the_distance_of_equal_pictures(
    turns: ModuleType, worker: Callable[[str], Any]
) -> None:
    base, form = worker("a"), worker("b")
    turns.take_turns([base, form], 2)
    base.rounds.clear()  # another group follows
    turns.take_turns([base], 2)
    row, own = turns.row_of(form, base), turns.row_of(base, base)
    for one in (base, form):
        one.close()
    assert row["times_eager"] == [4.0, 4.0, 4.0]
    assert (row["rms_levels"], row["load_cpu_s"], row["peak_mb"]) == (3.0, 1.5, 7)
    assert (own["times_eager"], own["rms_levels"]) == ([1.0, 1.0, 1.0], 0.0)


def test_a_form_that_cannot_be_loaded_says_why(worker: Callable[[str], Any]) -> None:
    with pytest.raises(RuntimeError, match=r"^no such form$"):
        worker("broken")


def test_rows_with_figures_are_left_alone_and_others_are_tried_again(optimize: ModuleType) -> None:
    rows = {"a": {"times_eager": [1.0, 1.0, 1.0]}, "b": {"not_measured": "no memory"}}
    assert optimize.missing(rows, ["a", "b", "c"]) == ["b", "c"]
    assert optimize.groups(["a", "b", "c"], 2) == [["a", "b"], ["c"]]


def test_results_are_replaced_whole_and_keep_other_models(optimize: ModuleType, tmp_path: Path) -> None:
    args = argparse.Namespace(out=tmp_path / "results.json")
    rows = {"torch eager": {"times_eager": [1.0, 1.0, 1.0]}}
    optimize.write(args, {"unet": rows, "pixart": {}}, {"f32_gflops": 90.0})
    document = json.loads(args.out.read_text())
    assert document["models"] == {"unet": rows, "pixart": {}}
    assert document["subjects"]["unet"]["steps"] == 10
    assert set(document["peers"]) == set(optimize.PEERS)
    assert document["peaks"] == {"f32_gflops": 90.0}
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_the_table_says_why_a_row_is_missing(optimize: ModuleType) -> None:
    row = {"times_eager": [2.0, 1.9, 2.1], "cpu_s": 1.0, "rms_levels": 0.3, "peak_mb": 1234, "disk_mb": 56.7}
    assert optimize.cells("form", row) == ("form", "2.00 (1.90 to 2.10)", "1.000", "0.3", "1,234", "57")
    assert optimize.cells("form", {"not_measured": "no memory"})[1] == "not measured: no memory"


def test_a_form_that_opens_the_folder_of_another_names_one_that_is_made(forms: ModuleType) -> None:
    for model, table in forms.FORMS.items():
        for form in table.values():
            assert form.of is None or table[form.of].recipe or table[form.of].bits, model
            assert sum(map(bool, (form.recipe, form.bits, form.of))) <= 1
    assert not forms.is_made(Path("nowhere"), "unet", "ours: OpenVINO int8, calls skipped")
    assert forms.is_made(Path("nowhere"), "unet", "DeepCache")


def test_folders_of_forms_differ_unless_they_share_one(forms: ModuleType) -> None:
    for model, table in forms.FORMS.items():
        made = [forms.folder_of(Path(), model, name) for name, form in table.items() if form.recipe or form.bits]
        assert len({*made, forms.folder_of(Path(), model)}) == len(made) + 1


@pytest.mark.parametrize(("network", "millions"), [("large_unet", 859.521), ("unet", 135.0), ("transformer", 53.0)])
def test_networks_have_the_sizes_of_those_that_people_use(
    load_benchmark: Callable[[str], ModuleType], network: str, millions: float
) -> None:
    with torch.device("meta"):
        built = getattr(load_benchmark("optimize_models"), network)()
    count = sum(parameter.numel() for parameter in built.parameters()) / 1e6
    assert count == pytest.approx(millions, rel=1e-5 if network == "large_unet" else 0.02)


def test_products_by_weights_are_told_from_those_of_two_activations(
    load_benchmark: Callable[[str], ModuleType],
) -> None:
    from underpaint.adapters import nncf as adapter

    peers = load_benchmark("optimize_peers")
    openvino, nncf = adapter.import_tools()
    opset = openvino.opset13
    given = opset.parameter([2, 512], np.float32, name="given")
    weight = np.random.default_rng(0).normal(size=(512, 512)).astype(np.float32)
    by_weight = opset.matmul(given, opset.constant(weight), False, True, name="by weight")
    both = opset.matmul(by_weight, given, False, True, name="of two activations")
    model = openvino.Model([opset.result(both)], [given])
    assert peers.weighted(model) == ["by weight"]
    packed = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM)
    assert any(node.get_element_type() == openvino.Type.u8 for node in packed.get_ops() if node.get_output_size())
    assert peers.weighted(packed) == ["by weight"]


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_graph_with_open_dimensions_draws_what_torch_draws(
    load_benchmark: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    peers, models = load_benchmark("optimize_peers"), load_benchmark("optimize_models")
    loaded = underpaint.load(models.tiny.build("sd", tmp_path / "base"), engine="torch")
    request = DrawRequest(caption="a red cat", seed=1, steps=3)
    before = loaded.pipeline.draw([request])[0].astype(float)
    for bits, bound in (("f32", 1.0), ("hybrid", 12.0)):
        peers.write_open(loaded.pipeline, tmp_path / bits, bits, 3)
        after = peers.open_graph(loaded.pipeline, tmp_path / bits, "f32").draw([request])[0]
        assert np.abs(after - before).max() <= bound, bits


def test_the_fastest_of_several_runs_counts_and_the_first_does_not(
    load_benchmark: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    peaks = load_benchmark("optimize_peaks")
    clock = iter([0.0, 9.0, 10.0, 12.0, 20.0, 25.0])
    monkeypatch.setattr(peaks.time, "process_time", lambda: next(clock))
    calls = []
    assert peaks.fastest_s(lambda: calls.append(1), 3) == 2.0
    assert len(calls) == 4
