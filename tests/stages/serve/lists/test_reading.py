"""Laws of lists: a line is a row, a table is read as it was written, and mistakes have the number of their line."""

from __future__ import annotations

import csv
import io

import pytest

from underpaint.core.errors import FieldError
from underpaint.pipelines.prompts import read_prompts
from underpaint.stages.serve.batches.input_file import Mistake
from underpaint.stages.serve.lists.reading import MAX_ROWS, Row, delimiter_of, read_rows


def rows(text: str) -> list[tuple[int, dict[str, str]]]:
    found = list(read_rows(text))
    assert all(isinstance(one, Row) for one in found), found
    return [(one.line, one.cells) for one in found if isinstance(one, Row)]


def mistakes(text: str) -> list[tuple[int | None, str]]:
    return [(one.line, one.message) for one in read_rows(text) if isinstance(one, Mistake)]


def test_a_line_is_a_prompt_whatever_is_in_it():
    text = 'a red heart\n\n  two cats, "best" friends; yes\t! \r\na dog\rthe end'
    assert rows(text) == [
        (1, {"prompt": "a red heart"}),
        (3, {"prompt": 'two cats, "best" friends; yes\t!'}),
        (4, {"prompt": "a dog"}),
        (5, {"prompt": "the end"}),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_table_is_read_as_any_spreadsheet_writes_it(delimiter, quoting, ending):
    written = [("Prompt", "seed", " Style "), ("a cat, sitting", "7", ""), ('a "big"\ndog; two', "", "flat")]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=ending).writerows(written)
    assert delimiter_of(text.getvalue()) == delimiter
    assert rows("\ufeff" + text.getvalue()) == [
        (2, {"prompt": "a cat, sitting", "seed": "7"}),
        (3, {"prompt": 'a "big"\ndog; two', "style": "flat"}),
    ]


def test_the_line_of_a_row_is_that_where_it_begins():
    text = 'prompt,seed\n"a\nb\nc",1\n\nx,2\n'
    assert [line for line, _ in rows(text)] == [2, 6]


def test_columns_of_our_own_tables_are_passed_over_and_an_apostrophe_before_a_formula_is_taken_away():
    text = "file,prompt,pixel_sha256,note\n1.png,'=1+1 cats,00,hello\n2.png,'tis a dog,00,\n"
    assert [cells for _, cells in rows(text)] == [{"prompt": "=1+1 cats"}, {"prompt": "'tis a dog"}]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("prompt,sed\na,1", 1, "did you mean 'seed'"),
        ("caption;style\na cat;flat", 1, "rename 'caption' to 'prompt'"),
        ("style,seed\nflat,1", 1, "rename the column that holds the words to 'prompt'"),
        ('{"prompt": "a"}\n{"prompt": "b", "sed": 1}', 2, "there is no field 'sed'; did you mean 'seed'"),
        ('{"prompt": "a"}\na cat', 2, "no JSON"),
        ('{"prompt": "a"}\n["a cat"]', 2, "no object"),
        ('{"text": "a"}', 1, "there is no field 'prompt'; rename 'text' to 'prompt'"),
        ('{"prompt": ["a cat"]}', 1, "prompt must be text, got ['a cat']"),
        ('{"prompt": {"a": 1}}', 1, "prompt must be text"),
        ('{"prompt": 5}', 1, "prompt must be text, got 5"),
        ('{"prompt": false}', 1, "prompt must be text, got False"),
        ('{"prompt": "a", "style": 1}', 1, "style must be the name of a style"),
        ('{"prompt": "a", "n": true}', 1, "n must be text or a number, got True"),
        ('{"prompt": "a", "seed": [1]}', 1, "seed must be text or a number"),
        ('{"prompt": "a cat",}\n{"prompt": "a dog"}', 1, "no JSON"),
        ("{prompt: a cat}", 1, "no JSON"),
        ("prompt,wishes\na,1", 1, "allowed are prompt"),
        ("prompt,seed,seed\na,1,2", 1, "stands twice"),
        ("seed,prompt\n1,a, b", 2, "quote cells that hold a comma"),
        ('prompt,seed\na,1\n"b,2', 3, "no table"),
        ('prompt,seed\n"a"x,1', 2, "no table"),
    ],
)
def test_mistakes_of_form_have_their_line(text, line, words):
    ((found, message),) = mistakes(text)
    assert found == line and words in message


@pytest.mark.parametrize("ending", [".txt", ".csv", ".jsonl"])
def test_a_file_of_the_command_is_a_list_that_means_the_same(tmp_path, ending):
    texts = {
        ".txt": "a red heart\n\ntwo cats, one dog\n",
        ".csv": 'Style;prompt;n;seed\nflat;"a cat; sitting";2;7\n;a dog;;\n',
        ".jsonl": '{"prompt": "a cat", "style": "flat", "n": 2.0, "seed": 7, "file_name": "x"}\n\n{"prompt": "dog"}\n',
    }
    (file := tmp_path / f"prompts{ending}").write_text(texts[ending], encoding="utf-8")
    by_command = [row.model_dump(exclude={"source"}, exclude_none=True) for row in read_prompts(file)]
    cells = [cells for _, cells in rows(texts[ending])]
    assert [{name: str(value) for name, value in row.items()} for row in by_command] == cells


def test_missing_cells_at_the_end_are_empty_and_empty_ones_too_many_are_no_mistake():
    assert rows("prompt,seed\na\nb,2,,\n") == [(2, {"prompt": "a"}), (3, {"prompt": "b", "seed": "2"})]


def test_a_list_ends_where_it_may_not_be_longer():
    assert len(rows("a\n" * MAX_ROWS)) == MAX_ROWS
    with pytest.raises(FieldError, match="10,000 rows") as caught:
        rows("a\n" * (MAX_ROWS + 1))
    assert caught.value.code == "list_too_large"


def test_an_empty_list_has_no_rows():
    assert rows("") == rows("\n \r\n") == rows("prompt,seed\n") == []
