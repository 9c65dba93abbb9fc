from __future__ import annotations

import pytest

from underpaint.core.errors import MissingColumn
from underpaint.stages.data.folder.columns import caption_columns, column_for, find_column
from underpaint.stages.data.folder.config import ROLES


@pytest.mark.parametrize("role", ROLES)
def test_the_first_name_that_is_there_is_taken(role: str) -> None:
    names = ROLES[role]
    for start, name in enumerate(names):
        assert find_column(role, reversed(names[start:]), {}) == name
    assert find_column(role, ["something else"], {}) is None


def test_a_column_that_was_chosen_is_the_only_one_that_counts() -> None:
    assert find_column("caption", ["text", "title"], {"caption": "title"}) == "title"
    assert find_column("caption", ["text"], {"caption": "title"}) is None


@pytest.mark.parametrize(
    ("found", "columns", "taken"),
    [
        (["caption_2", "caption_10", "caption_1", "id"], {}, ["caption_1", "caption_2", "caption_10"]),
        (["text_1", "text"], {}, ["text", "text_1"]),
        (["caption_1", "text"], {}, ["text"]),
        (["title", "title_1", "text"], {"caption": "title"}, ["title", "title_1"]),
        (["text"], {"caption": "title"}, []),
        (["text_one", "text_", "texts_1"], {}, []),
    ],
)
def test_captions_may_be_numbered(found: list[str], columns: dict[str, str], taken: list[str]) -> None:
    assert caption_columns(found, columns) == taken


@pytest.mark.parametrize(
    ("found", "columns", "words"),
    [
        (
            ["id", "Captions"],
            {},
            "has no column for the caption (text or caption or prompt), only id, Captions; did you",
        ),
        (["titel"], {"caption": "title"}, "did you mean 'titel'? choose it with --column caption=titel"),
        (["id"], {}, "name one so, or choose another with --column caption=NAME"),
        ([], {}, "only none"),
    ],
)
def test_what_is_missing_is_named_with_what_is_there(found: list[str], columns: dict[str, str], words: str) -> None:
    with pytest.raises(MissingColumn) as refused:
        column_for("caption", found, columns, "t.csv")
    assert str(refused.value).startswith("t.csv has no column") and words in str(refused.value)
    assert column_for("caption", found, columns, "") is None
