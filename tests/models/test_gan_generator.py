from __future__ import annotations

from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from underpaint.core.errors import InputError
from underpaint.models.component import load_component, save_component
from underpaint.models.gan_generator import GanGenerator, GanGeneratorConfig

HYBRID = 3_650_000
"""Trained parameters of the hybrid model's transformer and refiner at nano size."""


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def settle(**changes: object) -> GanGeneratorConfig:
    values = {"widths": (16, 16, 8), "blocks": (2, 1, 1), "num_styles": 3, "text_width": 12, "noise_width": 5}
    return GanGeneratorConfig.model_validate(values | {"style_width": 4, "condition_width": 24} | changes)


def inputs(batch: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """Return noise, pooled text and styles."""
    return noise(batch, 5, seed=1), noise(batch, 12, seed=2), torch.arange(batch) % 4


@pytest.fixture
def make(stir):
    def build(fresh: bool = False, **changes: object) -> GanGenerator:
        generator = GanGenerator(settle(**changes))
        if not fresh:
            stir(generator, std=0.1)
        return generator.eval()

    return build


def test_the_nano_size_is_within_a_fifth_of_the_hybrid_model():
    generator = GanGenerator(GanGeneratorConfig(num_styles=4))
    count = sum(p.numel() for p in generator.parameters())
    assert count == 3_369_812
    assert abs(count / HYBRID - 1.0) < 0.2


@torch.no_grad()
@pytest.mark.parametrize(("resolutions", "side"), [(2, 16), (3, 32), (4, 64), (5, 128)])
def test_each_resolution_doubles_the_side(make, resolutions, side):
    generator = make(widths=(8,) * resolutions, blocks=(1,) * resolutions)
    assert generator(*inputs()).shape == (2, 4, side, side)
    assert generator.config.image_size == side


@torch.no_grad()
def test_a_picture_takes_one_pass_through_every_layer(make):
    generator, calls = make(), Counter[str]()
    layers = {name: m for name, m in generator.named_modules() if not list(m.children())}
    for name, layer in layers.items():
        layer.register_forward_hook(lambda *_, name=name: calls.update([name]))
    generator(*inputs())
    assert calls == dict.fromkeys(layers, 1)


@torch.no_grad()
def test_every_input_matters(make):
    generator, given = make(), inputs()
    before = generator(*given)
    for index in range(3):
        changed = list(given)
        changed[index] = changed[index].flip(0)
        assert not torch.allclose(generator(*changed), before, atol=1e-3), index


@torch.no_grad()
def test_only_the_direction_of_the_text_counts(make):
    generator, (z, pooled, style) = make(), inputs()
    before = generator(z, pooled, style)
    torch.testing.assert_close(generator(z, 7.0 * pooled + 2.0, style), before, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_pictures_of_a_batch_do_not_meet(make):
    generator, given = make(), inputs(3)
    whole = generator(*given)
    for row in range(3):
        alone = generator(*(value[row : row + 1] for value in given))
        torch.testing.assert_close(alone, whole[row : row + 1], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_fresh_generator_only_enlarges_its_weighed_basis(make):
    """Blocks start as the identity and gains at one."""
    generator, given = make(fresh=True), inputs()
    w = generator.mapping(torch.cat([given[0], generator.norm(given[1]), generator.style_embedding(given[2])], dim=1))
    x = generator.basis * generator.weigh(w)[:, :, None, None]
    for stage in generator.stages[1:]:
        x = F.interpolate(F.conv2d(x, stage.enter.weight), scale_factor=2, mode="bilinear", align_corners=False)
    x = F.interpolate(F.conv2d(x, generator.refine.weight), scale_factor=2, mode="bilinear", align_corners=False)
    expected = generator.write(torch.where(x > 0, x, 0.2 * x))
    torch.testing.assert_close(generator(*given), expected, atol=1e-5, rtol=1e-4)


def test_every_parameter_is_trained(make):
    generator = make().train()
    z, pooled, _ = inputs(4)
    generator(z, pooled, torch.arange(4)).square().mean().backward()
    assert [n for n, p in generator.named_parameters() if p.grad is None or not p.grad.any()] == []


@torch.no_grad()
def test_a_saved_generator_draws_the_same(make, tmp_path):
    generator = make()
    save_component(generator, generator.config, tmp_path)
    loaded = load_component(tmp_path, GanGenerator, GanGeneratorConfig)
    assert isinstance(loaded, nn.Module) and torch.equal(loaded(*inputs()), generator(*inputs()))


def test_settings_that_do_not_fit_each_other_are_refused():
    values = settle().model_dump() | {"blocks": (1, 1)}
    with pytest.raises(InputError, match="one entry a resolution each, got 3 and 2"):
        GanGeneratorConfig.parse(values, source="config.json")
