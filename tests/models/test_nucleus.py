from __future__ import annotations

import math

import pytest
import torch

from underpaint.models.nucleus import COLDEST, divisor, top_p_filter


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("top_p", [1e-6, 0.3, 0.7, 0.95, 1.0])
def test_the_nucleus_is_the_smallest_set_with_enough_probability(top_p):
    logits = torch.randn(20, 12, generator=rng()) * 2
    kept = top_p_filter(logits, top_p)
    for row, out in zip(logits.double().softmax(-1), kept, strict=True):
        order, total, expected = row.argsort(descending=True), 0.0, set()
        for index in order.tolist():
            expected.add(index)
            total += float(row[index])
            if total >= top_p:
                break
        got = {index for index in range(12) if math.isfinite(out[index])}
        assert got == (expected if top_p < 1.0 else set(range(12)))
        chosen = sorted(got)
        assert torch.equal(out[chosen], logits[(logits.double().softmax(-1) == row).all(-1)][0][chosen])


def test_a_temperature_that_is_an_input_of_a_graph_never_divides_by_zero():
    assert divisor(0.5) == 0.5
    assert float(divisor(torch.tensor(0.0))) == pytest.approx(COLDEST)
    assert float(divisor(torch.tensor(0.5))) == 0.5
