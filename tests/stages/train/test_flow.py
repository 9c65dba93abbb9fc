from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from underpaint.core.artifact import read_manifest, verify
from underpaint.core.errors import DataError, TrainingError
from underpaint.learning.config import LoopConfig
from underpaint.learning.loop import step_generator
from underpaint.models.component import load_component
from underpaint.models.flow_transformer import FlowTransformer, FlowTransformerConfig
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.stages.train import few_step, flow
from underpaint.stages.train.few_step import FewStepTrainee
from underpaint.stages.train.flow import FlowTrainee
from underpaint.stages.train.flow_config import FewStepTraining, FlowTraining
from underpaint.stages.train.latents import load_latents


def loop(steps: int = 12, **changes: object) -> LoopConfig:
    values = {"steps": steps, "batch_size": 8, "lr": 3e-3, "warmup": 5, "average_decay": 0.9, "precision": "f32"}
    values |= {"validate_every": 6, "save_every": 5, "sample_every": steps}
    return LoopConfig.model_validate(values | changes)


def settings(steps: int = 12, **changes: object) -> FlowTraining:
    values = {"loop": loop(steps), "width": 32, "depth": 2, "heads": 2, "text_depth": 1}
    return FlowTraining.model_validate(values | changes)


@pytest.fixture
def trainee(encoded: Path, trained_tokenizer: Path, words: Path) -> FlowTrainee:
    train, held_out = load_latents(encoded)
    return FlowTrainee(settings(), train, held_out["validation"], trained_tokenizer, words)


@pytest.fixture(scope="module")
def trained(encoded: Path, trained_tokenizer: Path, words: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flow")
    flow.run(settings(60), encoded, trained_tokenizer, words, folder / "flow", work=folder / "work")
    return folder / "flow"


def test_training_lowers_the_held_out_error(trained: Path, trainee: FlowTrainee):
    before = trainee.validate()["velocity"]
    after = read_manifest(trained).figures["validation"]["velocity"]
    assert after < 0.8 * before


def test_the_artifact_says_what_it_took_and_opens_again(trained: Path):
    manifest = verify(trained, kind="flow")
    assert set(manifest.parents) == {"latents", "tokenizer", "text-table"}
    assert manifest.figures["seen_images"] == 480
    assert set(manifest.figures["parameters"]) == {"text_encoder", "transformer"}
    network = load_component(trained / "flow_transformer", FlowTransformer, FlowTransformerConfig)
    assert manifest.figures["parameters"]["transformer"] == sum(p.numel() for p in network.parameters())


def test_a_step_depends_on_nothing_but_its_generator(trainee: FlowTrainee):
    trainee.module.train()
    first, second = (trainee.loss(0, step_generator(0, 3))[0] for _ in range(2))
    other, _ = trainee.loss(0, step_generator(0, 4))
    assert torch.equal(first, second) and not torch.equal(first, other)


def test_checkpointing_changes_no_step_of_training(encoded, trained_tokenizer, words):
    train, held_out = load_latents(encoded)
    gradients = []
    for checkpointing in (False, True):
        config = settings(gradient_checkpointing=checkpointing, drop_path=0.5)
        made = FlowTrainee(config, train, held_out["validation"], trained_tokenizer, words)
        made.module.train()
        torch.nn.init.normal_(made.module.transformer.out.weight, generator=torch.Generator().manual_seed(0))
        made.loss(0, step_generator(0, 0))[0].backward()
        gradients.append([p.grad for p in made.module.parameters() if p.grad is not None])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_the_text_table_is_not_trained(trained: Path, words: Path):
    encoder = load_component(trained / "text_encoder", TextEncoder, TextEncoderConfig)
    fresh = flow.make_text_encoder(words, 1)
    assert torch.equal(encoder.table, fresh.table) and torch.equal(encoder.weight, fresh.weight)


def test_latents_of_another_tokenizer_are_refused(shapes, trained_tokenizer, words, encoded, tmp_path):
    from underpaint.core.artifact import seal, staging
    from underpaint.stages.train.start import Start

    with staging(tmp_path / "other") as folder:
        (folder / "file").write_text("another one")
        seal(folder, kind="tokenizer", stage="train", config=Start(model="m", part="tokenizer"), parents={})
    with pytest.raises(DataError, match="another tokenizer"):
        flow.run(settings(), encoded, tmp_path / "other", words, tmp_path / "flow", work=tmp_path / "work")


def test_a_donor_of_another_size_is_refused(encoded, trained_tokenizer, words, tiny_model, tmp_path):
    with pytest.raises(TrainingError, match="cannot start this training"):
        flow.run(
            settings(), encoded, trained_tokenizer, words, tmp_path / "flow", work=tmp_path / "w", initial=tiny_model
        )


def student(trained: Path, encoded: Path, trained_tokenizer: Path, words: Path, **changes: object) -> FewStepTrainee:
    train, held_out = load_latents(encoded)
    config = FewStepTraining.model_validate({"loop": loop(), "guidance": 1.0, "finest": 4} | changes)
    return FewStepTrainee(config, trained, train, held_out["validation"], trained_tokenizer, words)


def test_a_student_starts_as_its_teacher(trained, encoded, trained_tokenizer, words):
    made = student(trained, encoded, trained_tokenizer, words)
    teacher = made.teacher.network.state_dict()
    own = made.module.transformer.state_dict()
    assert all(torch.equal(own[name], value) for name, value in teacher.items())
    assert not any(p.requires_grad for p in made.module.text_encoder.parameters())


def test_a_student_of_an_unguided_teacher_has_nothing_to_learn_where_the_teacher_goes_straight(
    trained, encoded, trained_tokenizer, words, monkeypatch
):
    made = student(trained, encoded, trained_tokenizer, words, guidance=0.0)
    monkeypatch.setattr(made.teacher.network, "forward", lambda x, *a, **k: x.new_full(x.shape, 0.5))
    monkeypatch.setattr(made.module.transformer, "forward", lambda x, *a, **k: x.new_full(x.shape, 0.5))
    loss, figures = made.loss(0, step_generator(0, 0))
    assert float(loss) < 1e-9 and figures["own"] < 1e-9


def test_half_of_each_batch_learns_from_the_teacher(trained, encoded, trained_tokenizer, words):
    made = student(trained, encoded, trained_tokenizer, words, teacher_share=0.25)
    z = made.train.values[:8, 0].to(torch.float32)
    asked = flow.plain_conditions(made.train.samples[:8], z.device)
    taught, own = made.errors(z, asked, step_generator(0, 0))
    assert (len(taught), len(own)) == (2, 6)


def test_step_lengths_are_those_of_the_levels(trained, encoded, trained_tokenizer, words):
    made = student(trained, encoded, trained_tokenizer, words)
    generator = step_generator(0, 0)
    lengths: dict[bool, set[float]] = {True: set(), False: set()}
    for taught in (True, False):
        for _ in range(40):
            start, middle, end = made._times(taught, generator, torch.device("cpu"))
            lengths[taught].add(float(end - start))
            assert float(middle - start) == float(end - middle)
    assert lengths == {True: {0.25}, False: {0.5, 1.0}}


def test_distilling_writes_a_flow_that_knows_its_step_lengths(trained, encoded, trained_tokenizer, words, tmp_path):
    config = FewStepTraining(loop=loop(), guidance=1.0, finest=4)
    manifest = few_step.run(
        config, trained, encoded, trained_tokenizer, words, tmp_path / "few", work=tmp_path / "work"
    )
    assert manifest.parents["teacher"] == read_manifest(trained).digest
    network = json.loads((tmp_path / "few" / "flow_transformer" / "config.json").read_text())
    assert network["step_length"] is True
    log = [json.loads(line) for line in (tmp_path / "work" / "log.jsonl").read_text().splitlines()]
    held_out = [entry["held_out_taught"] for entry in log if "held_out_taught" in entry]
    assert held_out[-1] < held_out[0]


@pytest.mark.parametrize("finest", [0, 3, 6])
def test_a_number_of_steps_that_cannot_be_halved_is_refused(finest):
    with pytest.raises(ValueError, match="finest"):
        FewStepTraining(loop=loop(), finest=finest)
