from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from underpaint.pipelines import model_folder
from underpaint.pipelines.picture_file import attach, read_picture, save


@pytest.fixture
def picture(underpaint, tiny_model, tmp_path) -> Path:
    """A picture that the tiny model drew."""
    underpaint("generate", "A Cat ☃", "--seed", 7, "--style", "flat", "-m", tiny_model, "--out", tmp_path, "--quiet")
    (path,) = tmp_path.glob("*.png")
    return path


def test_show_says_what_made_a_picture(underpaint, picture):
    finished = underpaint("show", picture)
    facts = dict(line.strip().split("  ", 1) for line in finished.stdout.splitlines())
    assert finished.code == 0
    assert facts["prompt"] == "A Cat ☃" and facts["read as"].startswith("a cat snow")
    assert (facts["style"], facts["seed"], facts["size"], facts["pixels"]) == ("flat", "7", "32x32", "as drawn")
    assert facts["model"].startswith("tiny (") and "not at hand" in facts["again"]


def test_show_finds_the_model_by_its_digest(underpaint, picture, tiny_model, make_tiny_model, tmp_path, monkeypatch):
    again = f"underpaint generate --like {picture} -m {tiny_model}"
    assert again in underpaint("show", picture, "-m", tiny_model).stdout
    other = make_tiny_model(tmp_path / "other", seed=1)
    assert underpaint("show", picture, "-m", other, "--json").json["model_available"] is False
    monkeypatch.setattr(model_folder, "SHIPPED", tmp_path / "shipped")
    shutil.copytree(tiny_model, tmp_path / "shipped" / "any-name")
    document = underpaint("show", picture, "--json").json
    assert document["model_available"] and document["model_folder"] == str(tmp_path / "shipped" / "any-name")


def test_a_damaged_shipped_model_does_not_matter(underpaint, picture, tmp_path, monkeypatch):
    monkeypatch.setattr(model_folder, "SHIPPED", tmp_path / "shipped")
    (tmp_path / "shipped" / "broken").mkdir(parents=True)
    (tmp_path / "shipped" / "broken" / "manifest.json").write_text("{")
    assert underpaint("show", picture, "--json").json["model_available"] is False


def test_json_holds_all_settings(underpaint, picture):
    document = underpaint("show", "--json", picture).json
    assert document["settings"] == read_picture(picture).info["underpaint"].model_dump(mode="json")
    assert document["pixels_unchanged"] is True


def test_show_notices_retouched_pixels(underpaint, picture):
    image = read_picture(picture)
    settings = image.info["underpaint"]
    image.putpixel((3, 3), (1, 2, 3, 255))
    save(attach(image, settings), picture, overwrite=True)
    assert "changed since they were drawn" in underpaint("show", picture).stdout


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("foreign.png", 2, "underpaint did not draw it"),
        ("text.png", 3, "is no PNG file"),
        ("cut.png", 3, "cut off"),
        ("none.png", 2, "does not exist"),
        (".", 2, "cannot be read"),
    ],
)
def test_what_underpaint_did_not_draw_is_one_clear_error(underpaint, picture, name, code, message):
    folder = picture.parent
    Image.new("RGBA", (2, 2)).save(folder / "foreign.png")
    (folder / "text.png").write_text("hello")
    (folder / "cut.png").write_bytes(picture.read_bytes()[:-30])
    finished = underpaint("show", folder / name)
    assert (finished.code, finished.stdout) == (code, "")
    assert message in finished.stderr and len(finished.stderr.splitlines()) == 1


def test_show_does_not_load_torch(picture, tiny_model):
    import subprocess
    import sys

    code = "import sys; from underpaint.cli.app import main; main(sys.argv[1:]); sys.exit('torch' in sys.modules)"
    command = [sys.executable, "-c", code, "show", str(picture), "-m", str(tiny_model)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("command", ["show", "verify"])
def test_several_pictures_are_told_to_come_one_at_a_time(underpaint, command):
    finished = underpaint(command, "a.png", "b.png", "c.png")
    assert finished.code == 2 and f"{command} takes one picture at a time, got 3" in finished.stderr
    finished = underpaint(command, "a.png", "b.png", "--nonsense")
    assert finished.code == 2 and "unrecognized arguments: b.png --nonsense" in finished.stderr
