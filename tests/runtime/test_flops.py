from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from underpaint.runtime.flops import count_flops


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_linear_layer_takes_two_a_weight_and_row(mode):
    layer, x = nn.Linear(24, 40), torch.ones(3, 5, 24)
    with mode():
        assert count_flops(lambda: layer(x)).total == 2 * 15 * 24 * 40


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_fused_attention_is_counted_as_if_written_out(mode):
    b, n, length, seen, d = 2, 3, 7, 11, 8
    q, k, v = torch.ones(b, n, length, d), torch.ones(b, n, seen, d), torch.ones(b, n, seen, d)
    with mode():
        flops = count_flops(lambda: F.scaled_dot_product_attention(q, k, v))
    assert flops.total == 2 * 2 * b * n * length * seen * d
    assert not flops.missed and any("softmax" in name for name in flops.not_counted)


def test_a_convolution_takes_two_a_tap_and_output():
    layer, x = nn.Conv2d(6, 10, 3, stride=2, padding=1, bias=False), torch.ones(2, 6, 16, 16)
    with torch.no_grad():
        assert count_flops(lambda: layer(x)).total == 2 * 2 * 8 * 8 * 10 * 6 * 9


def test_elementwise_work_is_listed_and_views_are_not():
    x = torch.ones(4, 6)
    flops = count_flops(lambda: torch.exp(x.view(6, 4).T) + 1.0)
    assert flops.total == 0
    assert flops.not_counted == {"aten.add": 1, "aten.exp": 1}
    assert flops.traffic_bytes == 4 * 24 * 4


def test_a_product_without_a_formula_makes_a_lower_bound():
    flops = count_flops(lambda: torch.addmv(torch.ones(4), torch.ones(4, 6), torch.ones(6)))
    assert flops.total == 0
    assert flops.missed == ("aten.addmv",)


def test_looking_up_reads_only_the_rows():
    table = nn.Embedding(1000, 16)
    flops = count_flops(lambda: table(torch.tensor([1, 2])))
    assert flops.traffic_bytes <= 2 * 2 * 16 * 4 + 2 * 8
