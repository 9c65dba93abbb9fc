from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from underpaint.core.artifact import verify
from underpaint.core.errors import ArtifactError, InputError, TrainingError
from underpaint.learning.loop import step_generator
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.binary_codes import BinaryCodes
from underpaint.models.component import load_component
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.models.vector_codes import VectorCodes
from underpaint.stages.train import tokenizer
from underpaint.stages.train.config import TokenizerTraining
from underpaint.stages.train.pictures import Pictures, load_pictures
from underpaint.stages.train.tokenizer import (
    HybridTokenizer,
    TokenizerTrainee,
    check_health,
    measure_tokenizer,
    picture_loss,
    psnr,
    residual_std,
)


@pytest.fixture(scope="module")
def train(shapes: Path) -> Pictures:
    return load_pictures(shapes, ("train",))


@pytest.fixture(scope="module")
def loaded(trained_tokenizer: Path, tokenizer_settings) -> HybridTokenizer:
    module = HybridTokenizer(tokenizer_settings())
    module.autoencoder = load_component(trained_tokenizer / "autoencoder", Autoencoder, AutoencoderConfig)
    module.quantizer = load_component(trained_tokenizer / "quantizer", MultiScaleQuantizer, QuantizerConfig)
    return module.eval()


def trainee_of(settings, pictures: Pictures) -> TokenizerTrainee:
    return TokenizerTrainee(settings, pictures, pictures)


def gradients(trainee: TokenizerTrainee, step: int) -> set[str]:
    """Return the parts that a step of training moves."""
    trainee.module.train().zero_grad()
    loss, _ = trainee.loss(step, step_generator(0, step))
    loss.backward()
    moved = {name for name, p in trainee.module.named_parameters() if p.grad is not None and p.grad.any()}
    return {".".join(name.split(".")[:2]) for name in moved}


def test_a_smoke_run_learns_to_rebuild_with_a_healthy_codebook(trained_tokenizer):
    figures = verify(trained_tokenizer, kind="tokenizer").figures
    assert figures["used"] > 0.5
    assert figures["entropy_1"] > 1.0 and figures["entropy_2"] > 2.0 and figures["entropy_4"] > 3.0
    assert 11.0 < figures["psnr_discrete"] < figures["psnr_continuous"]
    assert 0.1 < figures["residual_ratio"] < 0.4 and figures["alpha_error"] < 0.25
    assert figures["problems"] == []


def test_codes_alone_are_trained_all_the_way_where_the_autoencoder_is_fixed(tokenizer_settings, shapes, tmp_path):
    fixed = tokenizer_settings().model_dump() | {"fixed_autoencoder": True}
    for change in ({"continuous_steps": 0}, {"joint_share": 1.0}):
        with pytest.raises(InputError, match="all steps train the codes"):
            TokenizerTraining.parse(fixed | change, source="recipe")
    settings = TokenizerTraining.parse(fixed | {"continuous_steps": 0, "joint_share": 1.0}, source="recipe")
    with pytest.raises(TrainingError, match="name the saved model that has it"):
        tokenizer.run(settings, shapes, tmp_path / "out", work=tmp_path / "work")


def healthy() -> dict[str, float]:
    decodes = {"psnr_continuous": 23.0, "psnr_discrete": 20.0}
    return {"used": 0.9, "entropy_1": 3.1, "entropy_2": 6.1, "entropy_4": 6.1, **decodes}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"used": 0.3}, "only 30% of the codes are used"),
        ({"entropy_1": 2.9}, "scale 1 has 2.9 bits"),
        ({"entropy_2": 4.9}, "scale 2 has 4.9 bits"),
        ({"entropy_4": 5.9}, "scale 4 has 5.9 bits"),
        ({"psnr_discrete": float("nan")}, "the discrete reconstruction is not finite"),
        ({"psnr_continuous": float("inf")}, "the continuous reconstruction is not finite"),
    ],
)
def test_each_sign_of_illness_is_named(tokenizer_settings, change, problem):
    settings = tokenizer_settings().model_copy(update={"codebook_size": 1024})
    assert check_health(healthy(), settings) == []
    (found,) = check_health(healthy() | change, settings)
    assert problem in found


def test_a_small_codebook_needs_as_much_of_its_own_entropy(tokenizer_settings):
    settings = tokenizer_settings().model_copy(update={"codebook_size": 32})
    small = healthy() | {"entropy_1": 1.6, "entropy_2": 3.1, "entropy_4": 3.1}
    assert check_health(small, settings) == []
    assert check_health(small | {"entropy_4": 2.9}, settings) == ["scale 4 has 2.9 bits of entropy (3 are needed)"]
    binary = tokenizer_settings(kind="bsq").model_copy(update={"codebook_size": 32})
    assert len(check_health(small, binary)) == 3


def test_a_collapsed_codebook_fails_the_health_checks(loaded, train, tokenizer_settings):
    book = loaded.quantizer.codes.codebook
    kept = book.clone()
    try:
        book[2:] = 1000.0
        problems = check_health(measure_tokenizer(loaded, train), tokenizer_settings())
    finally:
        book.copy_(kept)
    assert len(problems) == 4 and "of the codes are used" in problems[0]


def test_an_unhealthy_codebook_stops_a_strict_run(shapes, tmp_path, tokenizer_settings):
    with pytest.raises(TrainingError, match=r"unhealthy: .*bits of entropy.*docs/model.md"):
        tokenizer.run(tokenizer_settings(4), shapes, tmp_path / "out", work=tmp_path / "work", strict=True)
    assert not (tmp_path / "out").exists()


def test_the_artifact_holds_both_networks_and_its_figures(trained_tokenizer, loaded):
    manifest = verify(trained_tokenizer, kind="tokenizer")
    folders = {name.split("/")[0] for name in manifest.files}
    assert folders == {"autoencoder", "quantizer"} and set(manifest.parents) == {"dataset"}
    assert manifest.figures["parameters"] == sum(p.numel() for p in loaded.parameters())


def test_the_artifact_measures_as_it_did_in_training(trained_tokenizer, loaded, shapes):
    again = measure_tokenizer(loaded, load_pictures(shapes, ("validation",)))
    figures = verify(trained_tokenizer).figures
    assert {name: figures[name] for name in again} == pytest.approx(again, abs=1e-3)


def test_the_residual_is_white_once_it_is_divided_by_its_deviation(loaded, train):
    z = loaded.autoencoder.encode(train.batch(torch.arange(len(train))))
    residual = z - loaded.quantizer(z).partial[-1]
    whitened = residual / loaded.quantizer.residual_std[:, None, None]
    torch.testing.assert_close(whitened.std(dim=(0, 2, 3)), torch.ones(8), atol=1e-3, rtol=0)


def test_the_residual_is_measured_over_the_whole_data_set(loaded):
    class Counted:
        asked: list[int] = []

        def __len__(self) -> int:
            return 5000

        def batch(self, index: torch.Tensor) -> torch.Tensor:
            self.asked += index.tolist()
            return torch.rand(len(index), 4, 32, 32, generator=step_generator(0, len(self.asked)))

    pictures = Counted()
    residual_std(loaded, pictures)  # pyright: ignore[reportArgumentType]
    assert len(pictures.asked) == len(set(pictures.asked)) <= 2048
    assert min(pictures.asked) == 0 and max(pictures.asked) > 4990


def test_latents_have_unit_variance(loaded, train):
    z = loaded.autoencoder.encode(train.batch(torch.arange(len(train))))
    assert z.shape == (len(train), 8, 4, 4)
    assert float(z.std()) == pytest.approx(1.0, abs=0.25) and float(z.mean().abs()) < 0.25


def test_the_plain_autoencoder_comes_first_then_everything_then_the_decoder_alone(tokenizer_settings, train):
    trainee = trainee_of(tokenizer_settings(40), train)
    coder = {"autoencoder.encoder", "autoencoder.decoder"}
    assert gradients(trainee, 0) == coder
    trainee.after_step(11, step_generator(0, 11))
    assert gradients(trainee, 20) == coder | {"quantizer.phi"}
    assert trainee.joint_until == 28
    assert gradients(trainee, 30) == {"autoencoder.decoder"}


def test_in_the_last_stage_nothing_but_the_decoder_moves(tokenizer_settings, train):
    trainee = trainee_of(tokenizer_settings(40), train)
    trainee.after_step(11, step_generator(0, 11))
    frozen = {k: v.clone() for k, v in trainee.module.state_dict().items() if "decoder" not in k}
    trainee.module.train()
    trainee.loss(30, step_generator(0, 30))[0].backward()
    trainee.after_step(30, step_generator(0, 30))
    assert all(torch.equal(value, trainee.module.state_dict()[name]) for name, value in frozen.items())


def test_the_codebook_starts_from_latents_and_then_learns(tokenizer_settings, train):
    trainee = trainee_of(tokenizer_settings(40), train)
    codes = trainee.module.quantizer.codes
    assert isinstance(codes, VectorCodes)
    assert not codes.codebook.any()
    trainee.after_step(11, step_generator(0, 11))
    assert len(codes.codebook.unique(dim=0)) == codes.size
    before = codes.codebook.clone()
    trainee.loss(12, step_generator(0, 12))
    trainee.after_step(12, step_generator(0, 12))
    assert not torch.equal(codes.codebook, before)


def test_binary_codes_learn_their_gains(tokenizer_settings, train):
    trainee = trainee_of(tokenizer_settings(40, kind="bsq"), train)
    codes = trainee.module.quantizer.codes
    assert isinstance(codes, BinaryCodes)
    trainee.loss(12, step_generator(0, 12))
    trainee.after_step(12, step_generator(0, 12))
    assert (codes.gains != 1.0).all()


def test_a_perfect_picture_costs_nothing_and_each_kind_of_error_costs_something():
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(3, 4, 8, 8, generator=generator) * 2 - 1
    assert float(picture_loss(target, target, generator)) == 0.0
    for channel in range(4):
        worse = target.clone()
        worse[:, channel] += 0.1
        assert float(picture_loss(worse, target, generator)) > 0.02


def test_an_error_in_alpha_alone_shows_on_any_background_but_black():
    """Premultiplied color fits black; a halo shows as soon as the background is bright."""
    target = torch.full((200, 4, 4, 4), -1.0)
    halo = target.clone()
    halo[:, 3] += 0.5
    value, flat = 0.5 / 4, 0.25 * 0.5
    cost = float(picture_loss(halo, target, torch.Generator().manual_seed(0)))
    assert cost == pytest.approx(value + flat, rel=0.05)


def test_psnr_is_that_of_the_definition():
    target = torch.zeros(2, 4, 4, 4)
    drawn = target.clone()
    drawn[0] += 0.2
    drawn[1] += 0.02
    assert psnr(drawn, target) == pytest.approx((20.0 + 40.0) / 2, abs=1e-3)
    assert psnr(torch.full_like(target, 9.0), torch.ones_like(target)) == pytest.approx(100.0)


def test_a_sample_grid_is_written(loaded, train, tmp_path, tokenizer_settings):
    trainee = trainee_of(tokenizer_settings(40), train)
    trainee.module = loaded
    trainee.draw_samples(tmp_path / "deep" / "grid.png")
    with Image.open(tmp_path / "deep" / "grid.png") as image:
        assert image.size == (12 * 34, 3 * 34)
        assert len(image.getcolors(100_000) or []) > 20


def test_anything_but_a_data_set_is_refused(trained_tokenizer, tmp_path, tokenizer_settings):
    with pytest.raises(ArtifactError, match="'dataset' artifact is needed"):
        tokenizer.run(tokenizer_settings(4), trained_tokenizer, tmp_path / "out", work=tmp_path / "work")
