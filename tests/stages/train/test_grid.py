from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from underpaint.stages.train.grid import save_grid


def test_pictures_stand_row_by_row_on_white(tmp_path):
    pictures = torch.full((5, 4, 8, 8), -1.0)
    for number in range(4):
        pictures[number, [min(number, 2), 3]] = 1.0
    save_grid(tmp_path / "deep" / "grid.png", pictures, columns=3)
    with Image.open(tmp_path / "deep" / "grid.png") as image:
        sheet = np.asarray(image)
    assert sheet.shape == (20, 30, 3)
    colors = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 0, 255], [255, 255, 255]]
    for number, color in enumerate(colors):
        top, left = number // 3 * 10 + 1, number % 3 * 10 + 1
        assert (sheet[top : top + 8, left : left + 8] == color).all()
    assert (sheet[::10] == 255).all() and (sheet[:, ::10] == 255).all() and (sheet[11:, 20:] == 255).all()
