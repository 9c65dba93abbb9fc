from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.core.errors import BadEncoding, DataError, InputTooLarge, MissingColumn, MissingFile
from underpaint.pipelines.prompts import read_prompts
from underpaint.stages.data.folder.rows import MAX_TEXT_BYTES
from underpaint.stages.data.folder.tables import BOM, caption_lines, read_table, read_text

ROWS = [{"file_name": "a.png", "text": "a cat, sitting"}, {"file_name": "b.png", "text": "ein Käfer"}]
TABLES = {
    "t.csv": 'file_name,text\na.png,"a cat, sitting"\n\nb.png,ein Käfer\n',
    "t.tsv": "file_name\ttext\na.png\ta cat, sitting\nb.png\tein Käfer\n",
    "t.jsonl": '{"file_name": "a.png", "text": "a cat, sitting"}\n\n{"file_name": "b.png", "text": "ein Käfer"}',
}
LINES = {"t.csv": (2, 4), "t.tsv": (2, 3), "t.jsonl": (1, 3)}
"""The lines of the file that its rows stand in, as an editor or a spreadsheet counts them."""


@pytest.mark.parametrize("mark", [b"", BOM], ids=["plain", "marked"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("name", TABLES)
def test_every_spelling_of_a_table_gives_the_same_rows(tmp_path: Path, name: str, end: str, mark: bytes) -> None:
    (tmp_path / name).write_bytes(mark + TABLES[name].replace("\n", end).encode())
    assert list(read_table(tmp_path / name)) == list(zip(LINES[name], ROWS, strict=True))


@pytest.mark.parametrize("name", ["wishes.csv", "wishes.jsonl"])
def test_rows_are_counted_as_in_a_file_of_prompts(tmp_path: Path, name: str) -> None:
    lines = ["prompt", "a cat", "", "a dog"] if name.endswith("csv") else ['{"prompt": "a cat"}', "", '{"prompt": "b"}']
    (tmp_path / name).write_text("\n".join(lines))
    ours = [f"{tmp_path / name}, row {number}" for number, _ in read_table(tmp_path / name)]
    assert ours == [row.source for row in read_prompts(tmp_path / name)]


@pytest.mark.parametrize("before", [0, 1, 5000])
def test_a_byte_of_another_encoding_is_named_wherever_it_stands(tmp_path: Path, before: int) -> None:
    head = b"text\n" * before
    (tmp_path / "t.csv").write_bytes(BOM + head + b"caf\xe9\n")
    with pytest.raises(BadEncoding, match=rf"at byte {len(BOM + head) + 3:,} \(0xe9\): it is in another encoding"):
        list(read_table(tmp_path / "t.csv"))


def test_utf_16_is_called_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file_name,text\n", encoding="utf-16")
    with pytest.raises(BadEncoding, match="UTF-16"):
        list(read_table(tmp_path / "t.csv"))


@pytest.mark.parametrize("head", ["", "\n", " , \n"])
def test_a_table_without_a_head_says_what_to_write_there(tmp_path: Path, head: str) -> None:
    (tmp_path / "t.csv").write_text(head)
    with pytest.raises(
        MissingColumn, match=r"t.csv is empty or has an empty first line; name the columns .*file_name,text"
    ):
        list(read_table(tmp_path / "t.csv"))


@pytest.mark.parametrize("head", ["text,text\n", "text, text\n"])
def test_a_head_must_name_every_column_once(tmp_path: Path, head: str) -> None:
    (tmp_path / "t.csv").write_text(head)
    with pytest.raises(MissingColumn, match="name every column once"):
        list(read_table(tmp_path / "t.csv"))


def test_a_row_that_does_not_fit_is_a_problem_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1\n1,2\n1,2,3\n")
    (_, short), (_, good), (number, long) = read_table(tmp_path / "t.csv")
    assert isinstance(short, DataError) and isinstance(long, DataError)
    assert good == {"a": "1", "b": "2"} and number == 4 and "3 fields, the head has 2" in str(long)


@pytest.mark.parametrize("text", ["x" * (MAX_TEXT_BYTES + 1), "words\n" * (MAX_TEXT_BYTES // 5)], ids=["line", "lines"])
def test_a_text_of_more_than_a_mebibyte_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.txt").write_text(text)
    with pytest.raises(InputTooLarge, match=r"1,048,576 bytes"):
        read_text(tmp_path / "t.txt")


@pytest.mark.parametrize(
    ("text", "captions"),
    [
        ("", ""),
        ("a cat\n", "a cat\n"),
        ("\n  a cat \n\n", "\n  a cat \n\n"),
        ("a cat\r\na kitten\n\nan animal\r", ["a cat", "a kitten", "an animal"]),
    ],
)
def test_a_text_holds_one_caption_a_line(text: str, captions: str | list[str]) -> None:
    assert caption_lines(text) == captions


def test_a_text_of_a_mebibyte_is_read(tmp_path: Path) -> None:
    text = ("é" * 511 + "\n\n") * 1024
    (tmp_path / "t.txt").write_text(text)
    assert read_text(tmp_path / "t.txt") == text
    with pytest.raises(MissingFile, match=r"none\.txt cannot be read"):
        read_text(tmp_path / "none.txt")
