from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import underpaint
from underpaint.core.errors import DataError, InputError
from underpaint.core.samples import Sample
from underpaint.stages.evaluate.drawing.folder import open_folder
from underpaint.stages.evaluate.drawing.pictures import check_sizes
from underpaint.stages.evaluate.drawing.wishes import COMPOSITION, MAIN

SPLITS = ("validation",)


def sample(id_: str, caption: str, split: str, style: str = "flat") -> Sample:
    return Sample(
        id=id_,
        cluster=id_,
        group=id_,
        name=caption,
        caption=caption,
        style=style,
        family="tests",
        source="tests",
        icon=caption,
        license="CC0-1.0",
        sha256_pixels="0" * 64,
        phash="0" * 16,
        split=split,
        level="cell" if split == "test_composition" else "",
        weight=1.0,
        file=f"{id_}.png",
    )


SAMPLES = [sample("1", "red apple", "validation"), sample("2", "green heart", "test_composition")]


def picture(path: Path, color: int = 100, size: int = 16, mode: str = "RGBA") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = {"RGBA": 4, "RGB": 3, "L": 1}[mode]
    Image.fromarray(np.full((size, size, channels), color, dtype=np.uint8).squeeze(), mode).save(path)
    return path


def write_metadata(folder: Path, *rows: dict) -> None:
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_prompts_come_from_metadata_and_find_their_real_pictures(tmp_path):
    picture(tmp_path / "a.png")
    picture(tmp_path / "sub" / "b.png", 50)
    write_metadata(
        tmp_path,
        {"file_name": "a.png", "text": "Red apple!", "style": "flat", "seed": 4},
        {"file_name": "sub/b.png", "prompt": "green heart", "style": "flat"},
    )
    first, second = (drawn.wish for drawn in open_folder(tmp_path, SAMPLES, SPLITS).pictures)
    assert (first.prompt, first.style, first.seed, first.part) == ("red apple!", "flat", 4, MAIN)
    assert second.part == COMPOSITION and second.level == "cell" and second.sample == SAMPLES[1]


def test_the_prompt_id_of_the_written_prompts_wins_over_words(tmp_path):
    picture(tmp_path / "a.png")
    write_metadata(tmp_path, {"file_name": "a.png", "prompt": "something else", "prompt_id": "1/flat"})
    (drawn,) = open_folder(tmp_path, SAMPLES, SPLITS).pictures
    assert drawn.wish.sample == SAMPLES[0] and drawn.wish.prompt_id == "1/flat"


def test_csv_with_a_byte_order_mark_and_other_picture_formats(tmp_path):
    picture(tmp_path / "a.jpg", mode="RGB")
    (tmp_path / "metadata.csv").write_bytes("\ufefffile_name,caption\na.jpg,red apple\n".encode())
    (drawn,) = open_folder(tmp_path, SAMPLES, SPLITS).pictures
    assert drawn.wish.prompt == "red apple" and drawn.load().shape == (16, 16, 4)


def test_what_generate_wrote_into_a_picture_is_enough(tmp_path, tiny_model):
    (image,) = underpaint.load(tiny_model).generate("a red apple", seed=3, style="flat")
    underpaint.save(image, tmp_path / "one.png")
    (drawn,) = open_folder(tmp_path, SAMPLES, SPLITS).pictures
    assert (drawn.wish.prompt, drawn.wish.style, drawn.wish.seed) == ("a red apple", "flat", 3)


def test_pictures_without_words_stay_in(tmp_path):
    picture(tmp_path / "a.png")
    (drawn,) = open_folder(tmp_path, SAMPLES, SPLITS).pictures
    assert drawn.wish.prompt == "" and drawn.wish.sample is None and drawn.wish.part == MAIN


def test_a_damaged_picture_is_named_and_can_be_left_out(tmp_path):
    picture(tmp_path / "a.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    with pytest.raises(DataError, match=r"1 of 2 .*broken\.png.*--skip-unreadable"):
        open_folder(tmp_path, SAMPLES, SPLITS)
    folder = open_folder(tmp_path, SAMPLES, SPLITS, skip_unreadable=True)
    assert len(folder.pictures) == 1 and "broken.png" in folder.skipped[0]
    assert folder.record().figures["skipped"] == folder.skipped


def test_an_animation_is_refused(tmp_path):
    frames = [Image.new("RGB", (16, 16), (shade, 0, 0)) for shade in (10, 200)]
    frames[0].save(tmp_path / "moving.webp", save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(DataError, match="several frames"):
        open_folder(tmp_path, SAMPLES, SPLITS)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"file_name": "b.png", "prompt": "x"}], "names 1 files that are not there: b.png"),
        ([{"prompt": "x"}], "row 1 has no file_name; its columns are prompt"),
        ([{"file_name": "a.png"}, {"file_name": "a.png"}], "names 'a.png' twice"),
        ([{"file_name": "a.png", "seed": -1}], "seed"),
    ],
)
def test_metadata_that_cannot_be_meant_is_refused(tmp_path, rows, message):
    picture(tmp_path / "a.png")
    write_metadata(tmp_path, *rows)
    with pytest.raises(InputError, match=message):
        open_folder(tmp_path, SAMPLES, SPLITS)


@pytest.mark.parametrize(
    ("name", "text", "row"),
    [
        ("metadata.csv", "file_name,prompt\na.png,x\n,y\n", 3),
        ("metadata.jsonl", '{"file_name": "a.png"}\n\n{"prompt": "y"}\n', 3),
    ],
)
def test_rows_are_counted_as_lines_of_the_file(tmp_path, name, text, row):
    picture(tmp_path / "a.png")
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=f"row {row} has no file_name"):
        open_folder(tmp_path, SAMPLES, SPLITS)


def test_broken_json_names_the_line(tmp_path):
    picture(tmp_path / "a.png")
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.png"}\n{broken\n')
    with pytest.raises(InputError, match="line 2 is no JSON"):
        open_folder(tmp_path, SAMPLES, SPLITS)


def test_no_folder_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        open_folder(tmp_path / "nothing", SAMPLES, SPLITS)
    with pytest.raises(InputError, match="holds no pictures"):
        open_folder(tmp_path, SAMPLES, SPLITS)


def test_mixed_sizes_are_refused_with_both_files(tmp_path):
    picture(tmp_path / "a.png", size=16)
    picture(tmp_path / "b.png", size=24)
    with pytest.raises(DataError, match=r"a\.png is 16 x 16.*b\.png is 24 x 24"):
        check_sizes(open_folder(tmp_path, SAMPLES, SPLITS).pictures)


def test_the_identity_covers_pixels_and_prompts(tmp_path):
    picture(tmp_path / "a.png")
    first = open_folder(tmp_path, SAMPLES, SPLITS).record().identity
    write_metadata(tmp_path, {"file_name": "a.png", "prompt": "red apple"})
    second = open_folder(tmp_path, SAMPLES, SPLITS).record().identity
    picture(tmp_path / "a.png", 101)
    assert len({first, second, open_folder(tmp_path, SAMPLES, SPLITS).record().identity}) == 3
