"""What an upscaler learns from: small pictures spoilt as drawings are, large ones to come back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from underpaint.adapters.onnxruntime import load_graph
from underpaint.core.artifact import read_manifest, verify
from underpaint.core.errors import DataError, InputError, TrainingError
from underpaint.learning.config import LoopConfig
from underpaint.models.component import WEIGHTS, load_component
from underpaint.models.upscaler import Upscaler, UpscalerConfig, reduced
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.saved import load_pipeline, save_pipeline
from underpaint.pipelines.upscaling.network import GRAPH, LARGE, SMALL
from underpaint.runtime.device import CPU
from underpaint.runtime.safetensors_file import read_arrays
from underpaint.stages.train import upscaler_run
from underpaint.stages.train.packed_pictures import load_packed
from underpaint.stages.train.start import Start
from underpaint.stages.train.upscaler import UpscalerTrainee, rounded, turned, upscaling_loss, with_noise
from underpaint.stages.train.upscaler_config import UpscalerTraining


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def settings(steps: int = 3) -> UpscalerTraining:
    loop = LoopConfig(
        steps=steps, batch_size=2, lr=3e-3, warmup=1, average_decay=0.5, precision="f32", validate_every=steps,
        save_every=1, sample_every=steps,
    )  # fmt: skip
    return UpscalerTraining(loop=loop, width=8, blocks=1, fine_width=4)


@pytest.fixture(scope="module")
def trained(large_shapes: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a finished upscaler; do not change it, copy it."""
    out = tmp_path_factory.mktemp("upscaler") / "space"
    upscaler_run.run(settings(), large_shapes, out, start=tiny_model)
    return out


def pictures(side: int = 8, count: int = 3) -> Tensor:
    values = torch.rand(count, 4, side, side, generator=generator())
    values[:, :3] *= values[:, 3:]
    return values * 2 - 1


def test_a_turned_picture_holds_the_same_pixels_and_transparency_keeps_its_place_among_the_channels() -> None:
    before = pictures()
    after = turned(before, generator(1))
    assert not torch.equal(after, before)
    for one, other in zip(before, after, strict=True):
        assert torch.equal(one[3].flatten().sort().values, other[3].flatten().sort().values)
        assert torch.equal(one.flatten().sort().values, other.flatten().sort().values)


def test_rounding_twice_is_rounding_once_where_all_is_opaque() -> None:
    opaque = pictures()
    opaque[:, 3] = 1.0
    once = rounded(opaque)
    torch.testing.assert_close(rounded(once), once)
    assert (once - opaque).abs().max() <= 1 / 255 + 1e-6


def test_noise_is_as_strong_as_asked_and_leaves_what_is_transparent_and_the_alpha_of_what_is_opaque() -> None:
    given = torch.full((2, 4, 64, 64), -1.0)
    given[:, :, :, :32] = torch.tensor([0.0, 0.0, 0.0, 1.0])[:, None, None]
    noisy = with_noise(given, torch.tensor([4.0, 0.0]), generator())
    off = (noisy - given) * 255 / 2
    assert torch.equal(noisy[:, 3], given[:, 3]) and torch.equal(noisy[..., 32:], given[..., 32:])
    fine = off[0, :3, :, :32].diff(dim=1)[:, ::2]
    assert fine.std() / 2**0.5 == pytest.approx(4.0, rel=0.1) and not off[1].any()


def test_noise_makes_half_transparent_edges_ragged() -> None:
    given = torch.zeros(1, 4, 32, 32)
    off = with_noise(given, torch.tensor([4.0]), generator())[0, 3] * 255 / 2
    assert off.std() == pytest.approx(4.0, rel=0.1)


def test_the_loss_is_zero_for_the_picture_itself_alone_and_weighs_alpha() -> None:
    target = pictures()
    assert upscaling_loss(target, target, settings()) == 0
    losses = []
    for channel in (0, 3):
        off = target.clone()
        off[:, channel] += 0.1
        losses.append(float(upscaling_loss(off, target, settings())))
    assert losses[1] == pytest.approx(settings().alpha_weight * losses[0], rel=1e-4)


def test_edges_count_beside_pixels() -> None:
    target = torch.zeros(1, 4, 8, 8)
    flat, rough = target + 0.1, target + 0.1 * (-1.0) ** torch.arange(8)
    plain = settings().model_copy(update={"edge_weight": 0.0})
    assert upscaling_loss(flat, target, plain) == pytest.approx(float(upscaling_loss(rough, target, plain)))
    assert upscaling_loss(rough, target, settings()) > 2 * upscaling_loss(flat, target, settings())


def test_the_artifact_holds_a_network_and_its_figures(trained: Path, tiny_model: Path, large_shapes: Path) -> None:
    manifest = verify(trained / "upscaler", kind="upscaler")
    assert manifest.parents == {
        "dataset": read_manifest(large_shapes).digest,
        "model": read_manifest(tiny_model).digest,
    }
    assert {"psnr_render", "psnr_redrawn", "psnr_render_unlearned", "alpha_error_render"} <= manifest.figures.keys()
    assert set(manifest.files) == {"config.json", "model.safetensors", "model.onnx"}
    assert load_component(trained / "upscaler", Upscaler, UpscalerConfig).config.width == 8


@pytest.mark.parametrize(("height", "width"), [(8, 8), (5, 13)])
def test_the_graph_is_the_network_at_every_shape(trained: Path, height: int, width: int) -> None:
    folder = trained / "upscaler"
    weights = {name: array.astype(np.float32) for name, array in read_arrays(folder / WEIGHTS).items()}
    graph = load_graph(folder / GRAPH, weights, threads=1, sha256=None, shapes={SMALL: (1, 4, height, width)})
    given = torch.rand(1, 4, height, width, generator=generator()) * 2 - 1
    expected = load_component(folder, Upscaler, UpscalerConfig)(given)
    np.testing.assert_allclose(graph.run({SMALL: given.numpy()})[LARGE], expected.detach().numpy(), atol=2e-5)


def test_training_goes_on_where_it_stopped_and_ends_alike(
    trained: Path, large_shapes: Path, tiny_model: Path, tmp_path: Path
) -> None:
    seen: list[int] = []

    def stop(progress) -> None:
        if progress.task == "train" and progress.done == 2:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        upscaler_run.run(settings(), large_shapes, tmp_path / "space", stop, start=tiny_model)
    again = upscaler_run.run(
        settings(), large_shapes, tmp_path / "space", lambda p: seen.append(p.done), start=tiny_model
    )
    first = read_manifest(trained / "upscaler")
    assert again.files["model.safetensors"].sha256 == first.files["model.safetensors"].sha256
    log = (tmp_path / "space" / "state" / "upscaler" / "log.jsonl").read_text().splitlines()
    assert json.loads(log[-1])["step"] == 3


def test_a_finished_upscaler_is_kept_and_that_of_other_settings_is_not_written_over(
    trained: Path, large_shapes: Path, tiny_model: Path, tmp_path: Path
) -> None:
    space = tmp_path / "space"
    shutil.copytree(trained, space)
    manifest = upscaler_run.run(settings(), large_shapes, space, start=tiny_model)
    assert manifest.digest == read_manifest(trained / "upscaler").digest
    with pytest.raises(TrainingError, match="other settings"):
        upscaler_run.run(settings(4), large_shapes, space, start=tiny_model)


def test_pictures_of_another_size_are_refused_before_any_work(shapes: Path, tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--size 128"):
        upscaler_run.run(settings(), shapes, tmp_path / "space", start=tiny_model)
    assert not (tmp_path / "space").exists()


def test_a_model_without_tokens_is_refused(large_shapes: Path, make_tiny_flow, tmp_path: Path) -> None:
    save_pipeline(make_tiny_flow(), tmp_path / "flow", stage="t", config=Start(model="m", part="p"), parents={})
    with pytest.raises(InputError, match="draws without tokens"):
        upscaler_run.run(settings(), large_shapes, tmp_path / "space", start=tmp_path / "flow")


def test_noise_that_nothing_gets_is_a_mistake() -> None:
    with pytest.raises(InputError, match="noise is 0"):
        UpscalerTraining.parse({"loop": {"steps": 1}, "noise": 0.0}, source="settings")


def test_learning_lowers_the_error_of_what_is_enlarged(large_shapes: Path, tiny_model: Path) -> None:
    pipeline = load_pipeline(open_model(tiny_model), CPU)
    assert isinstance(pipeline, HybridPipeline)
    recipe = settings().model_copy(update={"redrawn_share": 0.0, "noisy_share": 0.0})
    train = load_packed(large_shapes, ("train",))
    trainee = UpscalerTrainee(recipe, pipeline.autoencoder, pipeline.quantizer, train, train)
    optimizer = torch.optim.Adam(trainee.module.parameters(), lr=1e-3)
    losses = []
    for _ in range(60):
        loss, _ = trainee.loss(0, generator())  # the same pictures each time
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0], losses[::10]


def test_reducing_is_what_a_file_of_the_model_size_would_show() -> None:
    flat = torch.full((1, 4, 16, 16), 0.5)
    assert torch.equal(reduced(flat), torch.full((1, 4, 4, 4), 0.5))
