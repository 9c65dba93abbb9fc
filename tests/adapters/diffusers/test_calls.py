"""Calls of networks, taken apart and put together again."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from underpaint.adapters.diffusers.calls import Call, answered, bind, entry_of
from underpaint.core.errors import InputError


class Network(nn.Module):
    """Takes tensors in every way in which pipelines hand them over."""

    def forward(self, x: Tensor, t: Tensor, conditions: Any = None, return_dict: bool = True, **rest: Any) -> Any:
        total = x.sum() + t + sum(value.sum() for value in (conditions or {}).values() if value is not None)
        total = total + sum(extra.sum() for extra in rest.get("extras", ()))
        return {"total": total, "cache": object(), "states": (x, x + 1)} if return_dict else (total,)


def call_of(*args: Any, **kwargs: Any) -> Call:
    return bind(Network(), "forward", args, kwargs)


ONES = torch.ones(2, 3)


def test_tensors_and_constants_have_paths_whichever_way_they_are_given():
    given = call_of(ONES, torch.tensor(5.0), conditions={"text": ONES, "sizes": None}, return_dict=False, mode="fast")
    assert list(given.tensors) == ["x", "t", "conditions.text"]
    assert given.constants == {"return_dict": False, "mode": "fast"}
    named = call_of(
        t=torch.tensor(5.0), x=ONES, conditions={"text": ONES, "sizes": None}, return_dict=False, mode="fast"
    )
    assert (list(named.tensors), named.constants) == (list(given.tensors), given.constants)


def test_a_call_with_its_own_tensors_is_the_same_call():
    given = call_of(ONES, torch.tensor(5.0), {"text": ONES, "sizes": None}, False, extras=[ONES, 2 * ONES])
    again = given.with_tensors(given.tensors)
    assert torch.equal(Network()(*again.args, **again.kwargs)[0], Network()(*given.bound.args, **given.bound.kwargs)[0])
    assert again.arguments["conditions"]["sizes"] is None


def test_other_tensors_take_the_places_of_the_old_ones():
    given = call_of(ONES, torch.tensor(5.0), {"text": ONES}, return_dict=False, extras=[ONES])
    others = {path: torch.zeros_like(tensor) for path, tensor in given.tensors.items()}
    bound = given.with_tensors({**others, "extras.0": 7 * ONES})
    assert Network()(*bound.args, **bound.kwargs)[0].item() == 42.0
    assert given.tensors["x"].sum() == 6.0


def test_a_generator_says_nothing_and_what_cannot_be_written_down_is_refused():
    assert call_of(ONES, ONES, generator=torch.Generator(), generators=[torch.Generator()]).constants == {}
    with pytest.raises(InputError, match=r"called with kind = .*, which no graph can hold"):
        _ = call_of(ONES, ONES, kind=torch.float16).constants


def test_answers_have_paths_too_and_caches_are_left_out():
    network = Network()
    assert list(answered(network(ONES, ONES))) == ["out.total", "out.states.0", "out.states.1"]
    assert list(answered(network(ONES, ONES, return_dict=False))) == ["out.0"]
    assert list(answered(ONES)) == ["out"]


def test_an_autoencoder_is_called_by_another_method():
    assert (entry_of("vae"), entry_of("unet"), entry_of("text_encoder_2")) == ("decode", "forward", "forward")
