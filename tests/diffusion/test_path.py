from __future__ import annotations

import pytest
import torch

from underpaint.diffusion.path import interpolate, logit_normal, velocity_from_data, velocity_loss


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(5, 3, 2, generator=generator), torch.randn(5, 3, 2, generator=generator)


def test_the_path_runs_from_noise_to_data():
    data, noise = pair()
    assert torch.equal(interpolate(data, noise, torch.zeros(5)), noise)
    assert torch.equal(interpolate(data, noise, torch.ones(5)), data)


def test_each_picture_has_its_own_time():
    data, noise = pair()
    t = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0])
    together = interpolate(data, noise, t)
    for index in range(5):
        torch.testing.assert_close(together[index], t[index] * data[index] + (1 - t[index]) * noise[index])


@pytest.mark.parametrize("t", [0.0, 0.3, 0.9, 0.99])
def test_the_true_data_implies_the_true_velocity(t):
    data, noise = pair()
    x_t = interpolate(data, noise, torch.full((5,), t))
    torch.testing.assert_close(velocity_from_data(data, x_t, t), data - noise, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("t", [0.0, 0.3, 0.9])
def test_an_error_in_the_data_costs_what_the_error_in_the_velocity_costs(t):
    data, noise = pair()
    times = torch.full((5,), t)
    x_t = interpolate(data, noise, times)
    guess = data + 0.1 * noise
    velocity_error = velocity_from_data(guess, x_t, t) - (data - noise)
    torch.testing.assert_close(velocity_loss(guess, data, times), velocity_error.square().mean(), atol=1e-5, rtol=1e-3)


def test_the_weight_stops_growing_close_to_the_data():
    data, _ = pair()
    at = [float(velocity_loss(data + 1.0, data, torch.full((5,), t))) for t in (0.9, 0.95, 1.0)]
    assert at == pytest.approx([100.0] * 3, rel=1e-4)


def test_logit_normal_times_have_the_mean_and_deviation_asked_for():
    t = logit_normal(20_000, torch.Generator().manual_seed(0), mean=-0.4, std=0.8)
    assert float(t.min()) > 0.0 and float(t.max()) < 1.0
    logit = t.logit()
    assert float(logit.mean()) == pytest.approx(-0.4, abs=0.03)
    assert float(logit.std()) == pytest.approx(0.8, abs=0.03)
