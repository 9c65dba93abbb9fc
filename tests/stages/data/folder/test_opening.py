"""The same pictures and words make the same samples, whatever they are packed in."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.errors import BadEncoding, InputError, MissingColumn, MissingFile
from underpaint.core.samples import Sample, read_samples

Build = Callable[..., Any]
Rows = list[dict[str, Any]]
Pack = Callable[[Path, Rows], Path]


def essence(samples: list[Sample]) -> set[tuple[str, str]]:
    return {(sample.caption, sample.sha256_pixels) for sample in samples}


def in_csv(folder: Path, rows: Rows) -> Path:
    with (folder / "metadata.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def in_table(folder: Path, rows: Rows) -> Path:
    inside = folder / "files"
    inside.mkdir()
    for row in rows:
        shutil.move(folder / row["file_name"], inside)
    table = folder / "table.jsonl"
    table.write_text("".join(json.dumps({"path": f"files/{r['file_name']}", "prompt": r["text"]}) + "\n" for r in rows))
    return table


def beside(folder: Path, rows: Rows) -> Path:
    for row in rows:
        (folder / row["file_name"]).with_suffix(".txt").write_text(row["text"] + "\n")
    return folder


def in_metadata_parquet(folder: Path, rows: Rows) -> Path:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.Table.from_pylist(rows), folder / "metadata.parquet")
    return folder


def in_parquet(folder: Path, rows: Rows) -> Path:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    held = [
        {"image": {"bytes": (folder / r["file_name"]).read_bytes(), "path": r["file_name"]}, "text": r["text"]}
        for r in rows
    ]
    target = folder / "data" / "shard.parquet"
    target.parent.mkdir()
    parquet.write_table(arrow.Table.from_pylist(held), target, row_group_size=5)
    for row in rows:
        (folder / row["file_name"]).unlink()
    return folder


def in_tar(folder: Path, rows: Rows) -> Path:
    target = folder.parent / "shards"
    target.mkdir()
    for shard in range(2):
        with tarfile.open(target / f"pairs-{shard:06d}.tar", "w") as tar:
            for number, row in list(enumerate(rows))[shard::2]:
                texts = {".txt": row["text"].encode()} if number % 3 else {".json": json.dumps(row).encode()}
                for ending, content in {".png": (folder / row["file_name"]).read_bytes(), **texts}.items():
                    info = tarfile.TarInfo(f"{number:04d}{ending}")
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
    return target


@pytest.mark.parametrize("pack", [in_csv, in_table, beside, in_metadata_parquet, in_parquet, in_tar])
def test_the_packing_does_not_matter(build: Build, pictures: Path, rows: Rows, pack: Pack, tmp_path: Path) -> None:
    plain = shutil.copytree(pictures, tmp_path / "plain")
    (plain / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    expected = essence(read_samples(build(plain, out="expected")[0]))
    assert len(expected) == len(rows)
    assert essence(read_samples(build(pack(pictures, rows))[0])) == expected


@pytest.mark.slow
def test_what_the_library_datasets_saved_is_read(build: Build, folder: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    expected = essence(read_samples(build(folder, out="expected")[0]))
    loaded = datasets.load_dataset("imagefolder", data_dir=str(folder), cache_dir=str(tmp_path / "cache"))
    loaded.save_to_disk(str(tmp_path / "several"))
    loaded["train"].save_to_disk(str(tmp_path / "one"))
    for name in ("several", "one"):
        assert essence(read_samples(build(tmp_path / name, out=f"from-{name}")[0])) == expected


def test_subfolders_named_after_splits_are_splits(build: Build, pictures: Path, rows: Rows) -> None:
    for number, row in enumerate(rows):
        target = pictures / ("train" if number < 8 else "val" if number < 10 else "test") / row["file_name"]
        target.parent.mkdir(exist_ok=True)
        shutil.move(pictures / row["file_name"], target)
        target.with_suffix(".txt").write_text(row["text"])
    splits = {s.caption: s.split for s in read_samples(build(pictures)[0])}
    wanted = ["train"] * 8 + ["validation"] * 2 + ["test_concept"] * 2
    assert splits == {f"thing number {n}": split for n, split in enumerate(wanted)}


def test_parquet_files_in_subfolders_named_after_splits_belong_to_them(
    build: Build, pictures: Path, rows: Rows
) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    wanted = {"train": rows[:8], "validation": rows[8:10], "test": rows[10:]}
    for split, some in wanted.items():
        target = pictures / split / "0000.parquet"
        target.parent.mkdir()
        held = [{"image": (pictures / row["file_name"]).read_bytes(), "text": row["text"]} for row in some]
        parquet.write_table(arrow.Table.from_pylist(held), target)
    for row in rows:
        (pictures / row["file_name"]).unlink()
    splits = {s.name: s.split.removesuffix("_concept") for s in read_samples(build(pictures)[0])}
    assert splits == {row["text"]: split for split, some in wanted.items() for row in some}


def test_columns_can_be_chosen(build: Build, pictures: Path, rows: Rows, write_rows: Callable[..., Path]) -> None:
    write_rows(
        pictures / "metadata.jsonl", [{"titel": r["text"], "text": "no", "file_name": r["file_name"]} for r in rows]
    )
    out, _ = build(pictures, columns={"caption": "titel"})
    assert {s.name for s in read_samples(out)} == {r["text"] for r in rows}


def test_pictures_without_words_are_refused_with_the_way_to_give_them(build: Build, pictures: Path) -> None:
    with pytest.raises(
        MissingColumn, match=r"12 pictures but no words: add metadata.jsonl .* or p00.txt beside p00.png"
    ):
        build(pictures)


def test_a_name_that_is_not_utf_8_is_a_problem_or_passed_over(build: Build, pictures: Path, rows: Rows) -> None:
    odd = os.fsdecode(os.fsencode(pictures) + b"/caf\xe9.png")
    shutil.copy(pictures / "p00.png", odd)
    for row in rows:
        (pictures / row["file_name"]).with_suffix(".txt").write_text(row["text"])
    with pytest.raises(BadEncoding, match=r"caf\\xe9\.png: its name is not UTF-8; rename the file"):
        build(pictures)
    (pictures / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, manifest = build(pictures)
    assert manifest.figures["passed_over"] == {"NoRow": 1}


def test_nothing_is_written_into_what_is_read(build: Build, folder: Path) -> None:
    for out in ("mine/out", "mine/deep/out"):
        with pytest.raises(InputError, match=r"lies in .*mine, where the next build would read it"):
            build(folder, out=out)


@pytest.mark.parametrize(
    ("name", "error"), [("nowhere", InputError), ("empty", MissingFile), ("notes.doc", InputError)]
)
def test_what_is_not_understood_is_refused(build: Build, tmp_path: Path, name: str, error: type[Exception]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.doc").write_text("words")
    with pytest.raises(error, match=name):
        build(tmp_path / name)
