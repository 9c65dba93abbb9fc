from __future__ import annotations

import pytest
import torch

from underpaint.learning.blockwise import BLOCK, dequantize, nearest, quantize, table

CPU = torch.device("cpu")
SIGNS = pytest.mark.parametrize("signed", [True, False])


def numbers(count: int, signed: bool, seed: int = 0) -> torch.Tensor:
    """Numbers over eight decades, some of them zero."""
    generator = torch.Generator().manual_seed(seed)
    size = 10.0 ** (torch.rand(count, generator=generator) * -8.0)
    sign = torch.randint(2, (count,), generator=generator) * 2.0 - 1.0
    size[:: BLOCK // 2] = 0.0
    return size * sign if signed else size


@SIGNS
def test_the_table_has_256_entries_that_double_from_decade_to_decade(signed):
    entries = table(signed, CPU)
    assert len(entries.unique()) == 256 and torch.equal(entries, entries.sort().values)
    assert entries.max() == 1.0 and entries.min() == pytest.approx(-0.9929687 if signed else 0.0)
    positive = entries[(entries > 0) & (entries < 1)]
    counts = [int(((positive >= 10.0**-e / 10) & (positive < 10.0**-e)).sum()) for e in range(7)]
    assert counts == [2**e * (1 if signed else 2) for e in range(6, -1, -1)]


@SIGNS
def test_the_nearest_entry_is_found_as_a_search_over_all_finds_it(signed):
    entries = table(signed, CPU)
    middles = (entries[1:] + entries[:-1]) / 2
    values = torch.cat([numbers(5_000, signed), entries, middles, torch.tensor([0.0, 1.0])])
    distance = (values[:, None].double() - entries.double()).abs()
    found = (values.double() - entries[nearest(values, signed)].double()).abs()
    torch.testing.assert_close(found, distance.min(dim=1).values, atol=1e-7, rtol=0)


@SIGNS
@pytest.mark.parametrize("shape", [(1,), (255,), (256,), (257,), (3, 5, 100)])
def test_rounding_twice_is_rounding_once(signed, shape):
    values = numbers(int(torch.tensor(shape).prod()), signed).view(shape)
    codes, scale = quantize(values, signed)
    once = dequantize(codes, scale, signed)
    assert codes.shape == values.shape and codes.dtype == torch.uint8 and len(scale) == -(-values.numel() // BLOCK)
    again = dequantize(*quantize(once, signed), signed)
    torch.testing.assert_close(again, once, rtol=0.02 if signed else 1e-6, atol=0)


@SIGNS
def test_what_is_within_a_decade_of_its_block_s_largest_is_off_by_a_few_percent_at_most(signed):
    values = numbers(BLOCK * 40, signed)
    back = dequantize(*quantize(values, signed), signed)
    largest = values.view(-1, BLOCK).abs().amax(dim=1, keepdim=True).expand(-1, BLOCK).reshape(-1)
    for decade, bound in ((0, 0.07), (1, 0.14), (2, 0.28)):
        within = values.abs() >= largest * 10.0 ** -(decade + 1)
        off = ((back - values).abs() / values.abs())[within]
        assert len(off) > 500 * (decade + 1) and off.max() < bound * (1 if signed else 0.6)


def test_an_outlier_coarsens_its_own_block_alone():
    values = torch.full((4 * BLOCK,), 1e-3)
    values[BLOCK + 7] = 1e9
    back = dequantize(*quantize(values, True), True)
    calm = torch.cat([back[:BLOCK], back[2 * BLOCK :]])
    torch.testing.assert_close(calm, torch.full_like(calm, 1e-3))
    assert (back[BLOCK : 2 * BLOCK] == 1e-3).sum() == 0


def test_nothing_above_zero_becomes_zero_without_signs():
    values = torch.full((BLOCK,), 1e-20)
    values[0], values[1] = 1.0, 0.0
    back = dequantize(*quantize(values, False), False)
    assert back[1] == 0.0 and (back[2:] > 0).all()


@SIGNS
def test_zeros_stay_zeros(signed):
    values = torch.zeros(3, 100)
    assert torch.equal(dequantize(*quantize(values, signed), signed), values)
