from __future__ import annotations

import json
from pathlib import Path

import pytest

from underpaint.core.errors import InputError
from underpaint.core.mistakes import SHOWN, Mistakes
from underpaint.pipelines import prompts
from underpaint.pipelines.prompts import PromptRow, read_prompts, read_usable


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def facts(rows: list[PromptRow]) -> list[tuple[object, ...]]:
    return [(row.prompt, row.style, row.seed, row.n) for row in rows]


def test_text_has_one_prompt_a_line(tmp_path):
    rows = read_prompts(write(tmp_path, "a.txt", "\ufeffa red cat\r\n\n  # a hash \n☃\n"))
    assert [row.prompt for row in rows] == ["a red cat", "# a hash", "☃"]
    assert rows[1].source == f"{tmp_path / 'a.txt'}, row 3"


def test_csv_has_a_header_and_any_order_of_columns(tmp_path):
    content = 'Seed,prompt, style\n7,"a cat, and a dog",flat\n,"say ""hi""",\n\n'
    rows = read_prompts(write(tmp_path, "a.csv", content))
    assert facts(rows) == [("a cat, and a dog", "flat", 7, None), ('say "hi"', None, None, None)]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_is_read_alike_with_commas_semicolons_and_tabs(tmp_path, separator):
    rows = [["seed", "Prompt", '"style"'], ["7", "a cat", "flat"], ["", f'"one{separator} two"', ""]]
    content = "\ufeff" + "".join(separator.join(row) + "\r\n" for row in rows)
    found = read_prompts(write(tmp_path, "a.csv", content))
    assert facts(found) == [("a cat", "flat", 7, None), (f"one{separator} two", None, None, None)]


def test_a_csv_of_prompts_alone_may_hold_other_separators(tmp_path):
    rows = read_prompts(write(tmp_path, "a.csv", "prompt\na cat; a dog\n"))
    assert [row.prompt for row in rows] == ["a cat; a dog"]


def test_cells_too_many_are_told_with_the_sign_that_must_be_quoted(tmp_path):
    with pytest.raises(InputError, match="row 2: has 3 cells, the header has 2; quote cells that hold a semicolon"):
        read_prompts(write(tmp_path, "a.csv", "prompt;seed\na; b;1\n"))


def test_a_csv_cell_may_hold_a_line_break(tmp_path):
    rows = read_prompts(write(tmp_path, "a.csv", 'prompt\n"a cat\nand a dog"\nbird\n'))
    assert [row.prompt for row in rows] == ["a cat\nand a dog", "bird"]
    assert rows[1].source.endswith("row 4")


def test_json_lines_have_one_object_a_line(tmp_path):
    lines = [{"prompt": "a cat", "n": 3}, {"prompt": "☃", "style": "noto", "seed": 0}]
    rows = read_prompts(write(tmp_path, "a.jsonl", "\n".join(json.dumps(line) for line in lines)))
    assert facts(rows) == [("a cat", None, None, 3), ("☃", "noto", 0, None)]


MISTAKES = {
    "empty.txt": ("", "holds no prompts"),
    "blank.txt": ("\n \n", "holds no prompts"),
    "nul.txt": (b"a cat\nb\0ird\n", "row 2: there is a NUL byte"),
    "utf16.txt": ("a cat".encode("utf-16"), "row 1: there is a NUL byte"),
    "latin.txt": (b"a cat\ncaf\xe9\n", "row 2: this is not UTF-8"),
    "wishes.xlsx": ("x", "ends in .txt, .csv, .jsonl"),
    "empty.csv": ("", "must name the columns"),
    "no-header.csv": ("a cat\na dog\n", "must name the columns: .*, with commas, semicolons or tabs"),
    "unknown.csv": ("prompt,size\na cat,64\n", "must name the columns"),
    "twice.csv": ("prompt,prompt\na,b\n", "must name the columns"),
    "cells.csv": ("prompt,seed\na cat,1\na, b, c\n", "row 3: has 3 cells, the header has 2"),
    "quote.csv": ('prompt\n"a cat\n', "is no CSV"),
    "seed.csv": (
        "prompt,seed\na cat,1\na dog,many\n",
        "row 3: seed must be a whole number between 0 and 9007199254740991, got 'many'",
    ),
    "negative.csv": ("prompt,seed\na cat,-1\n", "row 2: seed must be a whole number between 0 .*, got -1"),
    "many.csv": ("prompt,n\na cat,1001\n", "row 2: n must be a whole number between 1 and 1000, got 1001"),
    "missing.csv": ("prompt,seed\n,1\n", "row 2: there is no prompt; write what to draw"),
    "broken.jsonl": ('{"prompt": "a"}\n{"prompt": \n', "row 2: this is no JSON"),
    "list.jsonl": ("[1]\n", "row 1: no JSON object"),
    "null.jsonl": ("null\n", "row 1: no JSON object"),
    "unknown.jsonl": ('{"prompt": "a", "size": 64}\n', "row 1: unknown keys 'size'; allowed are prompt"),
    "source.jsonl": ('{"prompt": "a", "source": "x"}\n', "unknown keys 'source'"),
    "double.jsonl": ('{"prompt": "a", "prompt": "b"}\n', "row 1: .*twice"),
    "type.jsonl": ('{"prompt": 5}\n', "row 1: prompt must be text, got 5"),
    "style.jsonl": (
        '{"prompt": "a", "style": ["flat"]}\n',
        r"row 1: style must be the name of a style, got \['flat'\]",
    ),
    "true.jsonl": ('{"prompt": "a", "n": true}\n', "row 1: n must be a whole number between 1 and 1000, got True"),
    "half.jsonl": ('{"prompt": "a", "n": 2.5}\n', "row 1: n must be a whole number between 1 and 1000, got 2.5"),
    "blank.jsonl": ('{"prompt": "  "}\n', "row 1: .*the prompt is empty"),
    "infinite.jsonl": ('{"prompt": "a", "seed": 1e999}\n', "row 1: .*seed"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_file_and_row(tmp_path, name):
    content, message = MISTAKES[name]
    path = write(tmp_path, name, content)
    with pytest.raises(InputError, match=message) as caught:
        read_prompts(path)
    assert str(path) in str(caught.value)
    assert "Input should" not in str(caught.value) and "invalid settings" not in str(caught.value)


def test_every_mistake_of_a_row_and_of_a_file_is_listed_once(tmp_path):
    path = write(tmp_path, "a.csv", "prompt,seed,n\na cat,x,0\na dog,1,2\n,7,\na, b, c, d\n")
    with pytest.raises(InputError) as caught:
        read_prompts(path)
    head, *lines = str(caught.value).splitlines()
    rows = [line.removeprefix(f"  {path}, row ").partition(":")[0] for line in lines]
    assert head == "4 mistakes:" and rows == ["2", "2", "4", "5"]


def test_a_row_with_a_wrong_value_lacks_that_value_alone(tmp_path):
    path = write(tmp_path, "a.csv", "prompt,style,seed\na cat,flat,x\na dog,noto,1\n")
    found = Mistakes()
    assert facts(read_usable(path, found)) == [("a cat", "flat", None, None), ("a dog", "noto", 1, None)]
    assert len(found) == 1


def test_all_mistakes_are_listed_at_once_but_not_endlessly(tmp_path):
    path = write(tmp_path, "a.csv", "prompt,seed\n" + "a,x\n" * 30)
    with pytest.raises(InputError) as caught:
        read_prompts(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == SHOWN + 2 and (lines[0], lines[-1]) == ("30 mistakes:", "  and 20 more")


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_prompts(tmp_path / "none.txt")


def test_too_many_rows_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(prompts, "ROW_CAP", 3)
    path = write(tmp_path, "a.txt", "cat\n" * 3)
    assert len(read_prompts(path)) == 3
    path.write_text("cat\n" * 4)
    with pytest.raises(InputError, match="more than 3 prompts"):
        read_prompts(path)


def test_a_huge_file_is_not_read(tmp_path):
    path = write(tmp_path, "a.txt", "")
    with path.open("r+b") as file:
        file.truncate(prompts.FILE_CAP + 1)
    with pytest.raises(InputError, match="split it"):
        read_prompts(path)


def test_the_prompts_of_an_evaluation_can_be_drawn(tmp_path):
    path = tmp_path / "prompts.jsonl"
    path.write_text(
        '{"file_name": "main-0.png", "prompt": "a cat", "prompt_id": "1f408/flat", "seed": 3, "style": "flat"}'
    )
    (row,) = read_prompts(path)
    assert (row.prompt, row.style, row.seed) == ("a cat", "flat", 3)
