from __future__ import annotations

import pytest
import torch

from underpaint.stages.train.augment import flip_and_shift, shift


def pictures(count: int = 4, size: int = 8) -> torch.Tensor:
    return torch.rand(count, 4, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize(("down", "right"), [(0, 0), (2, 0), (-3, 1), (0, -2), (1, 3)])
def test_a_shift_moves_every_pixel_and_brings_in_transparency(down, right):
    before = pictures(1)
    (after,) = shift(before, torch.tensor([[down, right]]))
    for y in range(8):
        for x in range(8):
            source = (y - down, x - right)
            within = all(0 <= c < 8 for c in source)
            expected = before[0, :, source[0], source[1]] if within else torch.full((4,), -1.0)
            assert torch.equal(after[:, y, x], expected)


def test_each_picture_has_its_own_shift():
    before = pictures(3)
    offsets = torch.tensor([[0, 0], [2, -1], [-3, 3]])
    together = shift(before, offsets)
    for index in range(3):
        assert torch.equal(together[index : index + 1], shift(before[index : index + 1], offsets[index : index + 1]))


def test_half_of_the_pictures_are_mirrored_and_all_moves_occur():
    column = torch.full((2000, 4, 9, 9), -1.0)
    column[:, :, 4, 3] = 1.0
    after = flip_and_shift(column, torch.Generator().manual_seed(0), reach=1)
    places = [tuple(place) for place in (after[:, 3] == 1.0).nonzero()[:, 1:].tolist()]
    assert len(places) == 2000 and set(places) == {(y, x) for y in (3, 4, 5) for x in (2, 3, 4, 5, 6)}
    left = sum(x <= 3 for _, x in places) + sum(x == 4 for _, x in places) / 2
    assert left / 2000 == pytest.approx(0.5, abs=0.05)


def test_the_same_generator_makes_the_same_pictures():
    drawn = [flip_and_shift(pictures(), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
