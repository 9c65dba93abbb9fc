from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from underpaint.pipelines import model_folder
from underpaint.pipelines.picture_file import read_picture, read_settings


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def generate(underpaint, here, tiny_model):
    """Run ``underpaint generate`` with the tiny model in an empty folder."""

    def call(*arguments: object, model: Path | None = tiny_model):
        return underpaint("generate", *arguments, *(() if model is None else ("-m", model)))

    return call


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_one_line_draws_one_picture(generate, here):
    finished = generate("a smiling cat", "--seed", 7)
    assert (finished.code, finished.stdout) == (0, "underpaint-a-smiling-cat-7.png\n")
    assert finished.stderr == ""
    image = read_picture(here / "underpaint-a-smiling-cat-7.png")
    assert image.mode == "RGBA" and image.info["underpaint"].prompt == "a smiling cat"


def test_a_second_run_draws_nothing_again(generate, here):
    generate("a cat", "--seed", 7)
    written = (here / "underpaint-a-cat-7.png").stat().st_mtime_ns
    finished = generate("a cat", "--seed", 7)
    assert finished.stdout == "underpaint-a-cat-7.png  (was there already)\n"
    assert (here / "underpaint-a-cat-7.png").stat().st_mtime_ns == written


def test_the_same_seed_is_the_same_picture_alone_and_in_a_batch(generate, here):
    generate("a dog", "a cat", "-n", 3, "--seed", 5, "--batch-size", 4, "--out", "batch")
    generate("a cat", "--seed", 7, "--out", "alone")
    name = "underpaint-a-cat-7.png"
    assert (here / "alone" / name).read_bytes() == (here / "batch" / name).read_bytes()


def test_several_pictures_come_with_a_sheet_and_progress(generate, here):
    finished = generate("a cat", "-n", 3, "--seed", 0)
    assert finished.stdout.splitlines()[-1] == "underpaint-sheet.png  (all on one sheet)"
    assert "draw: 3/3 pictures" in finished.stderr
    assert generate("a cat", "-n", 3, "--seed", 0).stdout.count("already") == 3
    assert names(here).count("underpaint-sheet.png") == 1 and len(names(here)) == 4
    generate("a dog", "-n", 2, "--seed", 0, "--no-sheet", "--out", "plain")
    assert len(names(here / "plain")) == 2


def test_every_option_reaches_the_picture(generate, here):
    options = ["--style", "flat", "--seed", 7, "--background", "white", "--guidance", 3, "--steps", 1]
    finished = generate("a cat", *options, "--device", "cpu", "--threads", 1, "--json")
    settings = finished.json["pictures"][0]["settings"]
    assert (settings["style"], settings["background"], settings["guidance"], settings["steps"]) == (
        *("flat", "#ffffff", 3.0),
        1,
    )
    assert read_picture(here / "underpaint-a-cat-flat-7.png").mode == "RGB"


def test_json_names_every_picture_its_settings_and_the_model(generate, here, tiny_model):
    document = generate("a cat", "-n", 2, "--seed", 7, "--json").json
    assert [picture["path"] for picture in document["pictures"]] == ["underpaint-a-cat-7.png", "underpaint-a-cat-8.png"]
    assert all(picture["drawn"] for picture in document["pictures"])
    assert document["pictures"][1]["settings"] == read_settings(here / "underpaint-a-cat-8.png").model_dump(mode="json")
    assert document["sheet"] == "underpaint-sheet.png" and document["same_pixels"] is None
    assert document["model"]["folder"] == str(tiny_model)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("wishes.txt", "a cat\na dog\n"),
        ("wishes.csv", "prompt,seed\na cat,0\na dog,\n"),
        ("wishes.jsonl", '{"prompt": "a cat"}\n{"prompt": "a dog", "n": 1}\n'),
    ],
)
def test_a_file_of_prompts_is_drawn_and_can_be_resumed(generate, here, name, content):
    (here / name).write_text(content)
    expected = ["underpaint-a-cat-0.png", "underpaint-a-dog-0.png"]
    assert generate("--prompts", name, "--out", "out", "--no-sheet").code == 0
    assert names(here / "out") == expected
    (here / "out" / expected[1]).unlink()
    finished = generate("--prompts", name, "--out", "out", "--no-sheet", "--json")
    assert [picture["drawn"] for picture in finished.json["pictures"]] == [False, True]


def test_a_long_batch_is_summed_up(generate, here):
    (here / "wishes.txt").write_text("a cat\n" * 21)
    lines = generate("--prompts", "wishes.txt", "--out", "out").stdout.splitlines()
    assert lines[0] == "21 pictures drawn into out" and len(lines) == 2


def test_unusual_and_long_prompts_are_commented(generate):
    finished = generate("un café ☃", "--seed", 7)
    assert finished.code == 0 and "is read as 'un cafe " in finished.stderr
    assert "does not read the end" in generate("cat " * 24 + "and a dog", "--seed", 7).stderr


def test_words_that_the_model_does_not_know_are_named_and_no_others(generate):
    finished = generate("a red zebra, a cat, a green zebra and an okapi", "--seed", 7)
    assert finished.stderr == "note: the model reads as unknown, whatever it means: 'zebra', 'okapi'\n"
    assert generate("a smiling cat with sunglasses.", "--seed", 7).stderr == ""
    beyond = generate("cat " * 24 + "zebra", "--seed", 7).stderr
    assert "does not read the end" in beyond and "unknown" not in beyond
    assert generate("a zebra", "--seed", 7, "--quiet").stderr == ""


def test_like_draws_the_same_pixels_again(generate, here):
    generate("A cat!", "--seed", 7, "--style", "flat", "--guidance", 2.5, "--background", "#ffcc00")
    finished = generate("--like", "underpaint-a-cat-flat-7.png", "--json")
    (picture,) = finished.json["pictures"]
    assert finished.json["same_pixels"] is True and picture["drawn"]
    assert picture["path"] == "underpaint-a-cat-flat-7-2.png" and picture["settings"]["prompt"] == "A cat!"
    assert (here / picture["path"]).read_bytes() == (here / "underpaint-a-cat-flat-7.png").read_bytes()


def test_like_can_change_one_thing(generate):
    generate("a cat", "--seed", 7, "--style", "flat")
    finished = generate("a dog", "--like", "underpaint-a-cat-flat-7.png", "-n", 2, "--json")
    settings = [picture["settings"] for picture in finished.json["pictures"]]
    assert [(one["prompt"], one["seed"], one["style"]) for one in settings] == [
        ("a dog", 7, "flat"),
        ("a dog", 8, "flat"),
    ]
    assert finished.json["same_pixels"] is None


def test_like_says_when_the_pixels_differ(generate, here):
    generate("a cat", "--seed", 7)
    path = here / "underpaint-a-cat-7.png"
    data = path.read_bytes()
    image = read_picture(path)
    settings = image.info["underpaint"].model_copy(update={"pixel_sha256": "0" * 64})
    from underpaint.pipelines.picture_file import attach, save

    save(attach(image, settings), path, overwrite=True)
    assert path.read_bytes() != data
    assert "the pixels differ" in generate("--like", path).stdout


def test_like_needs_the_same_model_or_force(generate, make_tiny_model, tmp_path):
    other = make_tiny_model(tmp_path / "other", seed=1, refined=False)
    generate("a cat", "--seed", 7)
    finished = generate("--like", "underpaint-a-cat-7.png", model=other)
    assert finished.code == 4 and "drawn by tiny" in finished.stderr and "--force" in finished.stderr
    forced = generate("--like", "underpaint-a-cat-7.png", "--force", "--json", model=other).json
    assert forced["same_pixels"] is None and forced["pictures"][0]["settings"]["model"] == "other"


def test_like_finds_a_shipped_model_by_its_digest(generate, tiny_model, make_tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(model_folder, "SHIPPED", tmp_path / "shipped")
    make_tiny_model(tmp_path / "shipped" / "stickers-64", seed=1)
    generate("a cat", "--seed", 7)
    missing = generate("--like", "underpaint-a-cat-7.png", model=None)
    assert missing.code == 4 and "but this model is stickers-64" in missing.stderr
    shutil.copytree(tiny_model, tmp_path / "shipped" / "older")
    assert generate("--like", "underpaint-a-cat-7.png", "--json", model=None).json["same_pixels"] is True


BAD: dict[str, tuple[list[object], int, str]] = {
    "nothing": ([], 2, "there is nothing to draw"),
    "empty prompt": ([""], 2, "the prompt is empty"),
    "blank prompt": (["  \t"], 2, "the prompt is empty"),
    "long prompt": (["x" * 10_000], 2, "10,000 characters"),
    "right to left": (["قطة"], 2, "write the prompt in English"),
    "bytes that are no text": (["cat \udcff"], 2, "surrogate"),
    "unknown style": (["a cat", "--style", "nota"], 2, "did you mean 'noto'"),
    "words and file": (["a cat", "--prompts", "x.txt"], 2, "not both"),
    "file and picture": (["--prompts", "x.txt", "--like", "x.png"], 2, "--like draws one picture"),
    "missing file": (["--prompts", "none.txt"], 2, "cannot be read"),
    "missing picture": (["--like", "none.png"], 2, "does not exist"),
    "no number": (["a cat", "-n", "many"], 2, "invalid int value"),
    "zero pictures": (["a cat", "-n", 0], 2, "-n must be a whole number between 1 and 1000, got 0"),
    "negative seed": (
        ["a cat", "--seed", -1],
        2,
        "--seed must be a whole number between 0 and 9007199254740991, got -1",
    ),
    "huge seed": (["a cat", "--seed", 2**60], 2, f"got {2**60}"),
    "guidance": (["a cat", "--guidance", "nan"], 2, "--guidance must lie between 0 and 20, got nan"),
    "much guidance": (["a cat", "--guidance", "30"], 2, "error: --guidance must lie between 0 and 20, got 30\n"),
    "steps": (["a cat", "--steps", "-1"], 2, "--steps must be a whole number between 0 and 1000, got -1"),
    "background": (["a cat", "--background", "puce"], 2, "unknown background"),
    "threads": (["a cat", "--threads", 0], 2, "--threads must be at least 1"),
    "batch size": (["a cat", "--batch-size", 0], 2, "--batch-size must be at least 1"),
    "device": (["a cat", "--device", "toaster"], 2, "choose one of cpu"),
    "device elsewhere": (["a cat", "--device", "cuda:99"], 5, "not available here"),
    "force alone": (["a cat", "--force"], 2, "--force only means something"),
    "unwritable folder": (["a cat", "--out", "file/new"], 6, "a part of the path is a file"),
    "folder is a file": (["a cat", "--out", "file"], 6, "a part of the path is a file"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error_and_leaves_nothing(generate, here, case):
    arguments, code, message = BAD[case]
    (here / "file").write_text("")
    finished = generate(*arguments)
    assert finished.code == code
    assert message in finished.stderr and finished.stdout == ""
    assert "Traceback" not in finished.stderr and len(finished.stderr.splitlines()) == 1
    assert names(here) == ["file"]


def test_all_mistakes_of_a_command_are_told_together(generate, here):
    numbers = ["--guidance", 30, "--style", "nota", "--steps", -1, "--batch-size", 0, "--background", "puce"]
    finished = generate("", "قطة", *numbers)
    lines = finished.stderr.splitlines()
    assert (finished.code, len(lines), lines[0]) == (2, 1 + 7, "error: 7 mistakes:")
    for part in ("--guidance", "'nota'", "--steps", "--batch-size", "'puce'", "is empty", "U+0642"):
        assert sum(part in line for line in lines) == 1, part
    assert names(here) == []


def test_mistakes_of_a_file_its_prompts_and_the_command_are_told_together(generate, here):
    (here / "wishes.csv").write_text("prompt,style,seed\na cat,nota,x\nقطة,,\na dog,flat,1\n")
    finished = generate("--prompts", "wishes.csv", "--guidance", 30)
    assert [line.strip().partition(":")[0] for line in finished.stderr.splitlines()[1:]] == [
        "wishes.csv, row 2",
        "--guidance must lie between 0 and 20, got 30",
        "wishes.csv, row 2",
        "wishes.csv, row 3",
    ]
    assert "pydantic" not in finished.stderr and "Input should" not in finished.stderr


def test_mistakes_of_a_file_are_told_in_the_order_of_their_rows(generate, here):
    rows = ("prompt,style,n", "a cat,baroque,1", "a dog,,0", "\u732b,,1", ",,1", "a fox,oil,5000")
    (here / "rows.csv").write_text("\n".join(rows), encoding="utf-8")
    finished = generate("--prompts", "rows.csv", "--style", "rococo")
    assert finished.code == 2
    numbers = re.findall(r"rows.csv, row (\d): ", finished.stderr)
    assert numbers == sorted(numbers) and {*numbers} == {*"23456"} and "rococo" in finished.stderr


def test_like_tells_all_mistakes_together(generate, here):
    generate("a cat", "--seed", 7)
    finished = generate("--like", "underpaint-a-cat-7.png", "--guidance", 30, "--style", "nota")
    assert finished.code == 2 and len(finished.stderr.splitlines()) == 1 + 2


def test_a_missing_picture_or_an_option_of_other_models_does_not_hide_other_mistakes(generate):
    finished = generate("--like", "none.png", "--threads", 0, "--size", "8x8", model=None)
    assert len(finished.stderr.splitlines()) == 1 + 3
    for part in ("--threads must be at least 1", "--size: only pipelines of diffusers", "none.png does not exist"):
        assert part in finished.stderr


def test_a_missing_model_does_not_hide_other_mistakes(generate, tmp_path):
    finished = generate("", "--guidance", 30, model=tmp_path / "none")
    assert len(finished.stderr.splitlines()) == 1 + 3 and "there is no model folder" in finished.stderr


def test_errors_are_json_if_asked(generate):
    document = generate("", "--json").json
    assert document["error"]["type"] == "PromptError" and document["error"]["exit_code"] == 2


def test_a_picture_of_another_program_is_no_model_for_like(generate, here):
    Image.new("RGBA", (2, 2)).save(here / "foreign.png")
    (here / "text.png").write_text("no picture")
    assert generate("--like", "foreign.png").code == 2
    assert generate("--like", "text.png").code == 3


@pytest.mark.parametrize(
    ("model", "code", "message"),
    [
        ("none", 2, "there is no model folder"),
        ("empty", 4, "is no model of underpaint"),
        ("cut", 4, "cut off or changed"),
    ],
)
def test_a_bad_model_is_one_clear_error(generate, here, tiny_model, tmp_path, model, code, message):
    (tmp_path / "empty").mkdir()
    shutil.copytree(tiny_model, tmp_path / "cut")
    with (tmp_path / "cut" / "autoencoder" / "model.safetensors").open("r+b") as file:
        file.truncate(100)
    finished = generate("a cat", model=tmp_path / model)
    assert (finished.code, len(finished.stderr.splitlines())) == (code, 1)
    assert message in finished.stderr and names(here) == []


def test_words_are_checked_before_a_model_is_opened(generate, tmp_path):
    assert "the prompt is empty" in generate("", model=tmp_path / "none").stderr


def loaded_by(*arguments: object, cwd: Path) -> set[str]:
    """Run the command in a fresh process and return the packages it has imported."""
    code = (
        "import json, sys; from underpaint.cli.app import main; code = main(sys.argv[1:]);"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules}))); sys.exit(code)"
    )
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    finished = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)
    return set(json.loads(finished.stdout.splitlines()[-1]))


def test_drawing_imports_neither_diffusers_nor_transformers_and_drawing_nothing_no_torch(tiny_model, tmp_path):
    call = ("generate", "a cat", "--seed", 7, "-m", tiny_model)
    first, second = loaded_by(*call, cwd=tmp_path), loaded_by(*call, cwd=tmp_path)
    assert "torch" in first and not first & {"diffusers", "transformers", "huggingface_hub", "scipy", "pandas"}
    assert "torch" not in second


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a cat"], r"run the same command again with --seed \d+ to go on"),
        (["a cat", "--seed", 7], "run the same command again to go on"),
        (["a cat", "a dog"], "run the same command again with the prompts that are missing"),
        (["a cat", "a dog", "--seed", 7], "run the same command again to go on"),
    ],
)
def test_an_interruption_says_what_the_same_pictures_go_on_with(generate, monkeypatch, arguments, said):
    from underpaint.pipelines import picture_folder

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(picture_folder, "draw_into", interrupted)
    finished = generate(*arguments)
    assert finished.code == 130 and re.search(f"the finished pictures are kept; {said}", finished.stderr)
