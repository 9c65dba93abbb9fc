from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from underpaint.core.artifact import read_manifest, seal, staging, verify
from underpaint.core.config import Config
from underpaint.core.errors import DataError, InputError, TrainingError
from underpaint.learning.config import LoopConfig
from underpaint.learning.loop import step_generator
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.runtime.weights import read_weights
from underpaint.stages.train import decoder
from underpaint.stages.train.decoder import DecoderTrainee, edge_energy, emitted, measure_decoder
from underpaint.stages.train.decoder_config import DecoderTraining
from underpaint.stages.train.pictures import Pictures, load_pictures


def settings(steps: int = 12, **changes: object) -> DecoderTraining:
    values = {"steps": steps, "batch_size": 8, "lr": 1e-3, "warmup": 2, "average_decay": 0.9, "precision": "f32"}
    values |= {"validate_every": 1000, "save_every": 4, "sample_every": 1000}
    loop = LoopConfig.model_validate(values)
    return DecoderTraining.model_validate({"loop": loop, "discriminator_widths": (8, 8, 8, 8), **changes})


@pytest.fixture(scope="module")
def pictures(shapes: Path) -> Pictures:
    return load_pictures(shapes, ("train",))


@pytest.fixture
def autoencoder(trained_tokenizer: Path) -> Autoencoder:
    return load_component(trained_tokenizer / "autoencoder", Autoencoder, AutoencoderConfig)


@pytest.fixture
def quantizer(trained_tokenizer: Path) -> MultiScaleQuantizer:
    return load_component(trained_tokenizer / "quantizer", MultiScaleQuantizer, QuantizerConfig)


@pytest.fixture
def z(autoencoder: Autoencoder, pictures: Pictures) -> Tensor:
    with torch.no_grad():
        return autoencoder.encode(pictures.batch(torch.arange(64)))


@pytest.fixture(scope="module")
def sharpened(shapes: Path, trained_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("decoder")
    decoder.run(settings(), shapes, trained_tokenizer, folder / "out", work=folder / "work")
    return folder / "out"


def emit(z: Tensor, quantizer: MultiScaleQuantizer, **changes: object) -> tuple[Tensor, Tensor]:
    return emitted(z, quantizer, settings(12, **changes), step_generator(0, 0))


def test_without_errors_and_noise_latents_lie_between_tokens_and_truth(z, quantizer):
    seen, u = emit(z, quantizer, perturb_rate=0.0, noise=0.0)
    f = quantizer(z).partial[-1]
    torch.testing.assert_close(seen, f + u[:, None, None, None] * (z - f))
    assert {0.0, 1.0} <= set(u.tolist()) and ((u > 0) & (u < 1)).any()


@pytest.mark.parametrize(("shares", "u"), [((1.0, 0.0), 0.0), ((0.0, 1.0), 1.0)])
def test_the_shares_say_how_much_of_the_residual_is_there(z, quantizer, shares, u):
    discrete, noisy = shares
    assert (emit(z, quantizer, discrete_share=discrete, noisy_share=noisy)[1] == u).all()


def test_noise_is_measured_in_residuals_and_falls_on_whole_latents_only(z, quantizer):
    seen, u = emit(z, quantizer, perturb_rate=0.0)
    quiet, _ = emit(z, quantizer, perturb_rate=0.0, noise=0.0)
    rms = (z - quantizer(z).partial[-1]).square().mean().sqrt()
    strength = (seen - quiet).square().mean(dim=(1, 2, 3)).sqrt() / rms
    assert not strength[u < 1].any()
    assert 0.02 < strength[u == 1].max() < 0.33


def test_errors_move_tokens_only(z, quantizer):
    whole = {"discrete_share": 0.0, "noisy_share": 1.0, "noise": 0.0, "perturb_rate": 1.0}
    torch.testing.assert_close(emit(z, quantizer, **whole)[0], z, atol=1e-5, rtol=0)
    tokens = {"discrete_share": 1.0, "noisy_share": 0.0}
    f = quantizer(z).partial[-1]
    few, many = ((emit(z, quantizer, perturb_rate=rate, **tokens)[0] - f).square().mean() for rate in (0.1, 0.9))
    assert 0.0 < few < many


def test_edge_energy_falls_with_blur_where_absolute_differences_do_not():
    step = torch.ones(1, 4, 16, 16)
    step[..., :8] = -1.0
    ramp = torch.linspace(-1.0, 1.0, 16).expand(1, 4, 16, 16)
    assert float(step.diff(dim=3).abs().sum()) == pytest.approx(float(ramp.diff(dim=3).abs().sum()))
    assert float(edge_energy(step)) == pytest.approx(4.0 / 15.0 / 2.0)
    assert float(edge_energy(ramp)) == pytest.approx(float(edge_energy(step)) / 15.0)


def test_edge_energy_sees_what_a_file_would_hold():
    beyond = torch.full((1, 4, 8, 8), 1.5)
    beyond[..., 4:] = 3.0
    assert float(edge_energy(beyond)) == 0.0


def test_a_step_moves_decoder_and_discriminator_alone(autoencoder, quantizer, pictures):
    trainee = DecoderTrainee(settings(), autoencoder, quantizer, pictures, pictures)
    loss, _ = trainee.loss(11, step_generator(0, 11))
    loss.backward()
    assert {name.split(".")[0] for name, p in trainee.module.named_parameters() if p.grad is not None} == {
        "decoder",
        "discriminator",
    }
    others = [*autoencoder.encoder.parameters(), *quantizer.parameters()]
    assert others and all(p.grad is None and not p.requires_grad for p in others)


def gradients(trainee: DecoderTrainee, step: int, part: str) -> Tensor:
    trainee.module.zero_grad()
    trainee.loss(step, step_generator(0, 0))[0].backward()
    network = getattr(trainee.module, part)
    return torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])


def test_the_rivals_weights_see_their_own_losses_alone(autoencoder, quantizer, pictures):
    quiet, loud = (
        DecoderTrainee(settings(adversarial_weight=weight), autoencoder, quantizer, pictures, pictures)
        for weight in (0.0, 1.0)
    )
    torch.testing.assert_close(gradients(quiet, 11, "discriminator"), gradients(loud, 11, "discriminator"))
    assert not torch.allclose(gradients(quiet, 11, "decoder"), gradients(loud, 11, "decoder"))
    torch.testing.assert_close(gradients(quiet, 0, "decoder"), gradients(loud, 0, "decoder"))


def test_the_penalty_moves_the_discriminator_alone(autoencoder, quantizer, pictures):
    with_it, without = (
        DecoderTrainee(settings(penalty_weight=weight), autoencoder, quantizer, pictures, pictures)
        for weight in (1.0, 0.0)
    )
    for part, equal in (("decoder", True), ("discriminator", False)):
        assert torch.allclose(gradients(with_it, 4, part), gradients(without, 4, part)) is equal


def test_the_adversarial_term_rises_once(autoencoder, quantizer, pictures):
    config = settings(100, adversarial_weight=0.3, adversarial_from=0.2, adversarial_ramp=0.4)
    trainee = DecoderTrainee(config, autoencoder, quantizer, pictures, pictures)
    weights = [trainee.adversarial_weight(step) for step in (0, 20, 40, 60, 99)]
    assert weights == pytest.approx([0.0, 0.0, 0.15, 0.3, 0.3])


def test_pictures_are_as_sharp_as_themselves(autoencoder, quantizer, pictures):
    figures = measure_decoder(autoencoder, quantizer, pictures)
    assert 0.0 < figures["sharpness_discrete"] < figures["sharpness_continuous"] < 1.1
    assert figures["psnr_discrete"] < figures["psnr_continuous"]


def test_only_the_decoder_is_another_one(sharpened, trained_tokenizer):
    old, new = (read_weights(folder / "autoencoder" / "model.safetensors") for folder in (trained_tokenizer, sharpened))
    assert old.keys() == new.keys()
    changed = {name.split(".")[0] for name in old if not torch.equal(old[name], new[name])}
    assert changed == {"decoder"}
    for file in ("config.json", "model.safetensors"):
        assert (sharpened / "quantizer" / file).read_bytes() == (trained_tokenizer / "quantizer" / file).read_bytes()


def test_the_artifact_measures_as_it_did_in_training(sharpened, shapes):
    autoencoder = load_component(sharpened / "autoencoder", Autoencoder, AutoencoderConfig)
    quantizer = load_component(sharpened / "quantizer", MultiScaleQuantizer, QuantizerConfig)
    again = measure_decoder(autoencoder, quantizer, load_pictures(shapes, ("validation",)))
    figures = verify(sharpened, kind="tokenizer").figures
    assert {name: figures[name] for name in again} == pytest.approx(again, abs=1e-3)


def test_lineage_goes_on_through_the_old_tokenizer(sharpened, trained_tokenizer, shapes, tmp_path):
    assert read_manifest(sharpened).parents == {
        "dataset": read_manifest(shapes).digest,
        "tokenizer": read_manifest(trained_tokenizer).digest,
    }


class Taken(Config):
    from_: str = "a model"


def test_a_tokenizer_taken_from_a_model_still_names_it(trained_tokenizer, shapes, tmp_path):
    taken = tmp_path / "taken"
    with staging(taken) as folder:
        for file in trained_tokenizer.rglob("*/*"):
            (folder / file.parent.name).mkdir(exist_ok=True)
            (folder / file.parent.name / file.name).write_bytes(file.read_bytes())
        seal(folder, kind="tokenizer", stage="train", config=Taken(), parents={"model": "0" * 64})
    made = decoder.run(settings(1), shapes, taken, tmp_path / "out", work=tmp_path / "work")
    assert made.parents["model"] == "0" * 64 and set(made.parents) == {"dataset", "tokenizer", "model"}


def test_a_run_that_stopped_goes_on_bit_for_bit(sharpened, trained_tokenizer, shapes, tmp_path):
    def stop(progress):
        if progress.task == "train" and progress.done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decoder.run(settings(), shapes, trained_tokenizer, tmp_path / "out", stop, work=tmp_path / "work")
    made = decoder.run(settings(), shapes, trained_tokenizer, tmp_path / "out", work=tmp_path / "work")
    assert made.digest == read_manifest(sharpened).digest


def test_the_state_of_another_run_is_refused(trained_tokenizer, shapes, tmp_path):
    decoder.run(settings(1), shapes, trained_tokenizer, tmp_path / "out", work=tmp_path / "work")
    with pytest.raises(TrainingError, match="other settings"):
        decoder.run(settings(2), shapes, trained_tokenizer, tmp_path / "again", work=tmp_path / "work")


def test_pictures_of_another_size_are_refused(trained_tokenizer, shapes, tmp_path):
    larger = tmp_path / "larger"
    with staging(larger) as folder:
        for file in shapes.glob("*.*"):
            if file.suffix == ".png":
                with Image.open(file) as image:
                    image.resize((64, 64)).save(folder / file.name)
            elif file.name != "manifest.json":
                (folder / file.name).write_bytes(file.read_bytes())
        seal(folder, kind="dataset", stage="data", config=Taken(), parents={})
    with pytest.raises(DataError, match="32 px"):
        decoder.run(settings(1), larger, trained_tokenizer, tmp_path / "out", work=tmp_path / "work")


def test_sample_grids_show_pictures_and_three_ways_to_draw_them(autoencoder, quantizer, pictures, tmp_path):
    trainee = DecoderTrainee(settings(), autoencoder, quantizer, pictures, pictures)
    with torch.no_grad():
        trainee.draw_samples(tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as image:
        assert image.size == (12 * 34, 4 * 34)


def test_shares_beyond_the_whole_are_refused():
    values = {"loop": {"steps": 1}, "discrete_share": 0.7, "noisy_share": 0.4}
    with pytest.raises(InputError, match=r"0\.7 and 0\.4; lower one"):
        DecoderTraining.parse(values, source="settings")
