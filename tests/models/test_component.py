from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from underpaint.core.errors import ArtifactError, UnderpaintError
from underpaint.learning.seeding import initialized_by
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import CONFIG, WEIGHTS, load_component, save_component
from underpaint.models.quantizer import FULL_8, MultiScaleQuantizer, QuantizerConfig
from underpaint.models.residual import ResidualConfig, ResidualRefiner
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.models.transformer import ScaleTransformer, TransformerConfig

KINDS = [
    (Autoencoder, AutoencoderConfig(widths=(8, 16, 16), latent_channels=4)),
    (MultiScaleQuantizer, QuantizerConfig(schedule=(1, 2), codebook_size=16)),
    (MultiScaleQuantizer, QuantizerConfig(schedule=(1, 2), kind="bsq")),
    (TextEncoder, TextEncoderConfig(vocab_size=9, width=16, depth=1, heads=2)),
    (ScaleTransformer, TransformerConfig(schedule=(1, 2), n_logits=16, width=16, depth=1, heads=2, text_width=16)),
    (ResidualRefiner, ResidualConfig(width=8, depth=1, hidden_width=16)),
]
NANO: dict[str, Any] = {"schedule": FULL_8, "width": 192, "depth": 6, "heads": 3}
NAMES = ["autoencoder", "vq", "bsq", "text encoder", "transformer", "residual"]


def random_state(module: torch.nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in module.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.randn(value.shape, generator=generator))


@pytest.mark.parametrize(("kind", "config"), KINDS, ids=NAMES)
def test_a_network_comes_back_as_it_was(kind, config, tmp_path):
    module = kind.from_config(config)
    random_state(module)
    save_component(module, config, tmp_path / "deep" / "part")
    again = load_component(tmp_path / "deep" / "part", kind, type(config))
    assert again.config == config and not again.training
    before, after = module.state_dict(), again.state_dict()
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert torch.equal(value, after[name]) and value.dtype == after[name].dtype, name


def test_what_is_not_stored_is_there_again(tmp_path):
    """Resize matrices, rotary angles and neighbors follow from the settings and the weights."""
    config = QuantizerConfig(schedule=(1, 2, 4), codebook_size=16)
    module = MultiScaleQuantizer(config)
    random_state(module)
    save_component(module, config, tmp_path)
    again = load_component(tmp_path, MultiScaleQuantizer, QuantizerConfig)
    z = torch.randn(2, 16, 4, 4, generator=torch.Generator().manual_seed(1))
    for one, two in zip(module(z).labels, again(z).labels, strict=True):
        assert torch.equal(one, two)
    assert torch.equal(module.codes.neighbors, again.codes.neighbors)  # pyright: ignore


def test_half_precision_halves_weights_and_leaves_codebooks_and_statistics(tmp_path):
    config = QuantizerConfig(schedule=(1, 2), codebook_size=64)
    module = MultiScaleQuantizer(config)
    random_state(module)
    save_component(module, config, tmp_path, dtype=torch.float16)
    again = load_component(tmp_path, MultiScaleQuantizer, QuantizerConfig)
    assert torch.equal(again.codes.codebook, module.codes.codebook)  # pyright: ignore
    weight, restored = (network.state_dict()["phi.0.weight"] for network in (module, again))
    assert restored.dtype == torch.float32 and torch.equal(restored, weight.to(torch.float16).to(torch.float32))


def test_the_same_network_gives_the_same_bytes(tmp_path):
    kind, config = KINDS[4]
    for name in ("one", "two"):
        with initialized_by(0):
            save_component(kind.from_config(config), config, tmp_path / name)
    for file in (CONFIG, WEIGHTS):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    kind, config = KINDS[5]
    save_component(kind.from_config(config), config, tmp_path)
    return tmp_path


def load(folder: Path) -> ResidualRefiner:
    return load_component(folder, ResidualRefiner, ResidualConfig)


@pytest.mark.parametrize("file", [CONFIG, WEIGHTS])
@pytest.mark.parametrize("keep", [0, 5, 60, -1])
def test_a_cut_off_file_is_refused(saved, file, keep):
    data = (saved / file).read_bytes()
    (saved / file).write_bytes(data[: len(data) + keep - 1 if keep < 0 else keep])
    with pytest.raises(ArtifactError, match=file):
        load(saved)


@pytest.mark.parametrize("file", [CONFIG, WEIGHTS])
def test_a_missing_file_is_named(saved, file):
    (saved / file).unlink()
    with pytest.raises(ArtifactError, match=file):
        load(saved)


def edit(folder: Path, **changes: object) -> None:
    values = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(values | changes))


def test_the_settings_of_another_network_are_refused(saved):
    with pytest.raises(ArtifactError, match="does not describe a Autoencoder"):
        load_component(saved, Autoencoder, AutoencoderConfig)


@pytest.mark.parametrize("changes", [{"width": 16}, {"depth": 2}, {"kind": "mlp"}])
def test_weights_that_do_not_fit_the_settings_are_refused(saved, changes):
    edit(saved, **changes)
    with pytest.raises(ArtifactError, match=r"model\.safetensors"):
        load(saved)


@pytest.mark.parametrize("changes", [{"width": "wide"}, {"kind": "magic"}, {"surprise": 1}])
def test_impossible_settings_are_refused_with_the_name_of_the_file(saved, changes):
    edit(saved, **changes)
    with pytest.raises(UnderpaintError, match=r"config\.json"):
        load(saved)


@pytest.mark.parametrize("text", ["[]", "null", "3", '"x"', "\xff"])
def test_settings_that_are_no_object_are_refused(saved, text):
    (saved / CONFIG).write_bytes(text.encode("latin-1"))
    with pytest.raises(ArtifactError, match=r"config\.json"):
        load(saved)


def parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("module", "count"),
    [
        (lambda: Autoencoder(AutoencoderConfig()), 1_854_480),
        (lambda: MultiScaleQuantizer(QuantizerConfig(schedule=FULL_8)), 6_960),
        (lambda: TextEncoder(TextEncoderConfig(vocab_size=10)), 1_715_968),
        (lambda: ScaleTransformer(TransformerConfig(schedule=FULL_8, n_logits=16)), 7_124_496),
        (lambda: ScaleTransformer(TransformerConfig(schedule=FULL_8, n_logits=1024)), 7_383_552),
        (lambda: ResidualRefiner(ResidualConfig()), 786_256),
        (lambda: TextEncoder(TextEncoderConfig(vocab_size=10, depth=1)), 927_104),
        (lambda: ScaleTransformer(TransformerConfig(n_logits=1024, **NANO)), 3_357_568),
        (lambda: ScaleTransformer(TransformerConfig(n_logits=16, **NANO)), 3_163_024),
        (lambda: ResidualRefiner(ResidualConfig(width=128, depth=3, hidden_width=192)), 293_008),
    ],
    ids=[
        "autoencoder",
        "quantizer",
        "tiny: text encoder",
        "tiny: transformer for bsq",
        "tiny: transformer for vq",
        "tiny: residual",
        "nano: text encoder",
        "nano: transformer for vq",
        "nano: transformer for bsq",
        "nano: residual",
    ],
)
def test_the_sizes_of_the_tiers_are_frozen(module, count):
    assert sum(p.numel() for p in module().parameters()) == count
