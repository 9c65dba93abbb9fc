from __future__ import annotations

from pathlib import Path

import pytest
import torch

from underpaint.core.errors import TrainingError
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component, read_component_config
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.models.text_encoder import TextStates
from underpaint.models.transformer import ScaleTransformer, TransformerConfig
from underpaint.runtime.weights import read_weights
from underpaint.stages.train.other_scales import (
    continue_tokenizer,
    continues,
    leaves_out,
    saved_schedule,
    with_scales,
)


def test_only_more_scales_after_the_same_ones_go_on():
    assert continues((1, 2, 4, 8), (1, 2, 4))
    assert not continues((1, 2, 4), (1, 2, 4))
    assert not continues((1, 2, 3, 8), (1, 2, 4))


def test_fewer_scales_are_some_of_the_saved_ones_with_the_finest():
    assert leaves_out((1, 2, 8), (1, 2, 4, 8)) and leaves_out((8,), (1, 8))
    assert not leaves_out((1, 2, 4), (1, 2, 4)), "the same are not fewer"
    assert not leaves_out((1, 2), (1, 2, 4)) and not leaves_out((1, 3, 4), (1, 2, 4))


def test_each_scale_keeps_its_row_where_fewer_are_drawn():
    weights = {"scale_embedding": torch.arange(4.0)[:, None], "head": torch.ones(2)}
    fewer = with_scales(weights, (2, 8), (1, 2, 4, 8))
    assert fewer["scale_embedding"].tolist() == [[1.0], [3.0]] and fewer["head"] is weights["head"]


def transformers(tiny_model: Path) -> tuple[ScaleTransformer, ScaleTransformer]:
    """Return a saved transformer and one grown from it by a scale of twice the side."""
    saved = load_component(tiny_model / "transformer", ScaleTransformer, TransformerConfig).eval()
    last = saved.config.schedule[-1]
    changes = {"schedule": (*saved.config.schedule, 2 * last), "plane": saved.config.plane or last}
    grown = ScaleTransformer(saved.config.model_copy(update=changes)).eval()
    weights = read_weights(tiny_model / "transformer" / "model.safetensors")
    grown.load_state_dict(with_scales(weights, grown.config.schedule, saved.config.schedule))
    return saved, grown


@torch.no_grad()
def test_a_grown_transformer_draws_the_first_scales_as_before(tiny_model: Path):
    saved, grown = transformers(tiny_model)
    generator = torch.Generator().manual_seed(0)
    channels, width = saved.config.latent_channels, saved.config.text_width
    seen = [torch.randn(2, side * side, channels, generator=generator) for side in grown.config.schedule[1:]]
    tokens = torch.randn(2, 3, width, generator=generator)
    text = TextStates(tokens=tokens, mask=torch.ones(2, 3, dtype=torch.bool), pooled=tokens.mean(dim=1))
    style = torch.zeros(2, dtype=torch.int64)
    before, _ = saved(saved.condition(text, style), seen[:-1])
    after, _ = grown(grown.condition(text, style), seen)
    torch.testing.assert_close(after[:, : before.shape[1]], before, rtol=1e-4, atol=1e-5)


def test_a_further_scale_starts_as_the_last_one(tiny_model: Path):
    saved, grown = transformers(tiny_model)
    assert torch.equal(grown.scale_embedding[-1], saved.scale_embedding[-1])
    assert torch.equal(grown.scale_embedding[:-1], saved.scale_embedding)


def fresh(tiny_model: Path, schedule: tuple[int, ...]) -> tuple[Autoencoder, MultiScaleQuantizer]:
    pictures = read_component_config(tiny_model / "autoencoder", AutoencoderConfig, "Autoencoder")
    codes = read_component_config(tiny_model / "quantizer", QuantizerConfig, "MultiScaleQuantizer")
    return Autoencoder(pictures), MultiScaleQuantizer(codes.model_copy(update={"schedule": schedule}))


def test_a_tokenizer_grows_with_its_codes_and_its_autoencoder(tiny_model: Path):
    saved = saved_schedule(tiny_model)
    assert saved is not None
    autoencoder, quantizer = fresh(tiny_model, (*saved, 2 * saved[-1]))
    continue_tokenizer(tiny_model, autoencoder, quantizer)
    for name, network in (("autoencoder", autoencoder), ("quantizer", quantizer)):
        weights = read_weights(tiny_model / name / "model.safetensors")
        state = network.state_dict()
        assert weights.keys() <= state.keys()
        assert all(torch.equal(state[key], value.to(state[key].dtype)) for key, value in weights.items())


def test_a_tokenizer_for_some_of_the_scales_has_the_same_codes(tiny_model: Path):
    saved = saved_schedule(tiny_model)
    assert saved is not None
    autoencoder, quantizer = fresh(tiny_model, saved[1:])
    continue_tokenizer(tiny_model, autoencoder, quantizer)
    weights = read_weights(tiny_model / "quantizer" / "model.safetensors")
    assert torch.equal(quantizer.state_dict()["codes.codebook"], weights["codes.codebook"])


def test_a_tokenizer_with_other_first_scales_does_not_go_on(tiny_model: Path):
    saved = saved_schedule(tiny_model)
    assert saved is not None
    with pytest.raises(TrainingError, match="are not the first of"):
        continue_tokenizer(tiny_model, *fresh(tiny_model, (3, 2 * saved[-1])))


def test_positions_without_a_plane_are_those_of_the_finest_scale():
    plain = TransformerConfig(schedule=(1, 2, 4), n_logits=8, width=32, depth=1, heads=2)
    told = plain.model_copy(update={"plane": 4})
    assert torch.equal(ScaleTransformer(plain).turns, ScaleTransformer(told).turns)
    assert plain.model_dump() == {k: v for k, v in told.model_dump().items() if k != "plane"}
