from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from safetensors.torch import load_file

from underpaint.core.artifact import read_manifest, verify
from underpaint.core.errors import DataError, TrainingError
from underpaint.core.progress import Progress
from underpaint.learning.config import LoopConfig
from underpaint.learning.loop import step_generator
from underpaint.models.component import load_component
from underpaint.models.discriminator import Discriminator, DiscriminatorConfig
from underpaint.models.gan_generator import GanGenerator, GanGeneratorConfig
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.stages.train import gan
from underpaint.stages.train.augment import shift
from underpaint.stages.train.gan import GanTrainee, differing, measure_drawings, requests_for, spread
from underpaint.stages.train.gan_config import GanTraining
from underpaint.stages.train.initial import identity_of
from underpaint.stages.train.pictures import Pictures, load_pictures


def settle(*, steps: int = 12, **changes: object) -> GanTraining:
    """Return settings of a GAN for pictures of 32 pixels that trains in seconds."""
    values = {"steps": steps, "batch_size": 8, "lr": 2e-3, "warmup": 5, "average_decay": 0.9, "betas": (0.0, 0.99)}
    values |= {"precision": "f32", "weight_decay": 0.0, "clip": 10.0}
    values |= {"validate_every": 6, "save_every": 5, "sample_every": 12}
    loop = {name: changes.pop(name) for name in list(changes) if name in LoopConfig.model_fields}
    network = {"widths": (16, 16, 8), "blocks": (1, 1, 1), "judge_widths": (8, 16, 16), "judge_blocks": (1, 1, 1)}
    network |= {"condition_width": 32, "penalty_every": 4}
    return GanTraining.model_validate({"loop": LoopConfig.model_validate(values | loop), **network, **changes})


@pytest.fixture(scope="module")
def pictures(shapes: Path) -> tuple[Pictures, Pictures]:
    return load_pictures(shapes, ("train",)), load_pictures(shapes, ("validation",))


@pytest.fixture
def make(pictures, words):
    """Make a trainee with changed settings."""

    def build(train: Pictures | None = None, **changes: Any) -> GanTrainee:
        return GanTrainee(settle(**changes), train or pictures[0], pictures[1], words)

    return build


def first(part: Pictures, count: int) -> Pictures:
    return Pictures(part.samples[:count], part.pixels[:count], part.weights[:count])


@torch.enable_grad()
def train_for(trainee: GanTrainee, steps: int, lr: float) -> None:
    optimizer = torch.optim.Adam(trainee.module.parameters(), lr=lr, betas=(0.0, 0.99))
    trainee.module.train()
    for step in range(steps):
        loss, _ = trainee.loss(step, step_generator(0, step))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    trainee.module.eval()


@pytest.mark.slow
def test_drawings_come_closer_to_the_pictures(make, pictures):
    trainee = make(first(pictures[0], 16), batch_size=16, reach=0, drop_style=0.0)
    trainee.held_out = trainee.train
    before = trainee.validate()
    train_for(trainee, 80, 1e-3)
    after = trainee.validate()
    assert after["distance"] < 0.8 * before["distance"]
    assert after["same_caption"] > before["same_caption"]


def test_a_loss_is_that_of_its_step_alone(make):
    trainee = make()
    before = torch.random.get_rng_state()
    losses = [trainee.loss(step, step_generator(0, step))[0].item() for step in (1, 2, 1)]
    assert losses[0] == losses[2] != losses[1]
    assert torch.equal(torch.random.get_rng_state(), before)


def test_fresh_networks_depend_on_the_seed_alone(make):
    one, same, other = (make(seed=seed).module.state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["generator.basis"], other["generator.basis"])


def test_penalties_come_every_so_often_and_weigh_as_much_more(make):
    def loss(step: int, **changes: object) -> float:
        return make(**changes).loss(step, step_generator(0, 4))[0].item()

    free = {"penalty": 0.0}
    assert loss(4) > loss(4, **free)
    assert loss(4, **free) == loss(5, **free) == loss(5)
    once, thrice = (loss(6, penalty_every=every) - loss(6, penalty_every=every, **free) for every in (1, 3))
    assert thrice == pytest.approx(3.0 * once, rel=1e-3)


def test_one_backward_pass_teaches_all_three_networks(make):
    trainee = make()
    train_for(trainee, 3, 1e-3)
    trainee.loss(4, step_generator(0, 4))[0].backward()
    moved = {n.split(".")[0] for n, p in trainee.module.named_parameters() if p.grad is not None and p.grad.any()}
    assert moved == {"text_encoder", "generator", "discriminator"}


def test_real_pictures_come_in_the_order_of_the_loop_and_are_only_shifted(make, pictures):
    trainee, seen = make(reach=1), {}

    def spy(real, captions, style, noise, differs, *, penalize):
        seen.update(real=real, style=style)
        return GanTrainee.play(trainee, real, captions, style, noise, differs, penalize=penalize)

    trainee.play = spy
    trainee.loss(3, step_generator(0, 3))
    index = pictures[0].choose(8, step_generator(0, 3))
    for row, target in enumerate(pictures[0].batch(index)):
        offsets = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
        shifted = [shift(target[None], torch.tensor([pair]))[0] for pair in offsets]
        assert any(torch.equal(seen["real"][row], picture) for picture in shifted)


@pytest.mark.parametrize(("share", "expected"), [(0.0, {0, 1, 2, 3}), (1.0, {4})])
def test_styles_are_dropped_as_often_as_the_settings_say(make, share, expected):
    trainee, styles = make(drop_style=share, batch_size=64), []
    trainee.module.generator.register_forward_pre_hook(lambda _, given: styles.extend(given[2].tolist()))
    trainee.loss(1, step_generator(0, 1))
    assert set(styles) == expected


def test_wrong_captions_are_wrong_only_where_they_differ(pictures):
    red, blue = pictures[0].samples[0], pictures[0].samples[-1]
    also_red = red.model_copy(update={"style": "line-art"})
    told = differing([red, also_red, blue, blue, red], torch.device("cpu"))
    assert told.tolist() == [False, False, True, False, True]


def test_samples_are_spread_evenly():
    assert spread(10, 4).tolist() == [0, 3, 6, 9]
    assert spread(3, 16).tolist() == [0, 1, 2] and len(spread(10_000, 512)) == 500


def test_validation_is_the_same_each_time_and_sees_equal_pictures_as_equal(make, pictures):
    trainee = make()
    figures = trainee.validate()
    assert trainee.validate() == figures and set(figures) == {"distance", "same_caption"}
    pipeline, part = trainee.pipeline(), first(pictures[1], 1)
    own = torch.from_numpy(pipeline.draw(requests_for(part, torch.tensor([0])))[0])[None]
    assert measure_drawings(pipeline, replace(part, pixels=own))["same_caption"] == pytest.approx(1.0, abs=1e-4)


@pytest.fixture(scope="module")
def trained(shapes, words, tmp_path_factory) -> Path:
    """A folder with a ``gan`` artifact ``out`` and its run ``work``."""
    folder = tmp_path_factory.mktemp("gan")
    gan.run(settle(), shapes, words, folder / "out", work=folder / "work")
    return folder


def test_a_run_writes_three_networks_and_what_they_measure(trained):
    manifest = verify(trained / "out", kind="gan")
    assert {name.split("/")[0] for name in manifest.files} == {"text_encoder", "generator", "discriminator"}
    assert set(manifest.parents) == {"dataset", "text-table"}
    classes = {"generator": (GanGenerator, GanGeneratorConfig), "discriminator": (Discriminator, DiscriminatorConfig)}
    for name, (network, config) in classes.items():
        loaded = load_component(trained / "out" / name, network, config)
        assert manifest.figures["parameters"][name] == sum(p.numel() for p in loaded.parameters())
        assert loaded.config.image_size == 32
    assert manifest.figures["seen_images"] == 12 * 8
    assert {"distance", "same_caption"} == set(manifest.figures["validation"]) == set(manifest.figures["test_concept"])
    with Image.open(trained / "work" / "samples" / "000012.png") as image:
        assert image.size == (16 * 34, 4 * 34)


def test_an_interrupted_run_goes_on_bit_for_bit(trained, shapes, words, tmp_path):
    def stop(progress: Progress) -> None:
        if progress.task == "train" and progress.done == 8:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        gan.run(settle(), shapes, words, tmp_path / "out", stop, work=tmp_path / "work")
    gan.run(settle(), shapes, words, tmp_path / "out", work=tmp_path / "work")
    assert read_manifest(tmp_path / "out").digest == read_manifest(trained / "out").digest
    states = [load_file(folder / "work" / "state.safetensors") for folder in (tmp_path, trained)]
    assert [name for name in states[0] if not torch.equal(states[0][name], states[1][name])] == []


def test_a_run_can_start_from_the_text_encoder_of_another_model(trained, shapes, words, tmp_path):
    config, model = settle(steps=1, lr=1e-12, warmup=0), tmp_path / "model"
    shutil.copytree(trained / "out" / "text_encoder", model / "text_encoder")
    manifest = gan.run(config, shapes, words, tmp_path / "out", work=tmp_path / "work", initial=model)
    assert manifest.parents["initial"] == identity_of(model)
    donor, taken = (
        load_component(folder / "text_encoder", TextEncoder, TextEncoderConfig)
        for folder in (trained / "out", tmp_path / "out")
    )
    for one, two in zip(donor.parameters(), taken.parameters(), strict=True):
        torch.testing.assert_close(one, two)
    with pytest.raises(TrainingError, match="there and nothing here"):
        gan.run(settle(steps=1, text_depth=0), shapes, words, tmp_path / "no", work=tmp_path / "w", initial=model)


def test_the_text_table_stays_as_it_is(trained, words):
    table = load_file(words / "model.safetensors")["table"]
    assert torch.equal(load_file(trained / "out" / "text_encoder" / "model.safetensors")["table"], table)


def test_pictures_of_another_size_are_refused(shapes, words, tmp_path):
    big = settle(widths=(8,) * 4, blocks=(1,) * 4, judge_widths=(8,) * 4, judge_blocks=(1,) * 4)
    with pytest.raises(DataError, match="holds pictures of 32 px, but these settings are for 64 px"):
        gan.run(big, shapes, words, tmp_path / "out", work=tmp_path / "work")


def test_sides_of_both_networks_must_agree():
    with pytest.raises(ValidationError, match=r"must be equally long, not \[3, 3, 2, 3\]"):
        settle(judge_widths=(8, 16))


def test_the_log_names_what_both_sides_pay(trained):
    manifest = json.loads((trained / "work" / "log.jsonl").read_text().splitlines()[-1])
    assert {"held_out_distance", "held_out_same_caption"} <= set(manifest)
