from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from PIL import Image

from underpaint.core.artifact import read_manifest, seal, verify
from underpaint.core.config import Config
from underpaint.core.errors import DataError, InputError
from underpaint.learning.loop import step_generator
from underpaint.models.component import load_component
from underpaint.models.residual import ResidualConfig, ResidualRefiner
from underpaint.models.transformer import ScaleTransformer, TransformerConfig
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.train import generator
from underpaint.stages.train.conditions import Conditions
from underpaint.stages.train.generator import GeneratorTrainee, default_sampling, measure_likelihood
from underpaint.stages.train.latents import Latents, load_latents


@pytest.fixture
def make(encoded: Path, trained_tokenizer: Path, words: Path, generator_settings):
    """Make a trainee with changed settings, on the pictures of a part."""

    def build(part: Latents | None = None, **changes: object) -> GeneratorTrainee:
        train, held_out = load_latents(encoded)
        settings = generator_settings(**changes)
        return GeneratorTrainee(settings, part or train, held_out["validation"], trained_tokenizer, words)

    return build


def first(latents: Latents, count: int) -> Latents:
    return Latents(latents.samples[:count], latents.values[:count, :1], latents.weights[:count])


def batch_of(trainee: GeneratorTrainee, count: int = 6) -> tuple[torch.Tensor, list[str], torch.Tensor, torch.Tensor]:
    samples = trainee.train.samples[:count]
    z = trainee.train.values[:count, 0].to(torch.float32)
    return z, [s.caption for s in samples], torch.zeros(count, dtype=torch.int64), torch.zeros(count, dtype=torch.bool)


def asked_for(trainee: GeneratorTrainee, count: int = 6) -> tuple[torch.Tensor, Conditions]:
    z, captions, style, drop = batch_of(trainee, count)
    return z, Conditions(captions, style, drop)


@torch.enable_grad()
def train_for(trainee: GeneratorTrainee, steps: int, lr: float) -> None:
    optimizer = torch.optim.AdamW(trainee.module.parameters(), lr=lr, betas=(0.9, 0.95), weight_decay=0.0)
    trainee.module.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, (step + 1) / 20) * (1.0 - 0.9 * step / steps)
        loss, _ = trainee.loss(step, step_generator(0, step))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trainee.module.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    trainee.module.eval()


@torch.no_grad()
def share_right(trainee: GeneratorTrainee) -> float:
    """Return the share of labels that are the likeliest ones when everything before is given."""
    z = trainee.train.values[:, 0].to(torch.float32)
    parts = trainee.quantizer(z)
    seen = [trainee.quantizer.down(f, scale) for scale, f in enumerate(parts.partial[:-1], 1)]
    pipeline = trainee.pipeline()
    text = pipeline.encode_text([sample.caption for sample in trainee.train.samples])
    style = pipeline.style_index([sample.style for sample in trainee.train.samples])
    logits, _ = trainee.module.transformer(trainee.module.transformer.condition(text, style), seen)
    return float((logits.argmax(-1) == torch.cat(parts.labels, dim=1)).float().mean())


@pytest.mark.slow
def test_a_small_generator_learns_sixteen_pictures_by_heart_and_draws_them(make, encoded):
    part = first(load_latents(encoded)[0], 16)
    quiet = {"drop_both": 0.0, "drop_caption": 0.0, "drop_style": 0.0, "drop_path": 0.0, "smoothing": 0.0}
    trainee = make(part, width=64, batch_size=16, correction_share=0.0, **quiet)
    assert share_right(trainee) < 0.3
    train_for(trainee, 200, 4e-3)
    assert share_right(trainee) > 0.99
    pipeline = trainee.pipeline()
    labels = trainee.quantizer(part.values[:, 0].to(torch.float32)).labels
    right = []
    for row, sample in enumerate(part.samples):
        request = DrawRequest(caption=sample.caption, style=sample.style, seed=row, temperature=0.0, guidance=0.0)
        with torch.no_grad():
            text, style = pipeline.encode_text([request.caption]), pipeline.style_index([request.style])
            drawing = pipeline.draw_tokens(text, style, pipeline.numbers([request]))
        same = [(a[0] == b[row]).float() for a, b in zip(drawing.labels, labels, strict=True)]
        right.append(float(torch.cat(same).mean()))
    assert sum(right) / len(right) > 0.95


def test_a_fresh_generator_knows_nothing(make):
    figures = make().validate()
    uniform = float(torch.tensor(16.0).log())
    assert figures["nll"] == pytest.approx(uniform, rel=0.03)
    assert {"nll_1", "nll_2", "nll_4", "residual"} <= set(figures)


def test_the_mean_over_all_tokens_weighs_the_scales_by_their_tokens(make):
    figures = make().validate()
    expected = (figures["nll_1"] + 4 * figures["nll_2"] + 16 * figures["nll_4"]) / 21
    assert figures["nll"] == pytest.approx(expected, rel=1e-5)


def test_validation_is_the_same_each_time_and_however_it_is_cut(make):
    trainee = make()
    train_for(trainee, 5, 3e-3)
    figures = trainee.validate()
    assert trainee.validate() == figures
    halves = [first(trainee.held_out, 14), Latents(*(x[14:] for x in (trainee.held_out.samples,
              trainee.held_out.values, trainee.held_out.weights)))]  # fmt: skip
    nll = [measure_likelihood(trainee, half)["nll"] for half in halves]
    assert sum(nll) / 2 == pytest.approx(figures["nll"], rel=1e-4)


@torch.no_grad()
def test_the_token_loss_is_half_by_token_and_half_by_scale(make):
    trainee = make()
    trainee.module.eval()
    z, captions, style, drop = batch_of(trainee)
    tokens, _, by_scale = trainee.losses(z, Conditions(captions, style, drop), step_generator(0, 0), train=False)
    by_token = (by_scale * torch.tensor([1.0, 4.0, 16.0])).sum() / 21
    assert float(tokens.mean()) == pytest.approx(float(0.5 * by_token + 0.5 * by_scale.mean()), rel=1e-5)


@torch.no_grad()
def test_captions_of_any_length_in_a_batch_do_not_disturb_each_other(make):
    trainee = make()
    train_for(trainee, 5, 3e-3)
    z, captions, style, drop = batch_of(trainee, 4)
    captions[2] = "a flat sticker of a red disc and a green square"
    together = trainee.losses(z, Conditions(captions, style, drop), step_generator(0, 0), train=False)[0]
    for row in range(4):
        part = slice(row, row + 1)
        alone = trainee.losses(
            z[part], Conditions(captions[part], style[part], drop[part]), step_generator(0, 0), train=False
        )[0]
        torch.testing.assert_close(alone, together[part], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_dropped_caption_does_not_reach_the_loss(make):
    trainee = make()
    train_for(trainee, 5, 3e-3)
    z, captions, style, _ = batch_of(trainee, 4)
    drop = torch.tensor([True, False, True, False])
    other = ["yellow ring"] * 4
    losses = [
        trainee.losses(z, Conditions(c, style, drop), step_generator(0, 0), train=False)[0] for c in (captions, other)
    ]
    assert torch.equal(torch.isclose(losses[0], losses[1], atol=1e-6), drop)


def test_captions_and_styles_are_dropped_as_often_as_the_settings_say(make):
    trainee = make(drop_both=0.2, drop_caption=0.1, drop_style=0.3, batch_size=4000)
    seen: dict[str, torch.Tensor] = {}

    def spy(z, asked, generator, own):
        seen["style"], seen["caption"] = asked.style == 4, asked.drop
        return torch.zeros(len(z)), torch.zeros(()), None

    trainee.losses = spy
    trainee.loss(0, step_generator(0, 0))
    both = seen["style"] & seen["caption"]
    shares = [float(x.float().mean()) for x in (both, seen["caption"], seen["style"])]
    assert shares == pytest.approx([0.2, 0.3, 0.5], abs=0.03)


def test_the_refiner_moves_no_other_network_and_the_tokens_do_not_move_the_refiner(make):
    trainee = make()
    torch.nn.init.normal_(trainee.module.residual.out.weight, generator=torch.Generator().manual_seed(0))
    z, captions, style, drop = batch_of(trainee)
    for which, expected in ((0, {"text_encoder", "transformer"}), (1, {"residual"})):
        trainee.module.train().zero_grad()
        loss = trainee.losses(z, Conditions(captions, style, drop), step_generator(0, 0))[which]
        loss.mean().backward()
        moved = {n.split(".")[0] for n, p in trainee.module.named_parameters() if p.grad is not None and p.grad.any()}
        assert moved <= expected and moved


@pytest.mark.parametrize(
    ("trains", "moved"),
    [("all", {"text_encoder", "transformer", "residual"}), ("refiner", {"residual"}),
     ("tokens", {"text_encoder", "transformer"})],
)  # fmt: skip
@torch.enable_grad()
def test_networks_that_are_not_trained_get_no_gradient(make, trains, moved):
    trainee = make(trains=trains)
    loss, figures = trainee.loss(0, step_generator(0, 0))
    loss.backward()
    found = {name.split(".")[0] for name, p in trainee.module.named_parameters() if p.grad is not None and p.grad.any()}
    assert found == moved
    assert ("residual" in figures) == ("residual" in trainee.validate()) == (trains != "tokens")


def test_a_regression_is_asked_for_the_mean_alone(make):
    times: list[torch.Tensor] = []
    trainee = make(trains="refiner", mean_share=1.0)
    trainee.module.residual.register_forward_pre_hook(lambda _, given: times.append(given[1]))
    trainee.loss(0, step_generator(0, 0))
    assert len(times) == 1 and not times[0].any()


@torch.no_grad()
def test_the_refiner_is_asked_for_what_the_tokens_of_all_scales_leave_out(make):
    trainee = make(residual_draws=3)
    trainee.module.eval()
    z, captions, style, drop = batch_of(trainee, 6)
    asked: list[tuple[torch.Tensor, ...]] = []

    def answer(_: torch.nn.Module, given: tuple[torch.Tensor, ...], __: torch.Tensor) -> torch.Tensor:
        asked.append(given)
        return (z.repeat(3, 1, 1, 1) - given[4]) / trainee.quantizer.residual_std[:, None, None]

    trainee.module.residual.register_forward_hook(answer)
    loss = trainee.losses(z, Conditions(captions, style, drop), step_generator(0, 0), train=False)[1]
    assert float(loss) < 1e-9
    _, t, hidden, token, f = asked[0]
    parts = trainee.quantizer(z)
    for copy in range(3):
        taught = slice(6 * copy + 3, 6 * copy + 6)
        torch.testing.assert_close(f[taught], parts.partial[-1][3:])
        torch.testing.assert_close(token[taught], trainee.quantizer.codes.embed(parts.labels[-1], 2)[3:])
        drawn = slice(6 * copy, 6 * copy + 3)
        assert not torch.allclose(f[drawn], parts.partial[-1][:3])
        before = parts.partial[-2][:3]
        torch.testing.assert_close(f[drawn], before + trainee.quantizer.lift(token[drawn], 2))
        torch.testing.assert_close(hidden[:6], hidden[6 * copy : 6 * copy + 6])
    assert 0 < int((t == 0).sum()) < len(t)


@torch.no_grad()
def test_a_mean_is_asked_for_without_any_noise(make):
    trainee = make(residual_draws=4)
    trainee.module.eval()
    asked: list[tuple[torch.Tensor, ...]] = []
    trainee.module.residual.register_forward_hook(lambda _, given, __: asked.append(given))
    trainee.losses(*asked_for(trainee, 20), step_generator(0, 0), train=False)
    x_t, t = asked[0][:2]
    assert not x_t[t == 0].any() and (x_t[t > 0].flatten(1).std(dim=1) > 0.2).all()
    assert float((t == 0).float().mean()) == pytest.approx(0.25, abs=0.12)


def test_the_refiner_learns_the_mean_and_the_path(make):
    trainee = make(residual_width=32, residual_depth=2)
    before = trainee.validate()["residual"]
    train_for(trainee, 60, 3e-3)
    assert trainee.validate()["residual"] < 0.9 * before


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_self_correction_changes_what_later_scales_see_and_must_say(make, share):
    trainee = make(correction_share=share, correction_rate=1.0, drop_path=0.0)
    z, captions, style, drop = batch_of(trainee)
    told: list[list[torch.Tensor]] = []
    trainee.module.transformer.register_forward_pre_hook(lambda _, inputs: told.append(inputs[1]))
    for train, step in ((False, 0), (True, 0), (True, 1)):
        trainee.losses(z, Conditions(captions, style, drop), step_generator(0, step), train=train)
    plain, one, two = told
    changed = not torch.equal(plain[0], one[0])
    assert changed == bool(share) and (not torch.equal(one[0], two[0])) == bool(share)


def test_every_so_many_steps_labels_are_perturbed_towards_the_models_own_samples(make):
    trainee = make(own_every=4, correction_share=1.0, correction_rate=1.0, drop_path=0.0)
    seen: list[list[torch.Tensor]] = []
    trainee.module.transformer.register_forward_pre_hook(lambda _, given: seen.append(given[1]))
    for step in range(8):
        before = len(seen)
        trainee.loss(step, step_generator(0, step))
        assert len(seen) - before == (2 if step in (3, 7) else 1)
    guess, taught = seen[3], seen[4]
    assert not torch.equal(guess[0], taught[0])


@pytest.mark.parametrize("own", [False, True])
def test_in_bfloat16_a_step_with_own_samples_reaches_the_same_weights(make, own):
    trainee = make(drop_path=0.0)
    trainee.module.train()
    for block in trainee.module.transformer.blocks:
        torch.nn.init.ones_(block.norm1_out.weight)
        torch.nn.init.ones_(block.norm2_out.weight)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        tokens, _, _ = trainee.losses(*asked_for(trainee), step_generator(0, 0), own=own)
    tokens.mean().backward()
    reached = [p.grad is not None and bool(p.grad.any()) for p in trainee.module.transformer.blocks.parameters()]
    assert all(reached) and len(reached) > 10


def test_early_tokens_are_learned_from_those_before_them(make):
    trainee = make(early_scales=2)
    torch.nn.init.normal_(trainee.module.transformer.early.out.weight, generator=torch.Generator().manual_seed(0))
    trainee.module.train()
    z, captions, style, drop = batch_of(trainee)
    told: list[torch.Tensor] = []
    trainee.module.transformer.early.register_forward_hook(lambda _, given, __: told.append(given[1]))
    tokens, _, by_scale = trainee.losses(z, Conditions(captions, style, drop), step_generator(0, 0), train=False)
    parts = trainee.quantizer(z)
    expected = torch.cat([trainee.quantizer.codes.embed(parts.labels[k], k) for k in range(2)], dim=1)
    assert torch.equal(told[0], expected) and len(by_scale) == 3
    tokens.mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in trainee.module.transformer.early.read.parameters())


def test_a_setting_by_scale_acts_on_its_scale_alone(make):
    plain = make(correction_share=0.0, smoothing=0.0, drop_path=0.0)
    batch = batch_of(plain)
    before = plain.losses(batch[0], Conditions(*batch[1:]), step_generator(0, 0))[2]
    for name, value in (("smoothing", (0.0, 0.9, 0.0)), ("label_noise", (0.0, 1.0, 0.0))):
        settings = {"correction_share": 0.0, "smoothing": 0.0, "drop_path": 0.0} | {name: value}
        after = make(**settings).losses(batch[0], Conditions(*batch[1:]), step_generator(0, 0))[2]
        assert (after != before).tolist() == [False, True, False], name
    settings = {"correction_share": 1.0, "correction_rate": (0.0, 1.0, 0.0), "smoothing": 0.0, "drop_path": 0.0}
    after = make(**settings).losses(batch[0], Conditions(*batch[1:]), step_generator(0, 0))[2]
    assert (after != before).tolist() == [False, False, True]


def test_a_vector_with_another_number_of_scales_is_refused(make):
    with pytest.raises(InputError, match="smoothing has 2 numbers; give one, or one for each of 3 scales"):
        make(smoothing=(0.1, 0.2))


def test_checkpointing_changes_no_step_of_training(make):
    gradients = []
    for checkpointing in (False, True):
        trainee = make(gradient_checkpointing=checkpointing, drop_path=0.5)
        trainee.module.train()
        trainee.loss(0, step_generator(0, 0))[0].backward()
        gradients.append([p.grad for p in trainee.module.parameters() if p.grad is not None])
    for one, two in zip(*gradients, strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-4)


def test_the_text_table_stays_as_it_is(make, words):
    from underpaint.runtime.weights import read_weights

    trainee = make()
    train_for(trainee, 2, 1e-2)
    assert torch.equal(trainee.module.text_encoder.table, read_weights(words / "model.safetensors")["table"])


@pytest.fixture(scope="module")
def trained(encoded, trained_tokenizer, words, generator_settings, tmp_path_factory) -> tuple[Path, Path]:
    """A ``generator`` artifact and the folder of its run."""
    folder = tmp_path_factory.mktemp("generator")
    settings = generator_settings()
    generator.run(settings, encoded, trained_tokenizer, words, folder / "out", work=folder / "work")
    return folder / "out", folder / "work"


def test_a_run_writes_three_networks_and_what_they_measure(trained):
    out, work = trained
    manifest = verify(out, kind="generator")
    assert {name.split("/")[0] for name in manifest.files} == {"text_encoder", "transformer", "residual"}
    assert set(manifest.parents) == {"latents", "tokenizer", "text-table"}
    transformer = load_component(out / "transformer", ScaleTransformer, TransformerConfig)
    residual = load_component(out / "residual", ResidualRefiner, ResidualConfig)
    counted = manifest.figures["parameters"]
    assert counted["transformer"] == sum(p.numel() for p in transformer.parameters())
    assert counted["residual"] == sum(p.numel() for p in residual.parameters())
    assert manifest.figures["validation"]["nll"] < 3.1 and "test_concept" in manifest.figures
    with Image.open(work / "samples" / "000020.png") as image:
        assert image.size == (16 * 34, 4 * 34)


def test_a_run_that_starts_from_saved_weights_has_them_among_its_parents(
    trained, encoded, trained_tokenizer, words, generator_settings, tmp_path
):
    out, _ = trained
    settings = generator_settings(1, lr=1e-9, depth=3, early_scales=1)
    begun = tmp_path / "begun"
    inputs = (encoded, trained_tokenizer, words, tmp_path / "out")
    (begun / "transformer").parent.mkdir()
    for name in ("text_encoder", "transformer", "residual"):
        (begun / name).symlink_to(out / name)
    manifest = generator.run(settings, *inputs, work=tmp_path / "work", initial=begun)
    assert set(manifest.parents) == {"latents", "tokenizer", "text-table", "initial"}
    before = read_manifest(out).figures["validation"]["nll"]
    assert manifest.figures["validation"]["nll"] == pytest.approx(before, rel=1e-4)


def test_latents_of_another_tokenizer_are_refused(
    encoded, shapes, words, trained_tokenizer, tmp_path, generator_settings
):
    class Other(Config):
        by: str = "somebody else"

    import shutil

    other = Path(shutil.copytree(trained_tokenizer, tmp_path / "other"))
    (other / "manifest.json").unlink()
    seal(other, kind="tokenizer", stage="train", config=Other(), parents={})
    assert read_manifest(other).digest != read_manifest(trained_tokenizer).digest
    with pytest.raises(DataError, match="was encoded with another tokenizer"):
        generator.run(generator_settings(), encoded, other, words, tmp_path / "out", work=tmp_path / "work")


def test_settings_of_a_fresh_model_have_one_entry_a_scale():
    for kind, schedule in itertools.product(("vq", "bsq"), ((1, 2, 4), (1, 2, 4, 8), (1, 2, 3, 4, 6, 8))):
        sampling = default_sampling(kind, schedule)
        assert len(sampling.guidance_shape) == len(sampling.temperatures) == len(schedule)
        assert sampling.guidance_shape[-1] == 0.0 and sampling.guidance_shape[0] > 0.0
        assert sampling.temperatures[-1] == (0.5 if kind == "vq" else 0.7)
