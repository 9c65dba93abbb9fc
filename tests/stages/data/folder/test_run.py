from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from underpaint.adapters.mlcroissant import read_records
from underpaint.core.artifact import verify
from underpaint.core.errors import DataError, EmptyCaption, StorageError, UnreadableImage
from underpaint.core.progress import Progress
from underpaint.core.samples import read_samples
from underpaint.stages.data.card_check import card_problems
from underpaint.stages.data.folder.pictures import DecoderProcess

Build = Callable[..., Any]
COUNT = 12


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_every_row_becomes_a_sample_with_the_pixels_that_are_recorded(build: Build, folder: Path) -> None:
    out, manifest = build(folder)
    samples = read_samples(out)
    assert sorted(s.name for s in samples) == sorted(f"Thing number {n}" for n in range(COUNT))
    assert {s.caption for s in samples} == {f"thing number {n}" for n in range(COUNT)}
    for sample in samples:
        with Image.open(out / sample.file) as image:
            assert (image.size, image.mode) == ((32, 32), "RGBA")
            assert hashlib.sha256(np.asarray(image).tobytes()).hexdigest() == sample.sha256_pixels
    assert manifest.figures["samples"] == COUNT


def test_the_artifact_is_whole_and_its_card_true(build: Build, folder: Path) -> None:
    out, manifest = build(folder)
    assert verify(out, kind="dataset").digest == manifest.digest
    assert card_problems(out) == []
    names = {path.name for path in out.iterdir()}
    assert names >= {"croissant.json", "DATASHEET.md", "attribution.json", "NOTICE", "audit.json", "contact_sheet.png"}


def test_the_same_pictures_twice_give_the_same_bytes(build: Build, folder: Path) -> None:
    one, other = build(folder, out="one"), build(folder, out="other")
    assert one[1].digest == other[1].digest
    assert tree(one[0]) == tree(other[0])


def test_nothing_of_the_person_s_is_changed_and_nothing_is_left_behind(build: Build, folder: Path) -> None:
    before = tree(folder)
    out, _ = build(folder)
    assert tree(folder) == before
    assert sorted(path.name for path in out.parent.iterdir()) == ["mine", "out"]


def test_a_changed_pixel_changes_the_digest(build: Build, folder: Path) -> None:
    _, before = build(folder, out="one")
    with Image.open(folder / "p00.png") as image:
        changed = image.copy()
    changed.paste((1, 2, 3), (0, 0, 20, 20))
    changed.save(folder / "p00.png")
    assert build(folder, out="other")[1].digest != before.digest


def test_after_a_kill_finished_pictures_are_not_decoded_again(
    build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    decode = DecoderProcess.decode

    def counting(self: DecoderProcess, content: bytes, *rest: Any) -> dict[str, Any]:
        decoded.append(hashlib.sha256(content).hexdigest())
        if len(decoded) == 8:
            raise KeyboardInterrupt
        return decode(self, content, *rest)

    monkeypatch.setattr(DecoderProcess, "decode", counting)
    with pytest.raises(KeyboardInterrupt):
        build(folder)
    _, manifest = build(folder)
    assert sorted(set(decoded)) == sorted(hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.glob("*.png"))
    assert len(decoded) == COUNT + 1
    assert manifest.digest == build(folder, out="whole")[1].digest


def test_a_record_that_was_cut_off_is_made_anew(build: Build, folder: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.task == "compare":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(folder, report=stop)
    (work,) = folder.parent.glob(".out.*.pictures")
    records = work / "records.bin"
    records.write_bytes(records.read_bytes()[:-100])
    next((work / "pictures").rglob("*.png")).unlink()
    _, manifest = build(folder)
    assert manifest.digest == build(folder, out="whole")[1].digest


def test_two_builds_into_one_folder_do_not_meet(build: Build, folder: Path) -> None:
    def meanwhile(progress: Progress) -> None:
        if progress.task == "compare":
            build(folder)

    with pytest.raises(StorageError, match="another build"):
        build(folder, report=meanwhile)


def test_an_existing_folder_is_not_touched(build: Build, folder: Path) -> None:
    build(folder)
    with pytest.raises(StorageError, match="exists already"):
        build(folder)


def test_equal_rows_become_one_sample_and_are_listed(build: Build, folder: Path) -> None:
    (folder / "copy.png").write_bytes((folder / "p00.png").read_bytes())
    with (folder / "metadata.jsonl").open("a") as file:
        file.write(json.dumps({"file_name": "copy.png", "text": "Thing number 0"}) + "\n")
    out, manifest = build(folder)
    assert manifest.figures["dropped"] == {"Duplicate": 1}
    (left_out,) = json.loads((out / "audit.json").read_text())["dropped"]
    assert left_out["where"] == "metadata.jsonl, row 13" and "row 1" in left_out["detail"]
    assert len(read_samples(out)) == COUNT


def test_pictures_that_no_row_names_are_counted_with_the_reason(build: Build, folder: Path) -> None:
    (folder / "spare").mkdir()
    for name in ("spare/one.png", "two.JPG", "three.heic", ".hidden.png", "notes.txt"):
        (folder / name).write_bytes(b"anything")
    out, manifest = build(folder)
    assert manifest.figures["passed_over"] == {"NoRow": 2, "OtherKind": 1}
    passed_over = json.loads((out / "audit.json").read_text())["passed_over"]
    assert {item["where"]: item["rule"] for item in passed_over} == {
        "spare/one.png": "NoRow",
        "two.JPG": "NoRow",
        "three.heic": "OtherKind",
    }
    card = json.loads((out / "croissant.json").read_text())
    assert "2 named by no row" in card["rai:dataCollectionMissingData"]
    assert "passed over: 3 of the pictures" in (out / "DATASHEET.md").read_text()


def test_every_line_beside_a_picture_is_a_caption(build: Build, pictures: Path, rows: list[Any]) -> None:
    for row in rows:
        (pictures / row["file_name"]).with_suffix(".txt").write_text(f"{row['text']}\n\nthe same thing\n")
    out, manifest = build(pictures)
    samples = read_samples(out)
    assert {s.alternatives for s in samples} == {("the same thing",)} and manifest.figures["other captions"] == 12
    assert {s.name for s in samples} == {row["text"] for row in rows}


def test_a_picture_without_a_caption_beside_it_is_named(build: Build, pictures: Path, rows: list[Any]) -> None:
    for row in rows[1:]:
        (pictures / row["file_name"]).with_suffix(".txt").write_text(row["text"])
    with pytest.raises(
        EmptyCaption, match=r"has 1 problem:\n  p00\.png: there is no caption: no p00\.txt lies beside it"
    ):
        build(pictures)
    _, manifest = build(pictures, keep_going=True)
    assert (manifest.figures["dropped"], manifest.figures["passed_over"]) == ({"EmptyCaption": 1}, {})


def test_what_an_unfinished_build_keeps_is_said_and_used(build: Build, folder: Path) -> None:
    whole = (folder / "p03.png").read_bytes()
    (folder / "p03.png").write_bytes(whole[:100])
    with pytest.raises(UnreadableImage) as caught:
        build(folder)
    (kept,) = folder.parent.glob(".out.*.pictures")
    assert caught.value.__notes__ == [
        f"11 finished pictures are kept in {kept}: the same command goes on from there; remove that folder if it is "
        "not wanted"
    ]
    (folder / "p03.png").write_bytes(whole)
    build(folder)
    assert not kept.exists()


def test_where_no_row_can_be_used_nothing_is_kept(build: Build, folder: Path) -> None:
    (folder / "p03.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"13 problems \(LicenseRefused 12, UnreadableImage 1\)") as caught:
        build(folder, license="")
    assert not hasattr(caught.value, "__notes__")
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]


def test_no_picture_at_all_is_an_error(build: Build, folder: Path) -> None:
    (folder / "metadata.jsonl").write_text("")
    with pytest.raises(DataError, match=r"no picture of .* is left"):
        build(folder)


def test_mlcroissant_reads_records_and_pictures_back(build: Build, folder: Path) -> None:
    out, _ = build(folder)
    records = read_records(out / "croissant.json", "samples", count=COUNT + 1)
    assert {r["samples/caption"].decode() for r in records} == {f"thing number {n}" for n in range(COUNT)}
    (picture,) = read_records(out / "croissant.json", "pictures_by_path", count=1)
    assert picture["pictures_by_path/image"].size == (32, 32)


@pytest.mark.slow
def test_the_library_datasets_reads_pictures_captions_and_splits_back(
    build: Build, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    out, _ = build(folder)
    datasets = pytest.importorskip("datasets")
    read = datasets.load_dataset("imagefolder", data_dir=str(out / "images"), cache_dir=str(tmp_path / "cache"))
    held = {(sample.split, sample.caption, sample.sha256_pixels) for sample in read_samples(out)}
    names = {"train": "train", "validation": "validation", "test": "test_concept"}
    found = {
        (names[split], row["text"], hashlib.sha256(np.asarray(row["image"].convert("RGBA")).tobytes()).hexdigest())
        for split, rows in read.items()
        for row in rows
    }
    assert found == held
