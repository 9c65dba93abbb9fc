"""What stands in for a network looks like it to a pipeline."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from underpaint.adapters.diffusers.calls import Call, answered
from underpaint.adapters.diffusers.recording import recording
from underpaint.adapters.diffusers.stand_in import Answer, StandIn, put_together


class Network(nn.Module):
    """Doubles; has settings and parts that a pipeline looks up."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(5, 2)
        self.config = {"sample_size": 8}

    def forward(self, x: Tensor, scale: float = 2.0) -> tuple[Tensor]:
        return (x * scale,)

    def decode(self, z: Tensor, return_dict: bool = True) -> tuple[Tensor] | Tensor:
        return z + 1 if return_dict else (z + 1,)


def stand_in(entry: str = "forward") -> StandIn:
    real = Network()

    def run(call: Call) -> dict[str, Tensor]:
        return answered(getattr(real, entry)(*call.bound.args, **call.bound.kwargs))

    with torch.device("meta"):
        return StandIn(Network(), entry, run)


X = torch.arange(3.0)


def test_it_answers_as_the_network_would():
    assert torch.equal(stand_in()(X, scale=3.0)[0], 3 * X)
    assert torch.equal(stand_in("decode").decode(X), X + 1)
    assert torch.equal(stand_in("decode").decode(X, return_dict=False)[0], X + 1)


def test_it_says_that_it_is_what_it_stands_for_and_holds_no_weights():
    made = stand_in()
    assert isinstance(made, Network) and isinstance(made, nn.Module) and issubclass(made.__class__, Network)
    assert made.inner.in_features == 5 and made.config == {"sample_size": 8}
    assert (made.dtype, made.device.type) == (torch.float32, "cpu")
    assert made.inner.weight.is_meta and sum(parameter.numel() for parameter in made.parameters()) == 0
    with pytest.raises(AttributeError, match="nonsense"):
        _ = made.nonsense


def test_drawing_can_be_watched():
    made, seen = stand_in("decode"), []
    made.decoder.register_forward_pre_hook(lambda *_: seen.append(1))
    made.decode(X)
    assert seen == [1]


def test_an_answer_is_read_by_name_by_attribute_and_by_number():
    answer = put_together({"out.last": X, "out.states.0": X + 1, "out.states.1": X + 2})
    assert answer.last is answer["last"] is answer[0]
    assert torch.equal(answer.states[-1], X + 2) and torch.equal(answer[-1][0], X + 1)
    assert list(answer) == ["last", "states"] and len(answer) == 2 and "last" in answer
    with pytest.raises(AttributeError, match="pooled"):
        _ = answer.pooled


def test_an_answer_without_names_is_a_tuple_or_a_tensor():
    assert isinstance(put_together({"out.0": X, "out.1": X}), tuple)
    assert put_together({"out": X}) is X
    assert not isinstance(put_together({"out.0": X}), Answer)


def test_listening_notes_calls_and_answers_and_leaves_no_trace():
    network = Network()
    with recording({"unet": network, "vae": network}) as calls:
        network(X, 4.0)
        network.decode(z=X)
    network(X)
    assert [call.constants for call in calls["unet"]] == [{"scale": 4.0}]
    assert [call.answers for call in calls["vae"]] == [("out",)]
    assert not {"forward", "decode"} & vars(network).keys()
