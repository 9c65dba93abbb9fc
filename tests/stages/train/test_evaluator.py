"""Training an evaluator: it learns, goes on where it was, and seals what it says of itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from underpaint.core.artifact import verify
from underpaint.core.errors import DataError, InputError, TrainingError
from underpaint.core.extractor_card import check_weights, read_card
from underpaint.learning.loop import step_generator
from underpaint.models.evaluator import load_evaluator
from underpaint.stages.train import evaluator_run
from underpaint.stages.train.evaluator import EvaluatorTrainee, ask, contrast
from underpaint.stages.train.evaluator_calibrate import decorrelate, settle_norms
from underpaint.stages.train.evaluator_config import EvaluatorRecipe
from underpaint.stages.train.evaluator_labels import Labels, in_fold, says_nothing_of_color, split_pictures
from underpaint.stages.train.evaluator_scores import features_of, logits_of, rgb_of
from underpaint.stages.train.evaluator_words import choose_words
from underpaint.stages.train.pictures import load_pictures

STEPS = 30


def settle(words: Path, **changes: object) -> EvaluatorRecipe:
    """Return settings of an evaluator for pictures of 32 pixels that trains in seconds."""
    loop = {"steps": STEPS, "batch_size": 24, "lr": 4e-3, "warmup": 5, "average_decay": 0.8, "precision": "f32",
            "validate_every": 15, "save_every": 10, "sample_every": 30}  # fmt: skip
    values = {"loop": loop, "image_size": 32, "widths": (8, 12, 16), "depths": (1, 0, 1), "dim": 16,
              "text_model": str(words), "text_width": 16, "text_rows": 4, "held_out": 0.15}  # fmt: skip
    return EvaluatorRecipe.model_validate(values | changes)


@pytest.fixture(scope="module")
def workspace(shapes: Path, words: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("evaluator")
    evaluator_run.run(settle(words), shapes, out, num_threads=1)
    return out


def test_the_artifact_is_whole_and_its_card_is_that_of_its_weights(workspace: Path, shapes: Path) -> None:
    folder = workspace / "evaluator"
    manifest = verify(folder, kind="evaluator")
    assert set(manifest.files) == {"config.json", "model.safetensors", "tokenizer.json", "extractor.json"}
    card = read_card(folder)
    check_weights(card, folder / "model.safetensors")
    assert manifest.figures["seen_images"] == STEPS * 24
    assert card.identity == manifest.figures["card"] and card.dim == 16 and card.task == "dual_encoder"
    assert manifest.parents["dataset"] == verify(shapes).digest and set(card.trained_on) == set(
        manifest.parents.values()
    )
    assert load_evaluator(folder).config.classes == card.classes


def test_the_loss_falls(workspace: Path) -> None:
    records = [json.loads(line) for line in (workspace / "state" / "evaluator" / "log.jsonl").read_text().splitlines()]
    chance = [record for record in records if "held_out_validation_color" in record]
    assert [record["step"] for record in chance] == [15, STEPS]
    last = next(record for record in reversed(records) if "loss" in record)
    assert last["color"] < 2.1, "chance is 2.4"


def test_a_run_that_stopped_goes_on_bit_for_bit(workspace, shapes, words, tmp_path) -> None:
    class Stopped(Exception):
        pass

    def stop(progress) -> None:
        if progress.task == "train" and progress.done == 17:
            raise Stopped

    with pytest.raises(Stopped):
        evaluator_run.run(settle(words), shapes, tmp_path, stop, num_threads=1)
    assert not (tmp_path / "evaluator").exists()
    manifest = evaluator_run.run(settle(words), shapes, tmp_path, num_threads=1)
    assert manifest.digest == verify(workspace / "evaluator").digest


def test_a_finished_evaluator_is_kept_and_other_settings_are_refused(workspace, shapes, words) -> None:
    before = (workspace / "evaluator" / "manifest.json").stat().st_mtime_ns
    evaluator_run.run(settle(words), shapes, workspace)
    assert (workspace / "evaluator" / "manifest.json").stat().st_mtime_ns == before
    with pytest.raises(TrainingError, match="other settings"):
        evaluator_run.run(settle(words, warped=0.1), shapes, workspace)


def test_pictures_of_another_size_are_refused(shapes, words, tmp_path) -> None:
    with pytest.raises(DataError, match="32 px"):
        evaluator_run.run(settle(words, image_size=64), shapes, tmp_path)


def test_a_data_set_that_is_smaller_than_a_batch_is_refused_before_anything_is_made(shapes, words, tmp_path) -> None:
    loop = settle(words).loop.model_copy(update={"batch_size": 97})
    with pytest.raises(DataError, match="fewer than one batch of 97"):
        evaluator_run.run(settle(words, loop=loop), shapes, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_narrow_text_table_is_refused(words) -> None:
    with pytest.raises(InputError, match="text_width = 64"):
        choose_words(str(words), ["red disc"], rows=4, width=64)


def test_the_words_that_captions_need_are_kept(words) -> None:
    chosen = choose_words(str(words), ["red disc"], rows=4, width=8)
    whole = choose_words(str(words), [], rows=10_000, width=8)
    assert len(chosen.table) < len(whole.table) and chosen.table.shape[1] == 8
    for word in ("red", "disc", "a"):
        row = chosen.tokenizer.encode(word).ids
        assert torch.equal(chosen.table[row], whole.table[whole.tokenizer.encode(word).ids])
    assert chosen.tokenizer.encode("stripes").unknown == 1


def test_folds_share_no_concept_and_cover_all(shapes, words) -> None:
    pictures = load_pictures(shapes, ("train",))
    left_out = [
        {s.cluster for s in pictures.samples if in_fold(s, settle(words, folds=3, fold=fold))} for fold in range(3)
    ]
    assert set.union(*left_out) == {s.cluster for s in pictures.samples}
    assert sum(map(len, left_out)) == len(set.union(*left_out)) and all(left_out)
    train, tuning = split_pictures(pictures, settle(words, folds=3, fold=1))
    assert not {s.cluster for s in [*train.samples, *tuning.samples]} & left_out[1]


def test_tuning_pictures_leave_with_all_of_their_hand(shapes, words) -> None:
    pictures = load_pictures(shapes, ("train",))
    train, tuning = split_pictures(pictures, settle(words))
    assert len(train) + len(tuning) == len(pictures) and len(tuning) > 0
    key = lambda samples: {(s.id, s.family) for s in samples}  # noqa: E731
    assert not key(train.samples) & key(tuning.samples)


def test_a_class_that_a_head_lacks_is_no_label(shapes) -> None:
    samples = load_pictures(shapes, ("train",)).samples
    labels = Labels.of(samples, {"style": ("flat",), "color": ("red", "green")})
    assert {int(value) for value in labels.heads["style"]} == {-1, 0}
    assert {int(value) for value in labels.heads["color"]} == {-1, 0, 1}
    assert not labels.colorless.any()
    assert says_nothing_of_color("smiling cat") and not says_nothing_of_color("hand with dark skin tone")


def test_contrast_is_zero_for_perfect_pairs_and_takes_equal_captions_as_equals() -> None:
    unit = torch.eye(4)
    sharp = torch.tensor(4.6)
    assert float(contrast(unit, unit, torch.eye(4) > 0, sharp)) < 1e-6
    twice = unit[[0, 0, 1, 2]]
    same = (twice @ twice.T) > 0
    assert float(contrast(twice, twice, same, sharp)) == pytest.approx(0.25 * 2 * 0.6931, abs=1e-3)
    assert float(contrast(unit, unit.flip(0), torch.eye(4) > 0, sharp)) > 50


def test_captions_are_asked_for_with_and_without_article_and_noun() -> None:
    assert ask("owl", [0.9, 0.9, 0.0]) == "owl"
    assert ask("owl", [0.1, 0.9, 0.0]) == "an owl"
    assert ask("owl", [0.1, 0.05, 0.0]) == "sticker of an owl"


def test_a_step_depends_on_its_generator_alone(shapes, words) -> None:
    recipe = settle(words)
    train, tuning = split_pictures(load_pictures(shapes, ("train",)), recipe)
    table = choose_words(recipe.text_model, ["red disc"], rows=99, width=16)
    trainee = EvaluatorTrainee(recipe, train, {"tuning": tuning}, table)
    losses = [float(trainee.loss(0, step_generator(0, step))[0].detach()) for step in (3, 3, 4)]
    assert losses[0] == losses[1] != losses[2]


def test_decorrelated_features_say_the_same_and_vary_alike(workspace, shapes) -> None:
    evaluator = load_evaluator(workspace / "evaluator")
    pictures = load_pictures(shapes, ("train",))
    rgb = rgb_of(evaluator, pictures)
    generator = torch.Generator().manual_seed(0)
    evaluator.image.out.weight.copy_(evaluator.image.out.weight * torch.rand(16, 1, generator=generator) * 3.0)
    mean = evaluator.image.standardize.running_mean
    assert mean is not None
    mean.add_(0.3)
    before = features_of(evaluator, rgb)
    logits, places = logits_of(evaluator, before), evaluator.embed_features(before)
    decorrelate(evaluator, pictures, ridge=1e-9)
    after = features_of(evaluator, rgb)
    assert torch.allclose(torch.cov(after.T), torch.eye(16), atol=0.02)
    assert torch.allclose(evaluator.embed_features(after), places, atol=1e-3)
    for head, values in logits_of(evaluator, after).items():
        assert torch.allclose(values, logits[head], atol=1e-2, rtol=1e-3)


def test_settled_norms_are_those_of_the_views(shapes, words) -> None:
    recipe = settle(words)
    train, _ = split_pictures(load_pictures(shapes, ("train",)), recipe)
    trainee = EvaluatorTrainee(recipe, train, {}, choose_words(recipe.text_model, ["red disc"], rows=99, width=16))
    settle_norms(trainee, batches=30)
    assert not trainee.evaluator.training
    with torch.no_grad():
        views = [trainee.example(step_generator(0, number, "norms")) for number in range(30)]
        features = torch.cat([trainee.evaluator.encode_images(view) for view in views])
    assert float(features.mean(dim=0).abs().max()) < 0.3
    assert float((features.std(dim=0) - 1.0).abs().max()) < 0.3
