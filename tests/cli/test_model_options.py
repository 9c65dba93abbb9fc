"""The options of diffusers models, from the command line to the picture."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from underpaint.cli.model_options import add_model_options, model_of, words_of
from underpaint.core.errors import InputError


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_model_options(parser)
    return parser.parse_args(words)


def test_without_options_a_name_stays_as_it_is() -> None:
    assert model_of(parsed(), None) is None
    assert model_of(parsed(), "some/where?size=8x8") == "some/where?size=8x8"


def test_options_become_a_part_of_the_address_and_can_be_typed_again() -> None:
    words = ["--scheduler", "unipc", "--size", "8x8", "--lora", "a.safetensors:0.5", "--allow-pickle"]
    args = parsed(*words)
    assert model_of(args, "folder") == "folder?scheduler=unipc&size=8x8&allow_pickle=1&lora=a.safetensors:0.5"
    assert vars(parsed(*words_of(args))) == vars(args)


@pytest.mark.parametrize(
    ("model", "message"), [(None, "only pipelines of diffusers"), ("a?size=8x8", "options already")]
)
def test_options_without_a_place_are_refused(model: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        model_of(parsed("--scheduler", "unipc"), model)


def test_a_picture_is_drawn_and_drawn_again(
    underpaint: Callable[..., Any], tiny_diffusers: Callable[[str], Path], tmp_path: Path
) -> None:
    how = ["-m", tiny_diffusers("sd"), "--scheduler", "euler", "--size", "32x16", "--out", tmp_path]
    drawn = underpaint("generate", "a red apple", "--seed", 3, "--steps", 2, "--background", "white", *how)
    assert drawn.code == 0, drawn.stderr
    path = tmp_path / "underpaint-a-red-apple-3.png"
    with Image.open(path) as image:
        assert (image.size, image.mode) == ((32, 16), "RGB")
    like = ["--like", path, "-m", f"{tiny_diffusers('sd')}?scheduler=euler&size=32x16", "--out", tmp_path / "again"]
    again = underpaint("generate", *like)
    assert "the pixels are the same" in again.stdout, again.stderr


def test_options_for_a_model_of_ours_are_refused(underpaint: Callable[..., Any], tiny_model: Path) -> None:
    refused = underpaint("generate", "a cat", "-m", tiny_model, "--scheduler", "euler")
    assert refused.code == 2
    assert "takes no options" in refused.stderr
