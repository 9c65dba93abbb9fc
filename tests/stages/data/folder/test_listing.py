"""What is listed on the disk is what a list in memory would hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from underpaint.core.errors import DataError, EmptyCaption, MissingFile
from underpaint.stages.data.folder.ledger import Ledger
from underpaint.stages.data.folder.listing import LeftOut, Listing
from underpaint.stages.data.folder.problems import MAX_LISTED, Problems

ROWS = [(f"row {n}", ("Late", "Early")[n % 3 == 0], f"detail {n % 5} \udc80") for n in range(40)]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.sqlite")
    yield made
    made.close()


def test_a_listing_gives_back_what_was_added_in_order(ledger: Ledger) -> None:
    listing = Listing(ledger, "some")
    assert (len(listing), list(listing), listing.by_rule()) == (0, [], {})
    for row in ROWS:
        listing.add(*row)
    assert list(listing) == [LeftOut(where=where, rule=rule, detail=detail) for where, rule, detail in ROWS]
    counts = Counter(rule for _, rule, _ in ROWS)
    assert (len(listing), list(listing.kinds()), listing.by_rule()) == (40, ["Early", "Late"], dict(counts))
    assert listing.num_different(["Late"]) == (5, counts["Late"])
    assert listing.details(["Late"], 2) == [
        (f"detail {n} \udc80", sum(row[1:] == ("Late", f"detail {n} \udc80") for row in ROWS), f"row {n}")
        for n in (1, 2)
    ]


def test_of_many_problems_the_first_are_named_and_the_others_counted(ledger: Ledger) -> None:
    problems = Problems(ledger, keep_going=False)
    problems.leave_out("row 0", "Duplicate", "no problem")
    for number in range(MAX_LISTED + 5):
        problems.add(f"row {number}", EmptyCaption(f"problem {number // 2 * 2}"))
    with pytest.raises(EmptyCaption) as caught:
        problems.refuse("mine", 100)
    head, *lines, advice = str(caught.value).splitlines()
    assert head == f"mine has {MAX_LISTED + 5} problems:"
    assert lines[0] == "  2 of 100 rows: problem 0 (the first: row 0)"
    assert lines[-1] == f"  row {MAX_LISTED + 4}: problem {MAX_LISTED + 4}"
    assert advice == "Mend them, or leave them out with --keep-going"
    for number in range(MAX_LISTED):
        problems.add("another row", MissingFile(f"gone {number}"))
    with pytest.raises(DataError, match=r"45 problems \(EmptyCaption 25, MissingFile 20\)") as caught:
        problems.refuse("mine", 100)
    assert str(caught.value).splitlines()[-2] == "  and 13 more"


def test_a_table_that_broke_off_is_named_first(ledger: Ledger) -> None:
    problems = Problems(ledger, keep_going=False)
    problems.break_off(MissingFile("it breaks off"))
    with pytest.raises(MissingFile, match=r"^it breaks off$"):
        problems.refuse("mine", 1)
    problems.add("row 1", MissingFile("it is gone"))
    with pytest.raises(MissingFile, match=r"^mine has 2 problems:\n  it breaks off\n  row 1: it is gone\nMend them$"):
        problems.refuse("mine", 2)


def test_what_may_be_left_out_is_no_end(ledger: Ledger) -> None:
    problems = Problems(ledger, keep_going=True)
    problems.add("row 1", EmptyCaption("empty"), MissingFile("gone"))
    problems.refuse("mine", 2)
    assert list(problems.left_out) == [LeftOut(where="row 1", rule="EmptyCaption", detail="empty; gone")]
