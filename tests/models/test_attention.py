from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from underpaint.models.attention import (
    Block,
    Norm,
    attend,
    bias_from,
    drop_path,
    grid_angles,
    rotate,
    rotation,
    sinusoid,
)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_attention_is_that_of_the_definition():
    q, k, v = (noise(2, 3, 5, 8, seed=seed) for seed in range(3))
    expected = F.scaled_dot_product_attention(q, k, v)
    torch.testing.assert_close(attend(q, k, v, None), expected, atol=1e-5, rtol=1e-4)


def test_masked_attention_sees_what_the_mask_allows():
    q, k, v = noise(2, 3, 4, 8), noise(2, 3, 6, 8, seed=1), noise(2, 3, 6, 8, seed=2)
    mask = torch.rand(2, 4, 6, generator=torch.Generator().manual_seed(3)) < 0.5
    mask[:, :, 0] = True
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None])
    torch.testing.assert_close(attend(q, k, v, bias_from(mask, 3)), expected, atol=1e-5, rtol=1e-4)
    one_for_all = mask[:, :1]
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=one_for_all[:, None])
    torch.testing.assert_close(attend(q, k, v, bias_from(one_for_all, 3)), expected, atol=1e-5, rtol=1e-4)


def test_a_rotation_keeps_lengths_and_angles_between_tokens_of_one_place():
    x = noise(1, 2, 9, 16)
    turned = rotate(x, rotation(grid_angles(3, 3, 16), torch.float32))
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    y = noise(1, 2, 9, 16, seed=1)
    also = rotate(y, rotation(grid_angles(3, 3, 16), torch.float32))
    torch.testing.assert_close((turned * also).sum(-1), (x * y).sum(-1), atol=1e-4, rtol=1e-4)


def test_rotated_products_depend_on_the_distance_alone():
    turn = rotation(grid_angles(5, 5, 16), torch.float32)
    q = rotate(noise(16).expand(1, 1, 25, 16), turn)[0, 0]
    k = rotate(noise(16, seed=1).expand(1, 1, 25, 16), turn)[0, 0]
    products = (q @ k.T).view(5, 5, 5, 5)
    for (y, x), (down, right) in itertools.product(((0, 0), (2, 1), (1, 3)), ((0, 0), (1, 0), (0, 1), (2, 1))):
        if max(y + down, x + right) < 5:
            torch.testing.assert_close(products[y, x, y + down, x + right], products[0, 0, down, right])
    assert not torch.isclose(products[0, 0, 1, 0], products[0, 0, 0, 1])


def test_all_scales_lie_on_one_plane():
    """The middle of a 1x1 grid is the middle of the 3x3 grid, in units of the finest."""
    coarse, fine = grid_angles(1, 6, 8), grid_angles(3, 6, 8)
    torch.testing.assert_close(coarse[0], fine[4])
    torch.testing.assert_close(grid_angles(2, 6, 8)[:, 0].view(2, 2)[:, 0], torch.tensor([1.5, 4.5]))


def test_an_angle_of_zero_turns_nothing():
    x = noise(1, 2, 4, 8)
    assert torch.equal(rotate(x, rotation(torch.zeros(4, 4), torch.float32)), x)


def test_a_fresh_block_is_the_identity():
    x = noise(2, 5, 16)
    for modulated in (True, False):
        block = Block(16, 2, modulated=modulated)
        assert torch.equal(block(x, noise(2, 6, 16) if modulated else None)[0], x)


def test_a_modulation_of_zero_is_no_modulation(stir):
    plain, modulated = Block(16, 2, modulated=False), Block(16, 2)
    stir(plain)
    modulated.load_state_dict({**plain.state_dict(), "offset": torch.zeros(6, 16)})
    x = noise(2, 5, 16)
    torch.testing.assert_close(modulated(x, torch.zeros(2, 6, 16))[0], plain(x)[0], atol=1e-6, rtol=1e-5)


def test_the_norm_removes_mean_and_scale():
    norm = Norm(32)
    out = norm(noise(4, 32) * 7.0 + 3.0)
    torch.testing.assert_close(out.mean(-1), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(out.var(-1, correction=0), torch.ones(4), atol=1e-4, rtol=0)


def test_dropping_paths_keeps_the_mean_and_drops_whole_samples():
    x = torch.ones(4000, 3, 2)
    dropped = drop_path(x, 0.25, torch.Generator().manual_seed(0))
    assert dropped.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert torch.equal(dropped.amin(dim=(1, 2)), dropped.amax(dim=(1, 2)))
    assert float(dropped.mean()) == pytest.approx(1.0, abs=0.03)
    assert drop_path(x, 0.25, None) is x and drop_path(x, 0.0, torch.Generator()) is x


def test_times_are_told_apart():
    codes = sinusoid(torch.linspace(0, 1, 101), 64)
    assert codes.shape == (101, 64)
    distance = torch.cdist(codes, codes) + torch.eye(101) * 9
    assert float(distance.min()) > 0.5
