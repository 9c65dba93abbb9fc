from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from underpaint.pipelines.picture_file import read_settings, save
from underpaint.pipelines.upscaling.network import NAME, shipped


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two foreign pictures and a large one."""
    for name, color in (("red", "red"), ("blue", "blue")):
        picture = Image.new("RGBA", (32, 32))
        picture.paste(color, (6, 6, 26, 26))
        picture.save(tmp_path / f"{name}.png")
    Image.new("RGB", (600, 40)).save(tmp_path / "large.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def drawn(here: Path, tiny_model: Path) -> Path:
    """A picture that the tiny model drew."""
    from underpaint.pipelines.generator import load

    return save(load(tiny_model).generate("a red cat", seed=7)[0], here / "cat.png")


def size(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_one_line_enlarges_a_picture_and_leaves_it_alone(underpaint, here, drawn):
    before = drawn.read_bytes()
    finished = underpaint("upscale", "cat.png")
    assert (finished.code, finished.stdout, finished.stderr) == (0, "cat-256.png\n", "")
    assert size("cat-256.png") == (256, 256) and drawn.read_bytes() == before
    settings = read_settings(Path("cat-256.png"))
    assert settings.caption == "a red cat" and settings.upscale is not None
    assert (settings.upscale.upscaler, settings.upscale.upscaler_sha256) == (NAME, shipped().digest)


def test_a_second_run_makes_nothing_again(underpaint, here, drawn):
    underpaint("upscale", "cat.png", "--size", 512, "--out", "large")
    assert size("large/cat-512.png") == (512, 512)
    again = underpaint("upscale", "cat.png", "--size", 512, "--out", "large", "--json").json
    assert [picture["made"] for picture in again["pictures"]] == [False]


def test_what_is_foreign_and_what_is_large_already_is_said(underpaint, here):
    finished = underpaint("upscale", "red.png", "blue.png", "large.jpg")
    assert finished.stdout.splitlines() == ["red-256.png", "blue-256.png"]
    assert "left alone, as large as 256 pixels already: large.jpg" in finished.stderr
    assert "not drawn by underpaint, or changed since: red.png, blue.png" in finished.stderr
    assert read_settings(Path("red-256.png")).watermark is None
    assert underpaint("upscale", "large.jpg").stdout == "nothing to do: no picture is smaller than 256 pixels\n"


def test_a_mark_is_put_in_where_it_is_asked_for(underpaint, here):
    underpaint("upscale", "red.png", "--watermark", "public")
    assert read_settings(Path("red-256.png")).watermark == "cosines-1/public"


def test_all_files_that_are_not_there_are_told_before_anything_is_made(underpaint, here):
    finished = underpaint("upscale", "red.png", "rde.png", "nothing", "--threads", 0)
    assert finished.code == 2 and "3 mistakes" in finished.stderr
    assert "did you mean red.png?" in finished.stderr and not list(here.glob("*-256*"))


def test_pictures_that_cannot_be_read_are_all_told_before_anything_is_made_the_folder_too(underpaint, here):
    for name in ("words.png", "more.png"):
        Path(name).write_text("no picture")
    one = underpaint("upscale", "red.png", "words.png", "--out", "large")
    assert one.code == 3 and not Path("large").exists()
    assert "words.png is neither a PNG nor a JPEG nor a WebP file; if it is a picture, save it as PNG" in one.stderr
    both = underpaint("upscale", "words.png", "red.png", "more.png", "--out", "large")
    assert both.code == 3 and not Path("large").exists()
    assert "2 mistakes: (1) words.png is neither" in both.stderr and "(2) more.png is neither" in both.stderr


@pytest.mark.parametrize(("options", "said"), [(("--size", "300"), "300"), (("--upscaler", "nowhere"), "nowhere")])
def test_what_cannot_be_meant_is_refused(underpaint, here, options, said):
    finished = underpaint("upscale", "red.png", *options)
    assert finished.code == 2 and said in finished.stderr


def test_show_and_generate_know_an_enlarged_picture(underpaint, here, drawn, tiny_model):
    underpaint("upscale", "cat.png", "red.png")
    shown = underpaint("show", "cat-256.png", "-m", tiny_model).stdout
    assert "upscaled from" in shown and "32x32" in shown and "underpaint upscale PICTURE --size 256" in shown
    assert underpaint("generate", "--like", "cat-256.png", "-m", tiny_model, "--out", "again").code == 0
    assert read_settings(next(Path("again").glob("*.png"))).pixel_sha256 == read_settings(drawn).pixel_sha256
    refused = underpaint("generate", "--like", "red-256.png", "-m", tiny_model)
    assert refused.code == 2 and "only enlarged" in refused.stderr


def test_nothing_of_torch_is_loaded(here):
    code = "import sys; from underpaint.cli.app import main; sys.exit(main(sys.argv[1:]) or 'torch' in sys.modules)"
    words = shlex.split("upscale red.png --no-sign --size 256 --quiet")
    finished = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=here, capture_output=True, text=True, check=False
    )
    assert (finished.returncode, finished.stderr) == (0, "")
