from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from underpaint.pipelines.picture_file import read_settings


@pytest.fixture
def sheet(underpaint, tiny_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run ``underpaint sheet`` with the tiny model in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: underpaint("sheet", *arguments, "-m", tiny_model)


def test_one_line_draws_a_subject_in_moods(sheet):
    finished = sheet("a cat", "--moods", "happy, sad", "--seed", 7, "--paper", "none", "--quiet")
    assert (finished.code, finished.stderr) == (0, "")
    assert finished.stdout.splitlines() == [
        "underpaint-cat-face-7.png",
        "underpaint-cat-face-happy-7.png",
        "underpaint-cat-face-sad-7.png",
        "underpaint-sheet.png",
    ]
    first, second = (read_settings(Path(name)) for name in finished.stdout.splitlines()[:2])
    assert second.edit is not None and second.edit.picture_sha256 == first.pixel_sha256
    assert first.watermark == second.watermark == "cosines-1/public"


def test_a_second_run_draws_nothing_again(sheet):
    arguments = ["a cat", "--moods", "happy", "--seed", 7, "--paper", "none"]
    sheet(*arguments)
    assert sheet(*arguments).stdout.count("(was there already)") == 2
    assert len(list(Path.cwd().glob("*.png"))) == 3
    later = sheet(*arguments[:-1], "letter").stdout
    assert later.count("(was there already)") == 2 and "underpaint-letter.pdf" in later and "sheet" not in later


def test_every_option_reaches_the_pictures(sheet):
    options = ["--style", "flat", "--same", 0.6, "--guidance", 2, "--watermark", "none", "--seed", 3]
    finished = sheet("a cat", "--moods", "happy", *options, "--paper", "none", "--out", "cats", "--json")
    first, second = (picture["settings"] for picture in finished.json["pictures"])
    assert (second["style"], second["seed"], second["guidance"], second["watermark"]) == ("flat", 3, 2.0, None)
    assert second["edit"]["strength"] == 0.4 and first["style"] == "flat" and "edit" not in first
    assert finished.json["sheets"] == ["cats/underpaint-sheet.png"]


def test_words_of_one_s_own_come_from_a_file_with_paper_and_stickers(sheet):
    Path("moods.txt").write_text("a cat\na cat with a hat\n")
    place = ["--for", "slack", "--contour", "none"]
    finished = sheet("--prompts", "moods.txt", "--seed", 1, "--paper", "letter", "--cut-line", *place, "--json")
    assert [picture["settings"]["prompt"] for picture in finished.json["pictures"]] == ["a cat", "a cat with a hat"]
    assert finished.json["sheets"][1:] == ["underpaint-letter.png", "underpaint-letter.pdf"]
    with Image.open("underpaint-letter.png") as page:
        assert page.size == (2550, 3300)
    assert [file["path"] for file in finished.json["stickers"]] == [
        "stickers/slack/01-a-cat.png",
        "stickers/slack/02-a-cat-with-a-hat.png",
    ]
    assert json.loads(Path("stickers/stickers.json").read_text())["look"]["contour"] is None


def test_stickers_are_called_by_their_moods_and_a_pack_too_small_for_its_place_is_incomplete(sheet):
    finished = sheet("a cat", "--moods", "happy", "--seed", 7, "--paper", "none", "--for", "whatsapp", "--json")
    assert [file["path"] for file in finished.json["stickers"]][:2] == [
        "stickers/whatsapp/01-cat-face.webp",
        "stickers/whatsapp/02-happy.webp",
    ]
    assert finished.code == 4
    assert finished.json["incomplete"] == [
        "WhatsApp takes packs of 3 to 30 stickers, and there are 2 here; name 1 more"
    ]


def test_moods_in_words_of_one_s_own_stand_beside_named_ones_and_name_their_files(sheet):
    own = ["--mood", "with its tongue out", "--mood", "a cat in the rain", "--mood", "with its tongue out"]
    finished = sheet("a cat", "--moods", "sad", *own, "--seed", 7, "--paper", "none", "--for", "slack", "--json")
    pictures = finished.json["pictures"]
    words = ["crying cat", "cat with its tongue out", "a cat in the rain"]
    assert [picture["settings"]["prompt"] for picture in pictures[1:]] == words
    assert [picture["path"] for picture in pictures] == [
        "underpaint-cat-face-7.png",
        "underpaint-cat-face-sad-7.png",
        "underpaint-cat-face-with-its-tongue-out-7.png",
        "underpaint-cat-face-a-cat-in-the-rain-7.png",
    ]
    assert finished.json["stickers"][2]["path"] == "stickers/slack/03-with-its-tongue-out.png"
    assert "'with its tongue out' stands twice; it is drawn once" in finished.stderr
    own = ["--mood", " sad", "--mood", "with a hat ", "--mood", "{} with a hat", "--mood", "with a hat"]
    finished = sheet("a cat", "--moods", "sad,happy", *own, "--seed", 7, "--paper", "none", "--out", "once")
    notes = [line for line in finished.stderr.splitlines() if "is drawn once" in line]
    assert notes == [
        "note: the mood 'sad' stands twice; it is drawn once",
        "note: the mood 'with a hat' stands twice; it is drawn once",
        "note: the mood '{} with a hat' means the same picture as another; it is drawn once",
    ]
    named = sheet("a cat", "--mood", "happy", "--seed", 7, "--paper", "none", "--out", "named", "--json").json
    assert [picture["settings"]["prompt"] for picture in named["pictures"]] == ["cat face", "grinning cat"]
    alone = sheet("a cat", "--mood", "in bed", "--seed", 7, "--paper", "none", "--out", "alone", "--json").json
    assert [picture["settings"]["prompt"] for picture in alone["pictures"]] == ["cat face", "cat in bed"]


def test_a_file_of_too_few_or_too_many_prompts_is_named_with_the_way_out(sheet):
    Path("moods.txt").write_text("with a hat\n")
    few = sheet("--prompts", "moods.txt")
    assert few.code == 2 and "moods.txt must hold 2 to 64 prompts for a sheet, got 1; " in few.stderr
    assert "or write a subject, with its moods in --moods or --mood" in few.stderr
    Path("moods.txt").write_text("a cat\n" * 65)
    many = sheet("--prompts", "moods.txt")
    assert "moods.txt must hold 2 to 64 prompts for a sheet, got 65; split it into several files" in many.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "write a subject"),
        (["a cat", "--prompts", "none.txt"], "one of the two"),
        (["--prompts", "none.txt"], "none.txt cannot be read"),
        (["a cat", "--moods", "joyful"], "choose some of happy"),
        (["a cat", "--mood", "x" * 201], "has 201 characters; at most 200 fit"),
        (["a cat", "--mood", " "], "a mood in words of your own is empty"),
        (["a cat", "--moods", ","], "got 0; name some in --moods, or say one in words of your own (--mood)"),
        (
            ["a cat", *(word for n in range(64) for word in ("--mood", f"with {n} hats"))],
            "got 64; draw several sheets",
        ),
        (["--prompts", "none.txt", "--mood", "x"], "--mood means nothing with --prompts"),
        (["a cat", "--same", "2", "--for", "nowhere", "--contour", "x"], "3 mistakes"),
        (["a cat", "--style", "baroque"], "baroque"),
        (["a cat", "--threads", "0"], "--threads must be at least 1"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_drawn(sheet, arguments, message):
    finished = sheet(*arguments)
    assert finished.code == 2 and message in finished.stderr
    assert not list(Path.cwd().glob("*.png"))


def test_a_folder_of_stickers_that_is_there_is_refused_before_anything_is_drawn(sheet):
    Path("stickers").mkdir()
    assert sheet("a cat", "--for", "slack").code == 6 and not list(Path.cwd().glob("*.png"))


@pytest.mark.parametrize("given", [None, 7])
def test_an_interruption_says_the_seed_with_which_the_same_pictures_go_on(sheet, monkeypatch, given):
    from underpaint.pipelines.editing.editor import Editor

    def interrupted(self, settings, **_):
        raise KeyboardInterrupt

    seed = [] if given is None else ["--seed", given]
    with monkeypatch.context() as patched:
        patched.setattr(Editor, "draw", interrupted)
        finished = sheet("a cat", "--moods", "happy", "--paper", "none", *seed)
    (picture,) = Path.cwd().glob("underpaint-cat-face-*.png")
    drawn = read_settings(picture).seed
    said = "again to go on" if given else f"again with --seed {drawn} to go on"
    assert finished.code == 130 and f"run the same command {said} with the others" in finished.stderr
    again = sheet("a cat", "--moods", "happy", "--paper", "none", "--seed", drawn)
    assert again.stdout.count("(was there already)") == 1 and len(list(Path.cwd().glob("*cat-face*.png"))) == 2


def test_a_sheet_that_was_interrupted_after_its_last_picture_is_laid_out_all_the_same(sheet):
    arguments = ["a cat", "--moods", "happy", "--seed", 7, "--paper", "none"]
    sheet(*arguments)
    whole = Path("underpaint-sheet.png").read_bytes()
    Path("underpaint-sheet.png").unlink()
    again = sheet(*arguments)
    assert again.stdout.count("(was there already)") == 2
    assert Path("underpaint-sheet.png").read_bytes() == whole
