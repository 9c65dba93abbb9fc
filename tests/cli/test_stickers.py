from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two pictures, ``red.png`` and ``blue.png``."""
    for color in ("red", "blue"):
        picture = Image.new("RGBA", (32, 32))
        picture.paste(color, (4, 8, 28, 24))
        picture.save(tmp_path / f"{color}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_one_line_makes_the_files_of_two_places(underpaint, here):
    finished = underpaint("stickers", "red.png", "blue.png", "--for", "discord-emoji, slack", "--quiet")
    assert finished.code == 0 and finished.stderr == ""
    lines = finished.stdout.splitlines()
    assert lines[0].startswith("stickers/discord-emoji: 2 files, ") and lines[2].startswith("stickers/slack: 2 files, ")
    files = sorted(path.relative_to(here).as_posix() for path in here.glob("stickers/**/*.*"))
    assert files == [
        "stickers/discord-emoji/01-red.png",
        "stickers/discord-emoji/02-blue.png",
        "stickers/slack/01-red.png",
        "stickers/slack/02-blue.png",
        "stickers/stickers.json",
    ]


def test_every_option_reaches_the_files(underpaint, here):
    look = ["--contour", "#00ff00:32", "--background", "black", "--shadow", "--bare"]
    finished = underpaint("stickers", "red.png", "--for", "slack", *look, "--out", "green", "--json")
    file = finished.json["files"][0]
    assert (finished.json["out"], file["path"], file["width"]) == ("green", "slack/01-red.png", 128)
    image = Image.open("green/slack/01-red.png").convert("RGBA")
    colors = {color for _, color in image.getcolors(100_000) or ()}
    assert {(0, 0, 0, 255), (0, 255, 0, 255), (255, 0, 0, 255)} <= colors and "Software" not in image.info


def test_the_files_of_a_pack_that_its_place_does_not_take_are_made_and_the_exit_code_says_incomplete(underpaint, here):
    finished = underpaint("stickers", "red.png", "--for", "whatsapp,slack", "--title", "Boxes", "--author", "Ada")
    told = "WhatsApp takes packs of 3 to 30 stickers, and there is 1 here; name 2 more"
    assert finished.code == 4 and f"incomplete: {told}" in finished.stderr
    assert '"name": "Boxes"' in Path("stickers/whatsapp/contents.json").read_text()
    assert Path("stickers/slack/01-red.png").exists()
    data = underpaint("stickers", "red.png", "--for", "whatsapp", "--out", "again", "--json").json
    assert data["incomplete"] == [told]
    assert (
        underpaint("stickers", *["red.png"] * 3, "--for", "whatsapp", "--out", "whole", "--json").json["incomplete"]
        == []
    )


def test_the_sheet_beside_pictures_is_left_out(underpaint, here):
    Image.new("RGB", (64, 64), "white").save("underpaint-sheet-2.png")
    finished = underpaint("stickers", "red.png", "underpaint-sheet-2.png", "--for", "slack", "--json")
    assert "note: left out as a sheet of several pictures: underpaint-sheet-2.png\n" in finished.stderr
    assert [one["words"] for one in finished.json["pictures"]] == ["red"]
    alone = underpaint("stickers", "underpaint-sheet-2.png", "--for", "slack", "--out", "x")
    assert alone.code == 2 and "no picture was named" not in alone.stderr
    assert "there is no picture but underpaint-sheet-2.png, which is skipped as a sheet of several pi" in alone.stderr
    sheets = [f"underpaint-sheet-{number}.png" for number in range(2, 7)]
    for name in sheets[1:]:
        Path(name).write_bytes(Path(sheets[0]).read_bytes())
    many = underpaint("stickers", *sheets, "--for", "slack", "--out", "x")
    assert f"no picture but {', '.join(sheets[:3])}, and 2 more, which" in many.stderr


def test_the_places_are_listed(underpaint, here):
    finished = underpaint("stickers", "--places")
    assert finished.code == 0 and "whatsapp " in finished.stdout and "512x512 webp, 96x96 png" in finished.stdout
    assert "telegram" in underpaint("stickers", "--places", "--json").json["places"]


def test_beside_the_list_of_places_nothing_else_is_taken(underpaint, here):
    finished = underpaint("stickers", "red.png", "--places", "--for", "slack", "--shadow")
    assert finished.code == 2 and not (here / "stickers").exists()
    assert "--places takes nothing else; leave out PICTURE, --for, --shadow" in finished.stderr


def test_all_mistakes_are_told_together_and_nothing_is_written(underpaint, here):
    finished = underpaint("stickers", "--for", "nowhere", "--contour", "x", "--background", "y")
    assert finished.code == 2
    assert all(
        words in finished.stderr for words in ("4 mistakes", "'nowhere'", "--contour", "--background", "no pict")
    )
    assert underpaint("stickers", "red.png").code == 2
    assert "does not exist" in underpaint("stickers", "none.png", "--for", "slack").stderr
    Path("stickers").mkdir()
    assert underpaint("stickers", "red.png", "--for", "slack").code == 6
