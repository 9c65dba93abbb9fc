from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from underpaint.cli.data_folder import SIZES
from underpaint.stages.data.folder.config import FolderConfig

Call = Callable[..., Any]


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of six pictures with captions in a table, in the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "My Pictures"
    folder.mkdir()
    rows = []
    for number in range(6):
        colors = np.random.default_rng(number).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(colors).resize((40, 40), Image.Resampling.NEAREST).save(folder / f"{number}.png")
        rows.append({"file_name": f"{number}.png", "text": f"thing {number}"})
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_pictures_become_a_data_set(underpaint: Call, mine: Path) -> None:
    done = underpaint(
        "data", "build", "folder", mine, "--license", "CC-BY-4.0", "--author", "Ann Lee", "--out", "new", "--size", "32"
    )
    assert done.code == 0
    assert "attribution needed, on weights too: Ann Lee (my-pictures), licensed under CC-BY-4.0." in done.stdout
    assert "left out: nothing\n" in done.stdout and "passed over" not in done.stdout
    assert "6 pictures of 6 rows, 6 captions, license CC-BY-4.0" in done.stdout
    shown = json.loads((mine.parent / "new" / "manifest.json").read_text())["figures"]["on_contact_sheet"]
    assert f"contact_sheet.png, which shows {shown} of the 6 pictures" in done.stdout
    assert json.loads((mine.parent / "new" / "manifest.json").read_text())["config"]["name"] == "my-pictures"


def test_other_captions_are_counted(underpaint: Call, mine: Path) -> None:
    command = ("data", "build", "folder", mine, "--license", "CC0-1.0", "--size", "32", "--out")
    assert "other captions" not in underpaint(*command, "one").stdout
    row = {"file_name": "0.png", "text": ["thing 0", "a thing", "zero"]}
    (mine / "metadata.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({"file_name": "1.png", "text": "thing 1"}))
    assert "\n  2 other captions, which training draws from too\n" in underpaint(*command, "two").stdout


def test_bad_rows_are_left_out_on_request_alone(underpaint: Call, mine: Path) -> None:
    (mine / "3.png").write_bytes(b"")
    command = ("data", "build", "folder", mine, "--license", "CC0-1.0", "--out", "new")
    refused = underpaint(*command)
    assert refused.code == 3 and "metadata.jsonl, row 4: the file has 0 bytes" in refused.stderr
    assert refused.stderr.splitlines()[-1].startswith("5 finished pictures are kept in .new.")
    assert not (mine.parent / "new").exists()
    (mine / "unnamed.png").write_bytes(b"")
    assert (
        "passed over: 1 picture named by no row; audit.json lists each" in underpaint(*command, "--keep-going").stdout
    )
    shutil.rmtree(mine.parent / "new")
    done = underpaint(*command, "--keep-going", "--json")
    assert done.json["figures"]["dropped"] == {"UnreadableImage": 1}


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        ((), 2, "--out"),
        (("--out", "new"), 3, "--license SPDX"),
        (("--out", "new", "--license", "Nobody-1.0"), 3, "no SPDX expression"),
        (("--out", "new", "--license", "CC-BY-NC-4.0"), 3, "non-commercial use only"),
        (("--out", "new", "--license", "MIT"), 3, "--author NAME"),
        (("--out", "new", "--license", "MIT", "--author", "Ann\nLee"), 2, "on one line"),
        (("--out", "new", "--license", "MIT", "--size", "65"), 2, "64"),
        (("--out", "new", "--license", "MIT", "--jobs", "0"), 2, "from 1 to 64"),
        (("--out", "new", "--license", "MIT", "--background", "blue"), 2, "#ffffff"),
        (("--out", "new", "--license", "MIT", "--column", "caption"), 2, "caption=title"),
        (
            ("--out", "new", "--column", "caption=text", "--column", "caption=words"),
            2,
            "several columns for the caption",
        ),
        (("--out", "new", "--license", "MIT", "--column", "words=text"), 2, "choose among picture"),
        (("--out", "new", "--license", "MIT", "--column", "captoin=text"), 2, "did you mean 'caption'?"),
        (("--out", "new", "--license", "MIT", "--column", "caption=words"), 3, "only file_name, text"),
        (("--out", "new", "--license", "MIT", "--date", "yesterday"), 2, "date"),
        (("--out", ".", "--license", "MIT"), 6, "exists already"),
    ],
)
def test_what_cannot_be_built_is_one_message(
    underpaint: Call, mine: Path, arguments: tuple[str, ...], code: int, expected: str
) -> None:
    done = underpaint("data", "build", "folder", mine, *arguments)
    assert (done.code, done.stdout) == (code, "")
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(mine.parent.glob(".*"))


def test_the_command_offers_every_size() -> None:
    assert [FolderConfig(name="x", size=size).size for size in SIZES] == list(SIZES)
