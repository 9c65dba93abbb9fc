"""The shipped model, drawn with as a user would.

Golden: ``python tests/e2e/test_shipped_model.py`` draws ``golden/`` anew, after new weights are shipped.
Another processor rounds differently and a token may flip, so pixels are compared with a tolerance; on one machine they
are equal.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import underpaint
from underpaint.pipelines.generator import Generator
from underpaint.pipelines.model_folder import DEFAULT_MODEL, open_model, shipped_models
from underpaint.pipelines.picture_file import read_picture

GOLDEN = Path(__file__).with_name("golden")
WISHES = [("a smiling cat with sunglasses", 7), ("a red apple", 1), ("a rocket", 2), ("a yellow star", 3)]
MEAN_LEVELS = 2.0
"""Largest mean difference from a golden picture, in levels of 255, premultiplied."""

pytestmark = pytest.mark.skipif(DEFAULT_MODEL not in shipped_models(), reason="the weights are not shipped yet")


@pytest.fixture(scope="module")
def generator() -> Generator:
    return underpaint.load()


def premultiplied(image: Image.Image) -> np.ndarray:
    levels = np.asarray(image.convert("RGBA")).astype(np.float64)
    return np.concatenate([levels[..., :3] * levels[..., 3:] / 255.0, levels[..., 3:]], axis=-1)


def name_of(prompt: str) -> str:
    return f"{prompt.replace(' ', '-')}.png"


def test_alone_is_the_same_as_in_a_batch_and_twice_is_the_same(generator):
    prompts = [prompt for prompt, _ in WISHES]
    together = generator.generate(prompts, seed=7)
    for prompt, image in zip(prompts, together, strict=True):
        assert generator.generate(prompt, seed=7)[0].tobytes() == image.tobytes()
    assert [image.tobytes() for image in generator.generate(prompts, seed=7)] == [i.tobytes() for i in together]
    assert len({image.tobytes() for image in together}) == len(prompts)


@pytest.mark.parametrize(("prompt", "seed"), WISHES)
def test_pictures_look_as_when_the_weights_were_shipped(generator, prompt, seed):
    golden = read_picture(GOLDEN / name_of(prompt))
    assert golden.info["underpaint"].model_sha256 == generator.model.digest, "draw the golden pictures anew"
    (image,) = generator.generate(prompt, seed=seed)
    assert np.abs(premultiplied(image) - premultiplied(golden)).mean() <= MEAN_LEVELS


def test_every_style_draws_something_with_a_clear_surrounding(generator):
    for style in (None, *generator.styles):
        alpha = np.asarray(generator.generate("a red apple", seed=1, style=style)[0])[..., 3]
        assert 0.05 < (alpha > 127).mean() < 0.98, style


def test_the_shipped_folder_holds_what_its_manifest_lists_and_nothing_else():
    model = open_model()
    files = {path.relative_to(model.folder).as_posix() for path in model.folder.rglob("*") if path.is_file()}
    assert files == {*model.manifest.files, "manifest.json"}


def test_from_shell_to_picture_and_back(tmp_path):
    def run(*arguments: str) -> str:
        command = [sys.executable, "-W", "error", "-m", "underpaint", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    path = run("generate", WISHES[0][0], "--seed", "7").strip()
    assert "a smiling cat with sunglasses" in run("show", path)
    assert "the pixels are the same" in run("generate", "--like", path)


def draw_golden() -> None:
    """Draw the golden pictures anew."""
    generator = underpaint.load()
    for prompt, seed in WISHES:
        underpaint.save(generator.generate(prompt, seed=seed)[0], GOLDEN / name_of(prompt), overwrite=True)


if __name__ == "__main__":
    draw_golden()
