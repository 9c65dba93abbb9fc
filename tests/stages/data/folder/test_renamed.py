"""The same pictures under another name are the same pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from underpaint.stages.data.difference import difference

Build = Callable[..., Any]
Rows = list[dict[str, Any]]


def test_pictures_that_are_listed_under_two_names_are_compared_by_content(
    build: Build, pictures: Path, rows: Rows, write_rows: Callable[[Path, Rows], Path]
) -> None:
    for number, row in enumerate(rows):
        row |= {"author": "Ann Lee"} if number % 2 else {}
        row |= {"source": "elsewhere"} if number % 3 == 0 else {}
    write_rows(pictures / "metadata.jsonl", rows)
    one, _ = build(pictures, out="one", name="mine")
    other, _ = build(pictures, out="other", name="renamed")
    rows[0]["source"] = "a third place"
    write_rows(pictures / "metadata.jsonl", rows)
    third, _ = build(pictures, out="third", name="renamed")

    found = difference(one, other)
    assert (found.same, found.changed, found.parents) == (len(rows), (), {})
    assert found.source_name == ("mine", "renamed")
    assert difference(one, third).changed_fields == {"source": 1}
    assert difference(other, third).source_name is None
