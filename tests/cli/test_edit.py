from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from underpaint.pipelines.editing.asking import choose_editing
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.opening import open_model
from underpaint.pipelines.picture_file import read_picture, read_settings
from underpaint.pipelines.planning import Options, plan
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import Settings


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a picture, ``red.png``, and a mask of its left half, ``left.png``."""
    picture = Image.new("RGBA", (32, 32))
    picture.paste((200, 30, 30, 255), (4, 4, 28, 28))
    picture.save(tmp_path / "red.png")
    mask = Image.new("RGBA", (32, 32), "white")
    mask.paste((0, 0, 0, 0), (0, 0, 16, 32))
    mask.save(tmp_path / "left.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def edit(underpaint, here, tiny_model):
    """Run ``underpaint edit`` with the tiny model."""
    return lambda *arguments: underpaint("edit", *arguments, "-m", tiny_model)


def pixels(path: Path | str) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGBA"))


def test_one_line_edits_a_picture_and_leaves_it_alone(edit, here):
    before = (here / "red.png").read_bytes()
    finished = edit("red.png", "a smiling cat", "--seed", 7)
    assert (finished.code, finished.stdout, finished.stderr) == (0, "underpaint-edit-a-smiling-cat-7.png\n", "")
    settings = read_settings(here / "underpaint-edit-a-smiling-cat-7.png")
    assert settings.edit is not None and (settings.edit.strength, settings.watermark) == (0.8, "cosines-1/public")
    assert (here / "red.png").read_bytes() == before


def test_a_second_run_draws_nothing_again(edit, here):
    edit("red.png", "a cat", "--seed", 7)
    assert edit("red.png", "a cat", "--seed", 7).stdout.endswith("(was there already)\n")
    assert edit("red.png", "a cat", "--seed", 7, "--strength", 0.4).stdout == "underpaint-edit-a-cat-7-2.png\n"


def test_outside_the_mask_every_bit_stays_with_the_mark_on(edit, here):
    edit("red.png", "a cat", "--mask", "left.png", "--seed", 7, "--watermark", "public")
    edited, picture = pixels("underpaint-edit-a-cat-7.png"), pixels("red.png")
    assert np.array_equal(edited[:, 16:], picture[:, 16:]) and not np.array_equal(edited, picture)


def test_a_white_mask_is_the_other_way_round(edit, here):
    edit("red.png", "a cat", "--mask", "left.png", "--mask-edits", "white", "--seed", 7)
    assert np.array_equal(pixels("underpaint-edit-a-cat-7.png")[:, :16], pixels("red.png")[:, :16])


def test_several_pictures_come_with_a_sheet_and_every_option_reaches_them(edit, here):
    options = ["--style", "flat", "--negative", "a dog", "--mix", "an apple", "--mix-share", 0.25, "--steps", 1]
    finished = edit("red.png", "a cat", "-n", 2, "--seed", 3, "--guidance", 3, "--strength", 0.5, *options, "--json")
    first, second = (picture["settings"] for picture in finished.json["pictures"])
    assert (first["seed"], second["seed"], first["style"], first["guidance"], first["steps"]) == (3, 4, "flat", 3.0, 1)
    record = first["edit"]
    assert (record["negative"], record["mix"], record["mix_share"]) == ("a dog", "an apple", 0.25)
    assert finished.json["sheet"] == "underpaint-sheet.png"
    assert not edit("red.png", "a dog", "-n", 2, "--no-sheet", "--json").json["sheet"]


def test_a_picture_of_ours_is_varied_by_its_own_words(underpaint, edit, here, tiny_model):
    underpaint("generate", "a red cat", "--style", "noto", "--seed", 7, "-m", tiny_model)
    finished = edit("underpaint-a-red-cat-noto-7.png", "-n", 2, "--seed", 1, "--no-sheet")
    assert "own words are used: 'a red cat'" in finished.stderr
    assert finished.stdout.splitlines()[0] == "underpaint-edit-a-red-cat-noto-1.png"
    edited = read_picture(here / "underpaint-edit-a-red-cat-noto-1.png").info["underpaint"]
    assert edited.edit.picture_sha256 == read_settings(here / "underpaint-a-red-cat-noto-7.png").pixel_sha256


def test_without_words_a_foreign_picture_is_varied_and_its_size_is_told(edit, here):
    Image.open("red.png").resize((50, 20)).save("wide.png")
    finished = edit("wide.png", "--seed", 1)
    assert finished.stdout == "underpaint-edit-1.png\n"
    assert finished.stderr == "note: the picture is scaled from 50x20 to the model's 32x32\n"


def test_words_beside_the_prompt_that_are_not_read_are_told_too(edit):
    finished = edit("red.png", "a cat", "--seed", 7, "--negative", "cat " * 24 + "and a dog", "--mix", "a giraffe")
    assert "does not read the end" in finished.stderr and "giraffe" in finished.stderr


def test_show_says_what_was_edited_and_verify_that_it_holds(underpaint, edit, here, tiny_model):
    edit("red.png", "a cat", "--seed", 7, "--mask", "left.png", "--negative", "a dog")
    shown = underpaint("show", "underpaint-edit-a-cat-7.png", "-m", tiny_model).stdout
    assert "edit PICTURE 'a cat' --mask MASK --seam 2 --strength 1.0 --negative 'a dog' --seed 7" in shown
    assert "the picture with the pixels" in shown
    assert underpaint("verify", "underpaint-edit-a-cat-7.png").code == 0


def test_generate_does_not_draw_an_edit_again(underpaint, edit, here, tiny_model):
    edit("red.png", "a cat", "--seed", 7)
    finished = underpaint("generate", "--like", "underpaint-edit-a-cat-7.png", "-m", tiny_model)
    assert finished.code == 2 and "is an edit, which needs the picture" in finished.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["none.png", "a cat"], 2, "none.png does not exist"),
        (["red.png", "a cat", "--mask", "wide.png"], 2, "make the mask as large as the picture"),
        (["red.png", "a cat", "--strength", "2"], 2, "--strength must lie between 0 and 1, got 2"),
        (["red.png", "a cat", "--seam", "1"], 2, "--seam means nothing without a mask"),
        (["red.png", "a cat", "--mask-edits", "white"], 2, "--mask-edits means nothing without --mask"),
        (["red.png", "a cat", "--mix-share", "0.5"], 2, "--mix-share means nothing without --mix"),
        (["red.png", "a cat", "--threads", "0"], 2, "--threads must be at least 1"),
        (["red.png", "a cat", "--mask", "red.png", "--mask-edits", "white"], 2, "no pixel of it is white"),
        (["broken.png", "a cat"], 3, "broken.png is neither a PNG nor a JPEG nor a WebP file"),
    ],
)
def test_what_cannot_be_used_is_refused_in_our_words(edit, here, arguments, code, message):
    Image.new("RGBA", (64, 32)).save("wide.png")
    (here / "broken.png").write_bytes(b"no picture")
    finished = edit(*arguments)
    assert finished.code == code and message in finished.stderr
    assert not list(here.glob("underpaint-*"))


def test_a_graph_that_only_draws_is_refused(underpaint, here):
    finished = underpaint("edit", "red.png", "a cat", "-m", "stickers-64-onnx-int8")
    assert finished.code == 2 and "exported without a graph that edits; export the model again" in finished.stderr


def without_torch(here: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process that has no torch."""
    program = (
        "import importlib.util, sys\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'torch' else found(name, *rest)\n"
        "sys.modules['torch'] = None\n"
        "from underpaint.cli.app import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-W", "error", "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=here, check=False)


def test_the_shipped_model_edits_without_torch(here):
    finished = without_torch(here, "edit", "red.png", "a cat", "--seed", "7")
    assert (finished.returncode, finished.stdout) == (0, "underpaint-edit-a-cat-7.png\n")
    assert read_settings(here / "underpaint-edit-a-cat-7.png").engine == "onnx"


def test_without_torch_another_model_is_refused_with_the_command(here, tiny_model):
    finished = without_torch(here, "edit", "red.png", "a cat", "-m", str(tiny_model))
    assert finished.returncode == 5 and "[train]'" in finished.stderr


def test_the_graph_edits_what_it_was_unrolled_for_and_torch_the_rest():
    model = open_model()
    planned = model_settings(model)
    assert choose_editing(model, settings=planned) == "onnx"
    assert choose_editing(model, settings=[one.model_copy(update={"steps": 8}) for one in planned]) == "torch"
    assert choose_editing(model, settings=planned, device="cuda") == "torch"


def model_settings(model: Model) -> list[Settings]:
    """Settings of a picture that the model would draw by default."""
    return plan(model, [PromptRow(prompt="a cat")], Options(seed=7))


def test_paper_that_counts_as_drawn_is_told_where_some_of_it_would_stay(edit, here):
    sketch = Image.new("RGB", (32, 32), "white")
    sketch.paste("black", (12, 12, 20, 20))
    sketch.save("sketch.png")
    words = "if it is paper, make it transparent first"
    assert words in edit("sketch.png", "a cat", "--strength", 0.5, "--seed", 1).stderr
    assert words not in edit("sketch.png", "a cat", "--strength", 1, "--seed", 1).stderr
    assert words not in edit("red.png", "a cat", "--strength", 0.5, "--seed", 1).stderr


@pytest.mark.parametrize(("seed", "said"), [([], r"again with --seed \d+ to go on"), (["--seed", 7], "again to go on")])
def test_an_interruption_says_the_seed_with_which_the_same_pictures_go_on(edit, monkeypatch, seed, said):
    from underpaint.pipelines.editing.editor import Editor

    def interrupted(self, settings, **_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Editor, "draw", interrupted)
    finished = edit("red.png", "a cat", *seed)
    assert finished.code == 130 and re.search(f"run the same command {said} with the others", finished.stderr)
