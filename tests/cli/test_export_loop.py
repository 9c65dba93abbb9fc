"""``underpaint export`` of a pipeline of diffusers, and drawing with what came out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from underpaint.cli.app import main
from underpaint.pipelines.opening import open_model

Tiny = Callable[[str], Path]


@pytest.fixture(scope="module")
def exported(tiny_diffusers: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cli") / "pixart-onnx"
    assert main(["export", str(tiny_diffusers("pixart")), "--size", "32", "--out", str(out), "--quiet"]) == 0
    return out


def drawn(underpaint: Callable[..., Any], out: Path, model: str | Path, *options: object) -> np.ndarray:
    shown = underpaint(
        "generate", "a red apple", "--seed", 7, "--steps", 3, "-m", model, "--out", out, *options, "--json"
    )
    assert shown.code == 0, shown.stderr
    return np.asarray(Image.open(shown.json["pictures"][0]["path"]))


def test_an_export_draws_what_the_pipeline_draws_in_the_size_asked_for(
    underpaint: Callable[..., Any], exported: Path, tiny_diffusers: Tiny, tmp_path: Path
):
    ours = drawn(underpaint, tmp_path / "graph", exported, "--watermark", "none")
    theirs = drawn(underpaint, tmp_path / "torch", tiny_diffusers("pixart"), "--size", "32x32", "--watermark", "none")
    assert ours.shape == (32, 32, 4) and np.abs(ours.astype(int) - theirs.astype(int)).max() <= 2
    assert open_model(exported).name == "pixart"


def test_a_picture_of_graphs_is_drawn_again_pixel_by_pixel(
    underpaint: Callable[..., Any], exported: Path, tmp_path: Path
):
    drawn(underpaint, tmp_path / "first", exported)
    (picture,) = (tmp_path / "first").glob("*.png")
    again = underpaint("generate", "--like", picture, "-m", exported, "--out", tmp_path / "again", "--json")
    assert again.code == 0 and again.json["same_pixels"] is True


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--size", "30"], "cannot draw this"),
        (["--int8"], "fewer bits than 32 can be asked of models of underpaint alone"),
        (["--batch", "2"], "drawn one by one"),
        (["--steps", "4"], "stay free"),
        (["--native"], "whenever they are loaded"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_refused_and_nothing_stays(
    underpaint: Callable[..., Any], tiny_diffusers: Tiny, tmp_path: Path, options: list[str], said: str
):
    shown = underpaint("export", tiny_diffusers("pixart"), "--out", tmp_path / "out", *options)
    assert (shown.code, shown.stdout) == (2, "") and said in shown.stderr
    assert not list(tmp_path.iterdir())


def test_an_export_takes_no_options_of_diffusers_and_is_not_run_by_torch(
    underpaint: Callable[..., Any], exported: Path, tmp_path: Path
):
    asked = ("generate", "a dog", "-m", exported, "--out", tmp_path)
    assert "takes no options such as 'scheduler=unipc'" in underpaint(*asked, "--scheduler", "unipc").stderr
    assert "exported for pictures of 32x32" in underpaint(*asked, "--size", "64x64").stderr
    assert "name the model that it was made from, pixart" in underpaint(*asked, "--engine", "torch").stderr
    assert not list(tmp_path.iterdir())
