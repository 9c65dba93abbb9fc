from __future__ import annotations

import pytest
import torch
from torch import nn

from underpaint.models.float8_linear import FORMAT, MOST, Float8Linear, rounded
from underpaint.models.offloaded import Offloaded


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(2, 5, 48, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def linear() -> nn.Linear:
    layer = nn.Linear(48, 32)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    return layer


def test_the_format_is_what_it_is_said_to_be() -> None:
    assert torch.finfo(FORMAT).max == MOST


def test_rounding_keeps_the_largest_number_and_is_relative(x: torch.Tensor) -> None:
    rows, scale = rounded(x[0])
    restored = rows.to(torch.float32) * scale
    torch.testing.assert_close(restored.abs().amax(1), x[0].abs().amax(1))
    normal = x[0].abs() > scale * 2**-6
    assert ((restored - x[0]).abs() <= x[0].abs() * 2**-4)[normal].all()


@torch.no_grad()
def test_products_are_near_and_rows_apart(linear: nn.Linear, x: torch.Tensor) -> None:
    layer = Float8Linear(linear)
    assert float((layer(x) - linear(x)).norm() / linear(x).norm()) < 0.06
    torch.testing.assert_close(layer(torch.cat([x, 1000 * x]))[:2], layer(x))
    assert layer.weight.dtype == torch.uint8 and layer.weight.nbytes * 4 == linear.weight.nbytes


@torch.no_grad()
def test_an_offloaded_network_computes_what_it_did_and_looks_like_itself(linear: nn.Linear, x: torch.Tensor) -> None:
    network = Offloaded(nn.Sequential(linear, nn.SiLU(), nn.BatchNorm1d(5).eval()))
    assert torch.equal(network(x), network.network(x))
    inner = network.network.get_submodule("0")
    assert inner is not linear and inner.get_parameter("weight") is linear.weight
    assert network.insert == network.network.insert and network.device == torch.device("cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@torch.no_grad()
def test_on_a_gpu_both_are_what_they_are_here(linear: nn.Linear, x: torch.Tensor) -> None:
    here = Float8Linear(linear)(x)
    there = Float8Linear(linear.cuda())(x.cuda())
    torch.testing.assert_close(there.cpu(), here, rtol=2e-2, atol=2e-1)
    home = Offloaded(linear)
    assert home.network.weight.device.type == "cpu" and home(x.cuda()).device.type == "cuda"
