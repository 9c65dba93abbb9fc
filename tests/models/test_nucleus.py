from __future__ import annotations

import math

import pytest
import torch

from underpaint.models import nucleus
from underpaint.models.nucleus import COLDEST, divisor, draw_from_nucleus, top_p_filter


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


def gumbel(*shape: int) -> torch.Tensor:
    return -(-torch.rand(shape, generator=rng(5)).clamp(1e-20, 1 - 1e-7).log()).log()


def winner_inside(logits: torch.Tensor, top_p: float, noise: torch.Tensor) -> int:
    """Cut a row by sorting in double precision, then take the largest sum."""
    probability, inside, total = logits.double().softmax(-1), [], 0.0
    for index in probability.argsort(descending=True).tolist():
        inside.append(index)
        total += float(probability[index])
        if total >= top_p:
            break
    return max(inside, key=lambda index: float(logits[index] + noise[index]))


@pytest.mark.parametrize(
    ("top_p", "traced", "way"),
    [
        *((top_p, False, "_until_inside") for top_p in (1e-320, 1e-6, 0.3, 0.7, 0.95, 0.999)),
        *((top_p, True, "top_p_filter") for top_p in (1e-320, 0.3, 0.7)),
        *((top_p, True, "_among") for top_p in (0.9, 0.95, 0.999)),
        *((1.0, traced, None) for traced in (False, True)),
    ],
)
@pytest.mark.parametrize("sharpness", [0.1, 2.0, 6.0])
def test_what_is_drawn_is_what_wins_inside_the_nucleus(monkeypatch, top_p, traced, way, sharpness):
    logits, noise = torch.randn(3, 50, 40, generator=rng()) * sharpness, gumbel(3, 50, 40)
    monkeypatch.setattr(torch.jit, "is_tracing", lambda: traced)
    went = []
    for name in ("_until_inside", "_among", "top_p_filter"):
        real = getattr(nucleus, name)
        monkeypatch.setattr(nucleus, name, lambda *given, name=name, real=real: (went.append(name), real(*given))[1])
    got = draw_from_nucleus(logits, top_p, noise)
    rows = zip(logits.flatten(0, 1), noise.flatten(0, 1), strict=True)
    assert got.flatten().tolist() == [winner_inside(row, top_p, its_noise) for row, its_noise in rows]
    assert got.shape == (3, 50) and went == ([] if way is None else [way])


def test_what_came_in_is_left_as_it_was_and_places_do_not_depend_on_each_other():
    logits, noise = torch.randn(1, 200, 12, generator=rng()) * 2, gumbel(1, 200, 12)
    copies = logits.clone(), noise.clone()
    drawn = draw_from_nucleus(logits, 0.6, noise)
    assert torch.equal(logits, copies[0]) and torch.equal(noise, copies[1])
    alone = [draw_from_nucleus(logits[:, i : i + 1], 0.6, noise[:, i : i + 1]) for i in range(200)]
    assert torch.equal(torch.cat(alone, dim=1), drawn)


def test_a_graph_whose_candidates_all_lie_outside_takes_the_first(monkeypatch):
    logits, noise = torch.zeros(1, 40), torch.zeros(1, 40)
    logits[0, 7], noise[0, 20:30], noise[0, 25] = 6.0, 50.0, 51.0
    assert int(draw_from_nucleus(logits, 0.9, noise)) == int((top_p_filter(logits, 0.9) + noise).argmax(-1)) == 7
    monkeypatch.setattr(torch.jit, "is_tracing", lambda: True)
    monkeypatch.setattr(nucleus, "_until_inside", lambda *_: pytest.fail("a graph cannot go on until it is inside"))
    assert int(draw_from_nucleus(logits, 0.9, noise)) == 25


def test_a_temperature_that_is_an_input_of_a_graph_never_divides_by_zero():
    assert divisor(0.5) == 0.5
    assert float(divisor(torch.tensor(0.0))) == pytest.approx(COLDEST)
    assert float(divisor(torch.tensor(0.5))) == 0.5
