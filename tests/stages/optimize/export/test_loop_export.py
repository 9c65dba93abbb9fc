"""Exported pipelines of diffusers draw the pictures that the pipelines draw."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from underpaint.adapters.diffusers.recording import recording
from underpaint.core.errors import ArtifactError, InputError, StorageError
from underpaint.core.installing import pip_command
from underpaint.core.progress import Progress, Report, silent
from underpaint.pipelines import engine_choice
from underpaint.pipelines.diffusers_model import DiffusersModel, open_diffusers
from underpaint.pipelines.diffusers_pipeline import load_diffusers
from underpaint.pipelines.drawer import Drawer
from underpaint.pipelines.exported import load_exported
from underpaint.pipelines.exported_folder import ExportedModel
from underpaint.pipelines.exported_loop import ExportedLoop
from underpaint.pipelines.opening import open_model
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.engine import EngineName
from underpaint.stages.optimize.export.config import ExportConfig
from underpaint.stages.optimize.export.loop_export import compare_with_torch, export_loop
from underpaint.stages.optimize.export.network_graph import smallest, write_network
from underpaint.stages.optimize.export.ways import ways_of

Tiny = Callable[[str], Path]
OPTIONS = {"flux": "?size=16x16", "sana": "?size=32x64"}
DOG = DrawRequest(caption="a dog", seed=9, steps=5)
APPLE = DrawRequest(caption="a red apple with a cat", seed=2, steps=3, guidance=1.0)


def opened(tiny_diffusers: Tiny, name: str) -> DiffusersModel:
    return open_diffusers(f"{tiny_diffusers(name)}{OPTIONS.get(name, '')}")


def exported(model: DiffusersModel, engine: EngineName, out: Path, report: Report = silent) -> ExportedModel:
    export_loop(ExportConfig(engine=engine), model, out, report)
    opened_again = open_model(out)
    assert isinstance(opened_again, ExportedModel)
    return opened_again


def levels(one: Drawer, other: Drawer, request: DrawRequest) -> int:
    return int(np.abs(one.draw([request])[0].astype(int) - other.draw([request])[0].astype(int)).max())


@pytest.fixture(scope="module")
def told() -> list[Progress]:
    return []


@pytest.fixture(scope="module")
def made(
    tiny_diffusers: Tiny, told: list[Progress], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, EngineName], ExportedModel]:
    known: dict[tuple[str, EngineName], ExportedModel] = {}

    def make(name: str, engine: EngineName) -> ExportedModel:
        if (name, engine) not in known:
            out = tmp_path_factory.mktemp("exports") / f"{name}-{engine}"
            known[name, engine] = exported(opened(tiny_diffusers, name), engine, out, told.append)
        return known[name, engine]

    return make


BOTH = [("sd", "onnx"), ("sd", "openvino"), ("pixart", "onnx"), ("pixart", "openvino")]
OTHERS = [(name, "onnx") for name in ("lcm", "sdxl", "sd3", "flux", "sana", "pixart-sigma", "sd-checked")]


@pytest.mark.parametrize(
    ("name", "engine"),
    [*BOTH, *(pytest.param(*other, marks=(pytest.mark.slow, pytest.mark.exhaustive)) for other in OTHERS)],
)
def test_graphs_draw_the_pictures_of_torch(tiny_diffusers: Tiny, made: Any, name: str, engine: EngineName):
    model, graphs = opened(tiny_diffusers, name), made(name, engine)
    assert graphs.digest == model.digest == graphs.manifest.parents["pipeline"]
    assert (graphs.size, graphs.steps, graphs.index.sampling["steps"]) == (model.size, "steps", graphs.edge.steps)
    assert graphs.manifest.figures["same_share"] == 1.0 and graphs.manifest.figures["flops_per_step"] > 0
    if name != "sd-checked":  # its checker blacks everything out
        pipeline, drawer = load_diffusers(model, torch.device("cpu")), load_exported(graphs)
        assert drawer.engine == engine
        assert max(levels(pipeline, drawer, request) for request in (DOG, APPLE)) <= 2
        assert levels(drawer, drawer, DOG) == 0


def test_weights_lie_in_graphs_and_settings_beside_them(made: Any):
    files = made("sd", "onnx").manifest.files
    assert {"model_index.json", "scheduler/scheduler_config.json", "unet/config.json", "vae/config.json"} <= set(files)
    weights = [name for name in files if name.endswith((".safetensors", ".bin"))]
    assert sorted(weights) == [
        f"graphs/16x16_f32/{name}/weights.safetensors" for name in ("text_encoder", "unet", "vae")
    ]


def test_the_folder_says_plainly_that_its_loop_needs_torch(made: Any):
    edge = json.loads((made("sd", "onnx").folder / "edge.json").read_text())
    assert edge["loop"]["needs"] == ["torch", "diffusers", "transformers"]
    assert edge["loop"]["networks"]["unet"][0]["shapes"][0]["sample"] == [2, 4, 8, 8]


def lora_file(path: Path) -> Path:
    """Write low-rank weights for one projection of the tiny network."""
    block = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_v"
    down, up = torch.linspace(-1, 1, 2 * 32).reshape(2, 32), torch.linspace(3, -3, 16 * 2).reshape(16, 2)
    save_file({f"{block}.lora_A.weight": down, f"{block}.lora_B.weight": up}, path)
    return path


def test_all_that_the_address_asks_for_goes_into_the_export(tiny_diffusers: Tiny, tmp_path: Path):
    lora = lora_file(tmp_path / "style.safetensors")
    model = open_diffusers(f"{tiny_diffusers('sd')}?scheduler=unipc&size=32x16&negative=a red cat&lora={lora}:0.8")
    graphs = exported(model, "onnx", tmp_path / "out")
    assert graphs.size == "32x16" and graphs.digest == model.digest
    pipeline, drawer = load_diffusers(model, torch.device("cpu")), load_exported(graphs)
    assert drawer.draw([DOG])[0].shape == (16, 32, 4) and levels(pipeline, drawer, DOG) <= 2
    without = open_diffusers(f"{tiny_diffusers('sd')}?scheduler=unipc&size=32x16&negative=a red cat")
    assert levels(load_diffusers(without, torch.device("cpu")), drawer, DOG) > 2


def test_progress_is_told_graph_by_graph(made: Any, told: list[Progress]):
    made("pixart", "onnx")
    assert [one.done for one in told if one.task == "write graphs" and one.total == 3][:4] == [0, 1, 2, 3]
    assert {one.task for one in told} >= {
        "load the model",
        "listen to the pipeline",
        "write graphs",
        "compare with torch",
    }


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"precision": "int8"}, "fewer bits than 32 can be asked of models of underpaint alone"),
        ({"batch": 2}, "drawn one by one"),
        ({"steps": 3}, "stay free"),
        ({"share_weights": True}, "sharing weights"),
    ],
)
def test_what_our_models_alone_can_do_is_refused(
    tiny_diffusers: Tiny, tmp_path: Path, asked: dict[str, Any], message: str
):
    with pytest.raises(InputError, match=message):
        export_loop(ExportConfig(**asked), opened(tiny_diffusers, "sd"), tmp_path / "out", silent)
    assert not list(tmp_path.iterdir())


def test_another_precision_is_refused(tiny_diffusers: Tiny, tmp_path: Path):
    model = open_diffusers(f"{tiny_diffusers('sd')}?dtype=bfloat16")
    with pytest.raises(InputError, match="compute in float32, and bfloat16"):
        export_loop(ExportConfig(), model, tmp_path / "out", silent)


def test_graphs_that_draw_otherwise_are_refused(tiny_diffusers: Tiny, made: Any):
    pipeline = load_diffusers(opened(tiny_diffusers, "sd"), torch.device("cpu"))
    with torch.no_grad():
        cast("torch.nn.Conv2d", pipeline.network.conv_out).bias.add_(0.1)  # pyright: ignore[reportOptionalMemberAccess]
    with pytest.raises(ArtifactError, match=r"2 pictures of 4 steps differ by up to \d+ levels of 255, 2 are allowed"):
        compare_with_torch(pipeline, made("sd", "onnx").folder, silent)


def test_nothing_is_overwritten(made: Any, tiny_diffusers: Tiny):
    with pytest.raises(StorageError, match="exists"):
        export_loop(ExportConfig(), opened(tiny_diffusers, "sd"), made("sd", "onnx").folder, silent)


class Foreign(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
        return (torch.special.bessel_j0(x),)


def test_a_network_with_an_operation_that_no_graph_knows_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    network = Foreign()
    with recording({"unet": network}) as calls:
        network(torch.ones(2))
    (way,) = ways_of("unet", calls["unet"])
    with pytest.raises(InputError, match=r"the unet \(Foreign\) cannot be written as a graph \(.*bessel.*by torch"):
        write_network(network, way, "onnx", tmp_path / "unet")
    assert "".join(capfd.readouterr()) == ""


def test_weights_that_are_halves_are_kept_as_halves():
    halves, others = np.array([0.5, -2.0], np.float32), np.array([0.1, 1e9], np.float32)
    assert smallest(halves).dtype == np.float16 and smallest(others).dtype == np.float32
    assert np.array_equal(smallest(others), others) and smallest(np.arange(3)).dtype == np.int64


def test_steps_and_guidance_stay_free(made: Any):
    drawer = load_exported(made("sd", "onnx"))
    pictures = [drawer.draw([replace(DOG, **asked)])[0] for asked in ({"steps": 2}, {"guidance": 3.0}, {})]
    assert len({picture.tobytes() for picture in pictures}) == 3


def copied(graphs: ExportedModel, out: Path) -> Path:
    return Path(shutil.copytree(graphs.folder, out))


@pytest.mark.parametrize(("engine", "file"), [("onnx", "model.onnx"), ("onnx", "weights.safetensors")])
def test_a_truncated_graph_is_refused_by_name(made: Any, tmp_path: Path, engine: EngineName, file: str):
    folder = copied(made("sd", engine), tmp_path / "cut")
    path = folder / "graphs" / "16x16_f32" / "unet" / file
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ArtifactError, match=rf"unet/{file}"):
        load_exported(cast("ExportedModel", open_model(folder)))


@pytest.mark.parametrize("file", ["tokenizer/tokenizer.json", "unet/config.json", "scheduler/scheduler_config.json"])
def test_changed_settings_are_refused_by_name(made: Any, tmp_path: Path, file: str):
    folder = copied(made("sd", "onnx"), tmp_path / "changed")
    (folder / file).write_text((folder / file).read_text() + " ")
    with pytest.raises(ArtifactError, match=file):
        load_exported(cast("ExportedModel", open_model(folder)))


def test_another_size_than_the_exported_one_is_refused(made: Any):
    drawer = cast("ExportedLoop", load_exported(made("sd", "onnx")))
    drawer.loop.facts = replace(drawer.loop.facts, width=32)
    with pytest.raises(
        InputError, match=r"unet was made for sample \[2, 4, 8, 8\].*called with sample \[2, 4, 8, 16\]"
    ):
        drawer.draw([DOG])
    with pytest.raises(InputError, match=r"was exported for pictures of 16x16 .*takes no options such as 'size=32x32'"):
        open_model(f"{made('sd', 'onnx').folder}?size=32x32")


def test_an_engine_that_is_not_installed_is_named_with_what_installs_it(made: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(engine_choice.MODULES, "openvino", "no_such_engine")
    with pytest.raises(InputError, match=r"no_such_engine is not installed; install it with: pip install"):
        engine_choice.choose(made("sd", "openvino"))


def test_without_torch_the_extra_is_named(made: Any, tmp_path: Path):
    """In a process of its own: everything but the drawing goes without torch."""
    command = ["generate", "a dog", "--seed", "5", "-m", str(made("sd", "onnx").folder), "--out", str(tmp_path)]
    code = f"""
import sys
sys.modules.update(dict.fromkeys(["torch", "diffusers", "transformers", "safetensors", "tokenizers"]))
from underpaint.cli.app import main
sys.exit(main({command}))
"""
    finished = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 5, finished.stderr
    assert "'torch'" in finished.stderr and pip_command("diffusers") in finished.stderr
