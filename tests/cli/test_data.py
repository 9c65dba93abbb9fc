from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from underpaint.cli.data import ATTRIBUTED as ATTRIBUTED_NAMES
from underpaint.cli.data import describe
from underpaint.core.artifact import MANIFEST, Manifest, read_manifest, seal, staging
from underpaint.stages.data import run as stage
from underpaint.stages.data.attributed import ATTRIBUTED
from underpaint.stages.data.config import DataConfig
from underpaint.stages.data.drawing import Drawing
from underpaint.stages.data.render import Renders
from underpaint.stages.data.sources import NPM_EVIDENCE

Call = Callable[..., Any]


def draw(drawing: Drawing, path: Path, size: int) -> Path:
    image = Image.new("RGBA", (size, size))
    x, y, red, green = hashlib.sha256(drawing.id.encode()).digest()[:4]
    box = (x * size // 512, y * size // 512, x * size // 512 + size // 3, y * size // 512 + size // 2)
    ImageDraw.Draw(image).ellipse(box, fill=(red, green, 90, 255))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    """A data set of eight made-up drawings."""

    def render(drawings: Any, size: int) -> Renders:
        paths = [draw(d, tmp_path / "renders" / str(size) / f"{d.id}.png", size) for d in drawings]
        return Renders(paths=paths, failed={})

    drawings = [
        Drawing(
            id=f"{0x1FA00 + number:x}",
            name=f"thing number {number}",
            style="flat",
            family="fluent",
            source=NPM_EVIDENCE[1].source,
            icon=f"thing-{number}",
            license="MIT",
        )
        for number in range(8)
    ]
    with staging(tmp_path / "set") as folder:
        stage.fill(folder, DataConfig(size=64), stage.Source(drawings=drawings, evidence=NPM_EVIDENCE, render=render))
    return tmp_path / "set"


def test_a_sound_set_is_called_sound(underpaint: Call, data_set: Path) -> None:
    done = underpaint("data", "check", data_set)
    assert done.code == 0
    assert "sound" in done.stdout
    assert "8 pictures" in done.stdout


def test_names_of_checks_that_have_commas_are_told_apart(underpaint: Call, data_set: Path) -> None:
    lines = dict(line.strip().split(": ", 1) for line in underpaint("data", "check", data_set).stdout.splitlines()[:-2])
    findings = underpaint("data", "check", data_set, "--json").json["findings"]
    clean = [one["title"].lower() for one in findings if one["status"] == "clean"]
    assert any("," in title for title in clean) and lines["nothing found"].split("; ") == clean


def test_machines_get_the_same_as_json(underpaint: Call, data_set: Path) -> None:
    done = underpaint("data", "check", data_set, "--json")
    assert done.json["pictures"] == 8
    assert len(done.json["digest"]) == 64


def test_a_truncated_picture_is_named(underpaint: Call, data_set: Path) -> None:
    path = data_set / "images" / "flat" / "1fa03.png"
    path.write_bytes(path.read_bytes()[:40])
    done = underpaint("data", "check", data_set)
    assert done.code == 4
    assert "1fa03.png" in done.stderr


def test_a_folder_that_is_no_data_set_is_refused(underpaint: Call, tmp_path: Path) -> None:
    done = underpaint("data", "check", tmp_path)
    assert done.code == 4
    assert "no finished artifact" in done.stderr


def test_a_set_held_against_itself_leaves_with_3_and_a_page(underpaint: Call, data_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "check"
    done = underpaint("data", "check", data_set, "--against", data_set, "--out", out)
    assert done.code == 3
    assert "NOT sound" in done.stdout
    assert "equal pictures in another data set: 8 pictures" in done.stdout
    assert {path.name for path in out.iterdir()} == {"manifest.json", "report.html", "report.json", "suspects.jsonl"}
    again = underpaint("data", "check", data_set, "--out", out)
    assert (again.code, again.stdout) == (6, "")


def test_what_a_check_lists_can_be_excluded_and_the_difference_shown(
    underpaint: Call, data_set: Path, tmp_path: Path
) -> None:
    listed, clean = tmp_path / "list.jsonl", tmp_path / "clean"
    underpaint("data", "check", data_set, "--against", data_set, "--write-exclusions", listed)
    lines = listed.read_text().splitlines(keepends=True)
    listed.write_text("".join(lines[:3]))
    done = underpaint("data", "exclude", data_set, "--list", listed, "--out", clean)
    assert done.code == 0
    assert "5 pictures, 3 left out" in done.stdout
    assert underpaint("data", "check", clean).code == 0
    diff = underpaint("data", "diff", data_set, clean)
    assert diff.code == 0
    assert "0 added, 3 removed, 0 changed, 5 the same" in diff.stdout
    assert len(underpaint("data", "diff", data_set, clean, "--json").json["removed"]) == 3
    assert "the same data set" in underpaint("data", "diff", clean, clean).stdout


def test_sets_of_equal_samples_but_other_papers_have_these_named(
    underpaint: Call, data_set: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(data_set, other)
    (other / "NOTICE").write_text("other words\n")
    config = DataConfig.parse(read_manifest(other).config, source="the tests")
    (other / MANIFEST).unlink()
    seal(other, kind="dataset", stage="data", config=config, parents=read_manifest(data_set).parents)
    done = underpaint("data", "diff", data_set, other)
    assert done.code == 0
    assert "0 added, 0 removed, 0 changed, 8 the same" in done.stdout
    assert f"digest {read_manifest(data_set).digest} -> {read_manifest(other).digest}" in done.stdout
    assert "files that differ: NOTICE (changed)\n" in done.stdout


def test_where_nothing_is_found_no_list_is_written(underpaint: Call, data_set: Path, tmp_path: Path) -> None:
    listed = tmp_path / "list.jsonl"
    done = underpaint("data", "check", data_set, "--write-exclusions", listed)
    assert done.code == 0
    assert "nothing to list" in done.stdout
    assert not listed.exists()
    assert underpaint("data", "check", data_set, "--write-exclusions", listed, "--json").json["exclusions"] is None


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERPAINT_CACHE", str(tmp_path / "cache"))


def test_what_weights_owe_is_said_at_the_end_of_a_build() -> None:
    figures = {"samples": 1, "captions": 1, "license": "CC-BY-4.0", "dropped": {}, "leaks": 0}
    fields = {"kind": "dataset", "stage": "data", "config": {}, "config_digest": "", "parents": {}, "files": {}}
    manifest = Manifest.model_validate(fields | {"digest": "", "versions": {}, "figures": figures})
    assert "attribution" not in describe("new", manifest)
    credited = manifest.model_copy(update={"figures": figures | {"credits": ["Ann, CC BY 4.0"]}})
    assert "attribution needed, on weights too: Ann, CC BY 4.0" in describe("new", credited)


def test_the_command_offers_every_source_on_request() -> None:
    assert set(ATTRIBUTED_NAMES) == set(ATTRIBUTED)


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("photos", "--out", "new"), 2, "stickers"),
        (("stickers",), 2, "--out"),
        (("stickers", "--out", "new", "--size", "65"), 2, "64"),
        (("stickers", "--out", "new", "--jobs", "0"), 2, "from 1 to 64"),
        (("stickers", "--out", "new", "--source", "debian", "--size", "256"), 2, "128 pixels"),
        (("stickers", "--out", "new", "--source", "debian", "--with", "twemoji"), 2, "twemoji comes from npm"),
        (("stickers", "--out", "new", "--with", "openmoji"), 2, "twemoji"),
        (("stickers", "--out", "."), 6, "exists already"),
        (("stickers", "--out", "file/new"), 6, "file"),
        (("stickers", "--out", "new"), 5, "apt-get install npm"),
    ],
)
def test_what_cannot_be_built_is_one_message(
    underpaint: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("UNDERPAINT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "file").write_text("in the way")
    done = underpaint("data", "build", *arguments)
    assert (done.code, done.stdout) == (code, "")
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "new").exists()
    assert not list(tmp_path.glob(".*.partial"))
