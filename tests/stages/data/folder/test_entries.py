"""A row that cannot be used is named with what is wrong; all of them at once, and none silently."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.artifact import read_manifest
from underpaint.core.concept import is_code_points
from underpaint.core.errors import (
    BadEncoding,
    ConflictingCaptions,
    DataError,
    DuplicateFile,
    DuplicateId,
    EmptyCaption,
    HiddenCharacters,
    InputTooLarge,
    LicenseRefused,
    MissingColumn,
    MissingFile,
    UnreadableImage,
    UnsafePath,
    UnusableCaption,
)
from underpaint.core.samples import read_samples
from underpaint.stages.data.folder.entries import id_of_key

Build = Callable[..., Any]
Rows = list[dict[str, Any]]
Write = Callable[[Path, Rows], Path]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"file_name": "gone.png"}, MissingFile, "'gone.png' is not in"),
        ({"file_name": ""}, UnsafePath, "leads out"),
        ({"file_name": "../secret.png"}, UnsafePath, "leads out of the folder"),
        ({"file_name": "/etc/passwd"}, UnsafePath, "leads out of the folder"),
        ({"file_name": "p00.png\0"}, UnsafePath, "leads out of the folder"),
        ({"file_name": "link.png"}, UnsafePath, "by a link"),
        ({"file_name": "inside/p00.png"}, UnsafePath, "by a link"),
        ({"file_name": "https://example.org/cat.png"}, UnsafePath, "nothing is downloaded"),
        ({"file_name": "data:image/png;base64,AAAA"}, UnsafePath, "nothing is downloaded"),
        ({"id": "again"}, DuplicateId, "has the same id as metadata.jsonl, row 1"),
        ({"file_name": "p01.png"}, DuplicateFile, "names the same file as metadata.jsonl, row 2"),
        ({"file_name": "folder.png"}, MissingFile, "is no file"),
        ({"file_name": "empty.png"}, UnreadableImage, "0 bytes"),
        ({"text": ""}, EmptyCaption, "caption in column 'text' is ''"),
        ({"text": " \n "}, EmptyCaption, "write in English"),
        ({"text": None}, EmptyCaption, "is None"),
        ({"text": 7}, UnusableCaption, "is 7"),
        ({"text": [7]}, UnusableCaption, r"is \[7\]"),
        ({"text": []}, EmptyCaption, "is \\[\\]"),
        ({"text": "a cat\u200b"}, HiddenCharacters, "hidden characters \\(U\\+200B\\)"),
        ({"text": "猫"}, UnusableCaption, "the caption holds '猫'"),
        ({"text": "cat " * 200}, UnusableCaption, "the caption has"),
        ({"license": "CC-BY-SA-4.0"}, LicenseRefused, "asks for the same license"),
        ({"license": "Nobody-1.0"}, LicenseRefused, "no SPDX expression"),
        ({"split": "holdout"}, DataError, "the split is 'holdout'; choose among train"),
        ({"weight": -1}, DataError, "a weight is a positive number"),
        ({"weight": "nan"}, DataError, "a weight is a positive number"),
        ({"group": ["a"]}, DataError, "column 'group' is"),
    ],
)
def test_a_bad_row_is_named(
    build: Build,
    pictures: Path,
    rows: Rows,
    write_rows: Write,
    change: dict[str, Any],
    error: type[DataError],
    message: str,
) -> None:
    outside = pictures.parent / "outside"
    outside.mkdir()
    (outside / "p00.png").write_bytes((pictures / "p00.png").read_bytes())
    (pictures / "link.png").symlink_to(outside / "p00.png")
    (pictures / "inside").symlink_to(outside)
    (pictures / "folder.png").mkdir()
    (pictures / "empty.png").write_bytes(b"")
    rows[0]["id"] = "again"
    rows[4] |= change
    write_rows(pictures / "metadata.jsonl", rows[:5])
    with pytest.raises(error, match=rf"has 1 problem:\n  metadata.jsonl, row 5: .*{message}.*\n.*--keep-going"):
        build(pictures)


def test_rows_pictures_and_splits_are_told_in_one_round(
    build: Build, pictures: Path, rows: Rows, write_rows: Write
) -> None:
    rows[1] |= {"file_name": "gone.png", "text": ""}
    rows[3] |= {"text": " ", "weight": 0}
    (pictures / "p03.png").write_bytes(b"\x89PNG")
    (pictures / "p05.png").write_bytes(b"")
    (pictures / "p07.png").write_bytes((pictures / "p06.png").read_bytes())
    rows[8] |= {"group": "one", "split": "train"}
    rows[9] |= {"group": "one", "split": "test"}
    write_rows(pictures / "metadata.jsonl", rows)
    with (pictures / "metadata.jsonl").open("ab") as file:
        file.write(b'{"file_name": "caf\xe9.png"}\n')
    with pytest.raises(DataError) as caught:
        build(pictures)
    head, *lines = str(caught.value).splitlines()
    kinds = (
        "MissingFile 1, EmptyCaption 2, DataError 1, UnreadableImage 2, ConflictingCaptions 1, SplitLeak 1, "
        "BadEncoding 1"
    )
    assert head.endswith(f"has 9 problems ({kinds}):")
    assert "metadata.jsonl is not UTF-8 at byte" in lines[0]
    assert [line.split()[2].rstrip(":") for line in lines[1:-1]] == ["2", "2", "4", "4", "4", "6", "8", "9"]
    assert lines[-1] == "Mend them"


def test_a_row_with_several_problems_is_left_out_once(
    build: Build, pictures: Path, rows: Rows, write_rows: Write
) -> None:
    rows[1] |= {"text": "", "weight": 0}
    write_rows(pictures / "metadata.jsonl", rows)
    out, manifest = build(pictures, keep_going=True)
    assert (manifest.figures["rows"], manifest.figures["samples"]) == (12, 11)
    (left_out,) = json.loads((out / "audit.json").read_text())["dropped"]
    assert left_out["rule"] == "EmptyCaption" and "a weight is a positive number" in left_out["detail"]


def test_a_table_that_breaks_off_is_never_left_out(build: Build, pictures: Path) -> None:
    (pictures / "metadata.csv").write_bytes(b"file_name,text\np00.png,a\np01.png,caf\xe9\n")
    with pytest.raises(BadEncoding, match="not UTF-8 at byte"):
        build(pictures, keep_going=True)


def test_a_license_that_asks_for_an_author_needs_one(build: Build, folder: Path) -> None:
    with pytest.raises(LicenseRefused, match=r"12 of 12 rows: CC-BY-4.0 asks to name the author.*--author NAME"):
        build(folder, license="CC-BY-4.0")
    out, manifest = build(folder, license="CC-BY-4.0", author="Ann Lee")
    (credit,) = manifest.figures["credits"]
    assert credit.startswith("Ann Lee (mine), licensed under CC-BY-4.0.")
    papers = [json.loads((out / name).read_text()) for name in ("attribution.json", "croissant.json")]
    assert papers[0]["obligations_on_weights"]["hand_on_these_credits"] == [credit]
    assert papers[1]["creditText"] == [credit] and papers[1]["creator"]["name"] == "Ann Lee"
    assert credit in (out / "NOTICE").read_text() and credit in (out / "DATASHEET.md").read_text()


def test_the_author_of_a_row_goes_before_the_one_for_all(
    build: Build, pictures: Path, rows: Rows, write_rows: Write
) -> None:
    rows[2]["author"] = "Ben"
    write_rows(pictures / "metadata.jsonl", rows)
    out, _ = build(pictures, license="MIT", author="Ann")
    assert {s.name: s.family for s in read_samples(out)} == {r["text"]: r.get("author", "Ann") for r in rows}


def test_what_can_go_on_goes_on_and_lists_what_is_missing(
    build: Build, pictures: Path, rows: Rows, write_rows: Write
) -> None:
    rows[1]["file_name"], rows[3]["text"], rows[5]["license"] = "gone.png", "", "unknown"
    (pictures / "p07.png").write_bytes(b"\x89PNG")
    write_rows(pictures / "metadata.jsonl", rows)
    out, manifest = build(pictures, keep_going=True)
    wanted = {"EmptyCaption": 1, "LicenseRefused": 1, "MissingFile": 1, "UnreadableImage": 1}
    assert manifest.figures["dropped"] == wanted
    dropped = json.loads((out / "audit.json").read_text())["dropped"]
    assert {item["where"] for item in dropped} == {f"metadata.jsonl, row {n}" for n in (2, 4, 6, 8)}
    assert all(item["detail"] for item in dropped)
    assert {s.name for s in read_samples(out)} == {rows[n]["text"] for n in (0, 2, 4, 6, 8, 9, 10, 11)}


def test_twenty_problems_are_listed_and_all_are_counted(
    build: Build, pictures: Path, write_rows: Write, rows: Rows
) -> None:
    bad = [{"file_name": f"gone-{n}.png", "text": "x"} for n in range(30)]
    write_rows(pictures / "metadata.jsonl", rows + bad)
    with pytest.raises(MissingFile, match=r"has 30 problems:") as caught:
        build(pictures)
    assert "gone-19.png" in str(caught.value)
    assert "gone-20.png" not in str(caught.value)
    _, *listed, more, advice = str(caught.value).splitlines()
    assert (len(listed), more) == (20, "  and 10 more")
    assert advice == "Mend them, or leave them out with --keep-going"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("file_name", "captoin"), "only file_name, captoin; did you mean 'captoin'.*--column caption=captoin"),
        (("file_name", "words"), "only file_name, words; name one so, or choose another with --column caption=NAME"),
        (("pth", "text"), "no column for the picture .* only pth, text; did you mean 'pth'"),
    ],
)
def test_a_missing_column_names_those_that_are_there_and_the_nearest(
    build: Build, pictures: Path, write_rows: Write, columns: tuple[str, str], message: str
) -> None:
    write_rows(pictures / "metadata.jsonl", [dict.fromkeys(columns, "p00.png")])
    with pytest.raises(MissingColumn, match=message):
        build(pictures)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("file_name,titel\nmissing.png,a\np00.png,b\n", "no column for the caption .* only file_name, titel"),
        ("file_name,titel\np00.png\np01.png,b\n", "no column for the caption .* only file_name, titel"),
        ("pth,text\np00.png\np01.png,b\n", "no column for the picture .* only pth, text"),
    ],
    ids=["missing picture", "short row", "short row and no picture column"],
)
def test_a_bad_first_row_hides_no_missing_column(build: Build, pictures: Path, table: str, message: str) -> None:
    (pictures / "metadata.csv").write_text(table)
    with pytest.raises(MissingColumn, match=message):
        build(pictures, keep_going=True)


def test_without_any_license_nothing_is_built(build: Build, folder: Path) -> None:
    with pytest.raises(LicenseRefused) as caught:
        build(folder, license="")
    head, line, advice = str(caught.value).splitlines()
    assert head.endswith("has 12 problems:")
    assert line.startswith("  12 of 12 rows: no license is stated;") and "give one for all with --license SPDX" in line
    assert advice == "Mend them"


def test_every_row_may_have_its_own_license(build: Build, pictures: Path, rows: Rows, write_rows: Write) -> None:
    for number, row in enumerate(rows):
        row |= {"license": ("CC0-1.0", "CC-BY-4.0")[number % 2], "author": ("", "Ann")[number % 2]}
    write_rows(pictures / "metadata.jsonl", rows)
    out, manifest = build(pictures, license="")
    assert manifest.figures["license"] == "CC-BY-4.0 AND CC0-1.0"
    stated = json.loads((out / "attribution.json").read_text())
    assert stated["obligations_on_weights"]["hand_on_these_credits"] == manifest.figures["credits"]
    assert "Ann" in manifest.figures["credits"][0] and "Ann" in (out / "NOTICE").read_text()


@pytest.mark.parametrize(
    "values",
    [
        {"text": ["", "First", "second  one", "FIRST", "third"]},
        {"text": None, "text_10": "third", "text_2": "second one", "text_1": "First"},
        {"text": "First", "text_1": ["second one", "third"], "text_2": ""},
        {"text": "First", "text_1": "second one", "text_2": "third", "caption_1": "not looked at"},
    ],
)
def test_of_several_captions_the_first_is_the_pictures_own_and_the_others_are_kept(
    build: Build, pictures: Path, rows: Rows, write_rows: Write, values: dict[str, Any]
) -> None:
    rows[0] |= values
    write_rows(pictures / "metadata.jsonl", rows)
    out, manifest = build(pictures)
    (first,) = (sample for sample in read_samples(out) if sample.caption == "first")
    assert (first.name, first.alternatives) == ("First", ("second one", "third"))
    assert manifest.figures["other captions"] == 2
    card = json.loads((out / "croissant.json").read_text())
    assert "the others are kept beside it" in card["rai:dataManipulationProtocol"]
    assert card["rai:annotationsPerItem"] == "1 or more"


def test_one_caption_a_picture_leaves_no_trace_of_others(build: Build, folder: Path) -> None:
    out, manifest = build(folder)
    assert "other captions" not in manifest.figures and "alternatives" not in (out / "samples.jsonl").read_text()
    assert json.loads((out / "croissant.json").read_text())["rai:annotationsPerItem"] == "1"


def test_another_caption_is_another_data_set(build: Build, folder: Path, rows: Rows, write_rows: Write) -> None:
    one, first = build(folder)
    write_rows(folder / "metadata.jsonl", [{**rows[0], "text": [rows[0]["text"], "other words"]}, *rows[1:]])
    two, second = build(folder, out="second")
    assert read_manifest(one).parents != read_manifest(two).parents
    assert first.figures["samples_digest"] != second.figures["samples_digest"]


@pytest.mark.parametrize(
    ("others", "error", "message"),
    [
        (["a cat\u200b"], HiddenCharacters, r"hidden characters \(U\+200B\)"),
        (["猫"], UnusableCaption, "the caption holds '猫'"),
        ([f"cat {n}" for n in range(50)], UnusableCaption, "there are 51 captions for one picture; keep 50 at most"),
    ],
)
def test_other_captions_are_refused_for_the_same_reasons(
    build: Build, folder: Path, rows: Rows, write_rows: Write, others: list[str], error: type[DataError], message: str
) -> None:
    rows[0]["text"] = ["a cat", *others]
    write_rows(folder / "metadata.jsonl", rows)
    with pytest.raises(error, match=message):
        build(folder)


def test_one_picture_under_two_captions_is_refused(build: Build, pictures: Path, rows: Rows, write_rows: Write) -> None:
    (pictures / "p05.png").write_bytes((pictures / "p02.png").read_bytes())
    write_rows(pictures / "metadata.jsonl", rows)
    with pytest.raises(
        ConflictingCaptions, match=r"row 6: its picture is that of metadata.jsonl, row 3, but the captions"
    ):
        build(pictures)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"file_name,text\np00.png,caf\xe9\n", BadEncoding, r"not UTF-8 at byte 26 \(0xe9\)"),
        ("file_name,text\n".encode("utf-16"), BadEncoding, r"at byte 0 \(0xff\): it looks like UTF-16"),
        (b"file_name,text\np00.png,a,b\n", DataError, "row 2: it has 3 fields, the head has 2"),
        (b'file_name,text\np00.png,"open', DataError, "no CSV"),
        (b"text,text\n", MissingColumn, "every column once"),
        (b"file_name;text\np00.png;a\n", MissingColumn, "has ';' between its columns .*; save it as CSV with commas"),
        (b"file_name\ttext\np00.png\ta\n", MissingColumn, r"has '\\t' between its columns .*, or name it .tsv"),
        (
            b"",
            MissingColumn,
            "metadata.csv is empty or has an empty first line; name the columns there, such as file_name",
        ),
        (b"file_name,text\n" + b"x" * (1 << 21), InputTooLarge, "a line of more than"),
        (b"file_name,text\n", DataError, "no picture of .* is left; it has no rows; give every picture one"),
    ],
)
def test_a_bad_table_is_refused(
    build: Build, pictures: Path, content: bytes, error: type[DataError], message: str
) -> None:
    (pictures / "metadata.csv").write_bytes(content)
    with pytest.raises(error, match=message):
        build(pictures)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"file_name": "p00.png", "text": "a", "text": "b"}', "a key stands twice"),
        ('{"file_name": "p00.png", "text": NaN}', "NaN is no number"),
        ("[" * 100_000, "no JSON"),
        ('["p00.png"]', "no JSON object"),
        ('{"file_name"', "no JSON"),
    ],
)
def test_a_bad_line_is_named(build: Build, folder: Path, line: str, message: str) -> None:
    with (folder / "metadata.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DataError, match=f"metadata.jsonl, row 13: .*{message}"):
        build(folder)


def test_ids_are_file_names_and_differ_where_keys_differ() -> None:
    keys = ["a/b", "a_b", "A/b", "1f600", "猫", "x" * 300, "..", "a b"]
    ids = [id_of_key(key) for key in keys]
    assert len(set(ids)) == len(keys)
    assert all(set(i) <= set("abcdefghijklmnopqrstuvwxyz0123456789_.") and len(i) <= 70 for i in ids)
    assert not any(map(is_code_points, ids))
