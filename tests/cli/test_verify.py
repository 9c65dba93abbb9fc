from __future__ import annotations

import pytest
from PIL import Image

from underpaint.pipelines.picture_file import read_picture, save


@pytest.fixture
def picture(underpaint, tiny_model, tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERPAINT_KEYS", str(tmp_path / "keys"))
    assert underpaint("generate", "a cat", "--seed", 7, "-m", tiny_model, "--out", tmp_path).code == 0
    return tmp_path / "underpaint-a-cat-7.png"


def test_a_drawn_picture_leaves_with_0(underpaint, picture):
    finished = underpaint("verify", picture)
    assert finished.code == 0 and "as drawn" in finished.stdout and "a cat" in finished.stdout
    assert underpaint("verify", "--json", picture).json["settings"]["watermark"] == "cosines-1/public"


def test_a_changed_picture_leaves_with_3(underpaint, picture, tmp_path):
    image = read_picture(picture)
    image.putpixel((0, 0), (1, 2, 3, 255))
    finished = underpaint("verify", "--json", save(image, tmp_path / "changed.png"))
    assert finished.code == 3 and finished.json["verdict"] == "changed" and not finished.json["pixels_unchanged"]


def test_a_foreign_picture_leaves_with_2_and_a_damaged_one_with_3(underpaint, tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "x.png")
    assert underpaint("verify", tmp_path / "x.png").code == 2
    (tmp_path / "y.png").write_bytes((tmp_path / "x.png").read_bytes()[:50])
    assert underpaint("verify", tmp_path / "y.png").code == 3


def test_a_sheet_of_ours_and_a_folder_are_told_apart_from_foreign_pictures(underpaint, tmp_path):
    sheet = tmp_path / "underpaint-sheet.png"
    Image.new("RGB", (64, 64)).save(sheet)
    finished = underpaint("verify", sheet)
    assert finished.code == 2 and "a sheet of several pictures" in finished.stdout
    assert "underpaint did not draw it" not in finished.stdout
    shown = underpaint("show", sheet)
    assert shown.code == 2 and f"{sheet} is by its name a sheet of several pictures" in shown.stderr
    for command in ("verify", "show"):
        assert (
            f"{tmp_path} cannot be read (Is a directory); name a picture's file" in underpaint(command, tmp_path).stderr
        )


def test_no_mark_is_put_where_none_is_wanted_and_a_marked_one_is_drawn_again_alike(
    underpaint, tiny_model, picture, tmp_path
):
    again = underpaint("generate", "--like", picture, "-m", tiny_model, "--out", tmp_path / "like", "--json")
    assert again.json["same_pixels"] is True
    plain = underpaint(
        "generate", "a cat", "--seed", 7, "--watermark", "none", "-m", tiny_model, "--out", tmp_path, "--json"
    )
    assert plain.json["pictures"][0]["drawn"] and plain.json["pictures"][0]["settings"]["watermark"] is None
