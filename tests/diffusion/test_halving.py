from __future__ import annotations

import pytest
import torch
from torch import Tensor

from underpaint.core.errors import InputError
from underpaint.diffusion.halving import advance_each, draw_halvings, halving_target
from underpaint.diffusion.path import interpolate
from underpaint.diffusion.solvers import advance, euler, time_grid

T = torch.tensor([0.0, 0.2, 0.5, 0.9], dtype=torch.float64)
MIDDLE = torch.tensor([0.1, 0.6, 0.75, 0.95], dtype=torch.float64)
END = torch.tensor([0.3, 0.7, 1.0, 1.0], dtype=torch.float64)


def states(dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(4, 3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


def teacher(x: Tensor, t: Tensor) -> Tensor:
    return torch.sin(2.0 * x) + t.to(x.dtype).view(-1, 1, 1)


def landed(x_t: Tensor, t: Tensor, middle: Tensor, end: Tensor) -> Tensor:
    x = advance_each(x_t, teacher(x_t, t), t, middle)
    return advance_each(x, teacher(x, middle), middle, end)


def test_one_step_towards_the_target_lands_where_two_of_the_teacher_did():
    x_t = states()
    target = halving_target(teacher, x_t, T, MIDDLE, END)
    torch.testing.assert_close(advance_each(x_t, target, T, END), landed(x_t, T, MIDDLE, END), atol=1e-14, rtol=1e-13)


def test_the_target_agrees_with_the_published_equation():
    x_t = states()
    t, end = T.view(-1, 1, 1), END.view(-1, 1, 1)
    ratio = (1 - end) / (1 - t)
    expected = (landed(x_t, T, MIDDLE, END) - ratio * x_t) / (end - ratio * t)
    torch.testing.assert_close(halving_target(teacher, x_t, T, MIDDLE, END), expected)


def test_a_student_that_meets_its_targets_draws_what_its_teacher_draws():
    times = time_grid(8, shift=2.0)

    def student(x: Tensor, t: float) -> Tensor:
        index = times.index(t)
        steps = [torch.full((4,), times[index + ahead], dtype=torch.float64) for ahead in range(3)]
        return halving_target(teacher, x, *steps)

    expected = euler(lambda x, t: teacher(x, torch.full((4,), t)), states(), times)
    torch.testing.assert_close(euler(student, states(), times[::2]), expected, atol=1e-6, rtol=1e-6)


def test_a_step_that_ends_at_the_data_has_the_last_prediction_as_its_target():
    x_t = states()
    second = teacher(advance_each(x_t, teacher(x_t, T), T, MIDDLE), MIDDLE)
    torch.testing.assert_close(halving_target(teacher, x_t, T, MIDDLE, END)[2:], second[2:])


def test_a_teacher_that_knows_the_data_is_its_own_target():
    data, noise = states(), torch.flip(states(), [0])
    target = halving_target(lambda _x, _t: data, interpolate(data, noise, T), T, MIDDLE, END)
    assert torch.equal(target, data)


def test_in_single_precision_short_steps_lose_nothing():
    t, middle, end = (torch.full((4,), value) for value in (0.5, 0.5005, 0.501))
    exact = halving_target(teacher, states(), t.double(), middle.double(), end.double())
    single = halving_target(teacher, states(torch.float32), t, middle, end)
    torch.testing.assert_close(single, exact.float(), atol=1e-5, rtol=1e-5)


def test_each_sample_advances_between_its_own_times_as_it_would_alone():
    x, data = states(), torch.ones(4, 3, 2, dtype=torch.float64)
    together = advance_each(x, data, T, END)
    for row in range(4):
        torch.testing.assert_close(together[row], advance(x[row], data[row], float(T[row]), float(END[row])))


def test_drawn_steps_are_all_steps_of_the_student_alike_often():
    times = time_grid(6, shift=1.5)
    drawn = torch.stack(draw_halvings(times, 3000, torch.Generator().manual_seed(0)), dim=1)
    rows, counts = torch.unique(drawn, dim=0, return_counts=True)
    expected = torch.tensor([times[start : start + 3] for start in (0, 2, 4)])
    assert torch.equal(rows, expected)
    assert counts.tolist() == pytest.approx([1000] * 3, abs=120)


def test_drawn_steps_follow_from_the_generator():
    draws = [draw_halvings(time_grid(8), 20, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draws[0][0], draws[1][0]) and not torch.equal(draws[0][0], draws[2][0])


@pytest.mark.parametrize("times", [(0.0,), time_grid(1), time_grid(5)])
def test_an_odd_number_of_steps_cannot_be_halved(times):
    with pytest.raises(InputError, match=f"the teacher takes {len(times) - 1} steps; only an even number"):
        draw_halvings(times, 4, torch.Generator())
