from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from underpaint.models.quantizer import resize_matrix
from underpaint.pipelines.editing.cells import free_cells, masked_cells

SCHEDULE = (1, 2, 3, 4, 6, 8)


@pytest.mark.parametrize("side", SCHEDULE)
@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.2, 1.0])
def test_a_cell_is_free_as_soon_as_a_pixel_of_it_is_masked(side, share):
    inside = np.random.default_rng(side).random((64, 64)) < share
    pooled = F.adaptive_max_pool2d(torch.from_numpy(inside)[None, None].float(), side)
    assert np.array_equal(masked_cells(inside, side), pooled.flatten().numpy() > 0)


@pytest.mark.parametrize("side", SCHEDULE)
def test_cells_are_what_averaging_a_latent_sums_over(side):
    reach = resize_matrix(8, side, "area").numpy() > 0  # [8 * 8, k * k]
    for place in range(64):
        inside = np.zeros((64, 64), dtype=bool)
        row, column = divmod(place, 8)
        inside[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] = True
        assert (masked_cells(inside, side) >= reach[place]).all()


def test_coarse_scales_are_kept_whole_and_finer_ones_outside_the_mask():
    inside = np.zeros((64, 64), dtype=bool)
    inside[40, 3] = True
    free = free_cells(SCHEDULE, 2, inside)
    assert [len(cells) for cells in free] == [side * side for side in SCHEDULE]
    assert [int(cells.sum()) for cells in free] == [0, 0, 1, 1, 1, 1]
    assert [int(cells.sum()) for cells in free_cells(SCHEDULE, 4)] == [0, 0, 0, 0, 36, 64]
    assert all(cells.all() for cells in free_cells(SCHEDULE, 0))
