from __future__ import annotations

from pathlib import Path

import pytest
import torch

from underpaint.core.errors import TrainingError
from underpaint.learning.seeding import initialized_by
from underpaint.models.component import load_component
from underpaint.models.flow_transformer import FlowTransformer, FlowTransformerConfig
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.models.transformer import ScaleTransformer, TransformerConfig
from underpaint.stages.train.growth import grow_flow


def fresh(tiny_model: Path, **changes: object) -> tuple[TextEncoder, FlowTransformer]:
    values = {"side": 4, "width": 32, "depth": 3, "heads": 2, "num_styles": 2, "text_width": 32} | changes
    donor = load_component(tiny_model / "text_encoder", TextEncoder, TextEncoderConfig)
    with initialized_by(3):
        encoder, network = TextEncoder(donor.config), FlowTransformer(FlowTransformerConfig.model_validate(values))
    encoder.table.copy_(donor.table)
    encoder.weight.copy_(donor.weight)
    return encoder, network


@torch.no_grad()
def test_text_and_trunk_come_from_the_donor_and_further_blocks_are_the_identity(tiny_model: Path):
    encoder, network = fresh(tiny_model)
    grow_flow(encoder, network, tiny_model)
    donor = load_component(tiny_model / "transformer", ScaleTransformer, TransformerConfig)
    words = load_component(tiny_model / "text_encoder", TextEncoder, TextEncoderConfig)
    assert all(torch.equal(v, words.state_dict()[k]) for k, v in encoder.state_dict().items())
    own = network.state_dict()
    assert all(torch.equal(own[k], v) for k, v in donor.state_dict().items() if k.startswith("blocks."))
    assert torch.equal(own["read.bias"], donor.read.bias + donor.scale_embedding[-1])
    x = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(network.blocks[2](x, torch.zeros(2, 6, 32))[0], x)


@pytest.mark.parametrize("change", [{"width": 64}, {"depth": 1}, {"num_styles": 3}], ids=["width", "depth", "styles"])
def test_a_donor_of_other_sizes_is_refused(tiny_model: Path, change):
    encoder, network = fresh(tiny_model, **change)
    with pytest.raises(TrainingError, match="cannot start this training"):
        grow_flow(encoder, network, tiny_model)


def test_a_donor_above_another_text_table_is_refused(tiny_model: Path):
    encoder, network = fresh(tiny_model)
    encoder.table.add_(1.0)
    with pytest.raises(TrainingError, match="another text table"):
        grow_flow(encoder, network, tiny_model)


def test_a_refused_donor_changes_nothing(tiny_model: Path):
    encoder, network = fresh(tiny_model, num_styles=3)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(TrainingError):
        grow_flow(encoder, network, tiny_model)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
