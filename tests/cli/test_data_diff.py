from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Call = Callable[..., Any]


def test_another_name_of_the_folder_is_said_once(underpaint: Call, tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    for number in range(4):
        colors = np.random.default_rng(number).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(colors).resize((40, 40), Image.Resampling.NEAREST).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"thing {number}")
    shutil.copytree(folder, tmp_path / "theirs")
    for name in ("ours", "theirs"):
        build = ("data", "build", "folder", tmp_path / name, "--license", "CC0-1.0", "--size", "32")
        assert underpaint(*build, "--out", tmp_path / f"{name}-32").code == 0
    shown = underpaint("data", "diff", tmp_path / "ours-32", tmp_path / "theirs-32").stdout
    assert "0 added, 0 removed, 0 changed, 4 the same" in shown
    assert "  name of the source: ours -> theirs" in shown
    assert "setting name" not in shown and "made from" not in shown
