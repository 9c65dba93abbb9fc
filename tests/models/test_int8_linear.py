from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from underpaint.models.int8_linear import Int8Linear
from underpaint.models.rounded_weights import StoredConv2d, StoredLinear, rounded_rows


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def linear_of(generator: torch.Generator, n: int = 48, m: int = 40, *, bias: bool = True) -> nn.Linear:
    layer = nn.Linear(n, m, bias=bias)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return layer


def by_hand(layer: Int8Linear, x: Tensor) -> Tensor:
    """The same product in 64-bit whole numbers."""
    step = x.abs().amax(-1, keepdim=True) / 127
    whole = (x / step).round().to(torch.int64)
    exact = (whole @ layer.weight.to(torch.int64).T).to(torch.float64)
    return (exact * layer.scale * step).to(torch.float32) + (0 if layer.bias is None else layer.bias)


@pytest.mark.parametrize("bits", [8, 7, 4])
def test_rounded_rows_are_near_the_weight_by_half_a_step(generator: torch.Generator, bits: int) -> None:
    weight = torch.randn(5, 3, 4, generator=generator)
    whole, scale = rounded_rows(weight, bits)
    assert whole.dtype == torch.int8 and int(whole.abs().max()) == 2 ** (bits - 1) - 1
    assert ((whole * scale[:, None, None] - weight).abs() <= scale[:, None, None] * 0.5001).all()


def test_a_row_of_zeros_stays_zero() -> None:
    whole, scale = rounded_rows(torch.zeros(2, 3))
    assert not whole.any() and scale.isfinite().all()


@pytest.mark.parametrize("rows", [1, 7, 64])
@pytest.mark.parametrize("bias", [True, False])
@torch.no_grad()
def test_seven_bit_weights_are_multiplied_exactly_on_any_processor(
    generator: torch.Generator, rows: int, bias: bool
) -> None:
    layer = Int8Linear(linear_of(generator, bias=bias), bits=7)
    x = torch.randn(2, rows, 48, generator=generator)
    torch.testing.assert_close(layer(x), by_hand(layer, x), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_both_ways_to_multiply_agree(generator: torch.Generator) -> None:
    layer = Int8Linear(linear_of(generator), bits=7)
    whole = torch.randint(-127, 128, (5, 48), generator=generator).to(torch.float32)
    for step in (torch.ones(5, 1), torch.full((5, 1), 0.37)):
        torch.testing.assert_close(layer.packed_product(whole * step, step), layer.plain_product(whole * step, step))


@torch.no_grad()
def test_the_product_is_near_the_original_map_and_a_row_does_not_depend_on_the_others(
    generator: torch.Generator,
) -> None:
    original = linear_of(generator, 256, 64)
    layer, x = Int8Linear(original, bits=7), torch.randn(6, 256, generator=generator)
    far = torch.cat([x, 1000 * x])
    assert float((layer(x) - original(x)).norm() / original(x).norm()) < 0.03
    torch.testing.assert_close(layer(far)[:6], layer(x))


@torch.no_grad()
def test_rows_of_zeros_give_the_offset(generator: torch.Generator) -> None:
    layer = Int8Linear(linear_of(generator))
    assert torch.equal(layer(torch.zeros(3, 48)), layer.bias.expand(3, -1))


@torch.no_grad()
def test_loaded_weights_are_those_that_are_multiplied(generator: torch.Generator) -> None:
    first, second = (Int8Linear(linear_of(generator), bits=7) for _ in range(2))
    x = torch.randn(4, 48, generator=generator)
    assert not torch.equal(first(x), second(x))
    first.load_state_dict(second.state_dict(), assign=True)
    assert torch.equal(first(x), second(x))
    assert torch.equal(copy.deepcopy(first)(x), second(x))


@pytest.mark.parametrize("half", [True, False])
@torch.no_grad()
def test_stored_layers_compute_with_the_restored_weight(generator: torch.Generator, half: bool) -> None:
    linear, conv = linear_of(generator), nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)
    x, picture = torch.randn(3, 48, generator=generator), torch.randn(1, 4, 8, 8, generator=generator)
    for layer, stored, given in (
        (linear, StoredLinear(linear, half=half), x),
        (conv, StoredConv2d(conv, half=half), picture),
    ):
        rounded = copy.deepcopy(layer)
        rounded.weight.copy_(stored.restored(torch.float32))
        assert torch.equal(stored(given), rounded(given))
        assert float((stored(given) - layer(given)).norm() / layer(given).norm()) < (1e-3 if half else 2e-2)
        assert stored.weight.element_size() == (2 if half else 1)
