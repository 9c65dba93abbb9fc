from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from underpaint.core.errors import ArtifactError, TrainingError
from underpaint.models.component import load_component, save_component
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.saved import load_pipeline
from underpaint.runtime.weights import read_weights, write_weights
from underpaint.stages.train import initial
from underpaint.stages.train.initial import SavedFiles, identity_of, start_from
from underpaint.stages.train.networks import HybridGenerator, build_networks
from underpaint.stages.train.other_scales import saved_schedule, start_generator


@pytest.fixture
def quantizer(trained_tokenizer: Path) -> MultiScaleQuantizer:
    return load_component(trained_tokenizer / "quantizer", MultiScaleQuantizer, QuantizerConfig)


@pytest.fixture
def build(quantizer: MultiScaleQuantizer, words: Path, generator_settings):
    table = read_weights(words / "model.safetensors")

    def make(seed: int = 1, **changes: object) -> HybridGenerator:
        return build_networks(generator_settings(seed=seed, **changes), quantizer, table)

    return make


@pytest.fixture
def saved(build, quantizer: MultiScaleQuantizer, tmp_path: Path) -> Path:
    """The folder of saved networks with no weight at zero."""
    networks, folder = build(seed=7), tmp_path / "pipeline"
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in networks.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    for name, network in networks.named_children():
        save_component(network, network.config, folder / name, torch.float16)
    save_component(quantizer, quantizer.config, folder / "quantizer")
    return folder


@torch.no_grad()
def logits_of(networks: HybridGenerator) -> torch.Tensor:
    text = networks.eval().text_encoder(torch.tensor([[2, 3, 5]]), torch.ones(1, 3, dtype=torch.bool))
    condition = networks.transformer.condition(text, torch.tensor([1]))
    generator = torch.Generator().manual_seed(3)
    seen = [torch.randn(1, size, 8, generator=generator) for size in (4, 16)]
    return networks.transformer(condition, seen, tokens=torch.randn(1, 5, 8, generator=generator))[0]


def test_equal_networks_take_every_weight(saved, build, quantizer):
    networks = build()
    start_from(SavedFiles(saved), networks, quantizer)
    for name, network in networks.named_children():
        there = read_weights(saved / name / "model.safetensors")
        assert all(torch.equal(value, there[key].to(value.dtype)) for key, value in network.state_dict().items())


def test_more_blocks_and_early_scales_change_nothing_at_first(saved, build, quantizer):
    same, grown = build(), build(depth=4, text_depth=2, residual_depth=3, early_scales=2)
    fresh = logits_of(grown)
    start_from(SavedFiles(saved), same, quantizer)
    start_from(SavedFiles(saved), grown, quantizer)
    torch.testing.assert_close(logits_of(grown), logits_of(same), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(fresh, logits_of(grown), atol=1e-2)


def test_without_a_refiner_the_refiner_stays_fresh(saved, build, quantizer):
    networks, fresh = build(), build()
    shutil.rmtree(saved / "residual")
    start_from(SavedFiles(saved), networks, quantizer)
    assert all(map(torch.equal, networks.residual.parameters(), fresh.residual.parameters()))
    assert not torch.equal(networks.transformer.head.weight, fresh.transformer.head.weight)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 48}, "transformer.*is .* there and .* here"),
        ({"depth": 1}, r"blocks\.1\..* there and nothing here"),
        ({"residual_width": 24}, "residual.*there and"),
        ({"residual_kind": "mlp"}, r"blocks\.0\.mix.* there and nothing here"),
    ],
)
def test_networks_that_do_not_fit_are_refused(saved, build, quantizer, changes, message):
    with pytest.raises(TrainingError, match=message):
        start_from(SavedFiles(saved), build(**changes), quantizer)


def test_a_missing_weight_of_a_part_that_is_there_is_refused(saved, build, quantizer):
    file = saved / "transformer" / "model.safetensors"
    tensors = read_weights(file)
    del tensors["blocks.1.norm1.weight"]
    write_weights(file, tensors)
    with pytest.raises(TrainingError, match=r"blocks\.1\.norm1\.weight is not there"):
        start_from(SavedFiles(saved), build(), quantizer)


@pytest.mark.parametrize(("part", "name", "what"), [("text_encoder", "table", "text table"),
                                                    ("quantizer", "codes.codebook", "tokenizer")])  # fmt: skip
def test_words_and_tokens_must_mean_the_same(saved, build, quantizer, part, name, what):
    file = saved / part / "model.safetensors"
    tensors = read_weights(file)
    tensors[name] = tensors[name] + 1
    write_weights(file, tensors)
    with pytest.raises(TrainingError, match=f"another {what}"):
        start_from(SavedFiles(saved), build(), quantizer)


def test_a_folder_has_an_identity_of_its_files(saved, tmp_path):
    before = identity_of(saved)
    copy = shutil.copytree(saved, tmp_path / "copy")
    assert identity_of(copy) == before
    config = copy / "transformer" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"drop_path": 0.5}))
    assert identity_of(copy) != before
    with pytest.raises(ArtifactError, match="holds no saved networks"):
        identity_of(tmp_path / "nothing")


def test_a_pipelines_identity_is_that_of_its_manifest(tiny_model):
    manifest = json.loads((tiny_model / "manifest.json").read_text())
    assert identity_of(tiny_model) == manifest["digest"]


def test_a_pipeline_that_shares_components_gives_its_weights_as_a_whole_one(sharing_model, doubled_model, monkeypatch):
    saved = load_pipeline(open_model(doubled_model), torch.device("cpu"))
    assert isinstance(saved, HybridPipeline) and saved.residual is not None
    networks = HybridGenerator(saved.text_encoder, saved.transformer.config, saved.residual.config)
    opened = list[Path]()
    monkeypatch.setattr(initial, "open_model", lambda folder: opened.append(folder) or open_model(folder))
    start_generator(sharing_model, networks, saved.quantizer)
    assert opened == [sharing_model]
    for name in ("transformer", "residual"):
        state = getattr(networks, name).state_dict()
        assert all(torch.equal(state[key], value) for key, value in saved.modules[name].state_dict().items())
    assert saved_schedule(sharing_model) == saved_schedule(doubled_model) == saved.quantizer.config.schedule
    assert SavedFiles(sharing_model).of("autoencoder").is_relative_to(sharing_model)
    assert identity_of(sharing_model) == open_model(sharing_model).digest


def test_a_part_that_a_sharing_pipeline_does_without_is_not_taken_from_elsewhere(sharing_model):
    assert SavedFiles(sharing_model).of("flow_transformer") == sharing_model / "flow_transformer" / "model.safetensors"


def test_a_damaged_weight_of_the_other_model_is_noticed_before_training(sharing_model):
    weights = sharing_model.parent / "stickers-64" / "transformer" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(ArtifactError, match=r"stickers-64/transformer/model.safetensors differs from its manifest"):
        identity_of(sharing_model)
