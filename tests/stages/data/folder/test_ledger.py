"""The ledger gives back what was taken down, in the order that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from underpaint.core.errors import StorageError
from underpaint.stages.data.folder.entry import Entry
from underpaint.stages.data.folder.groups import groups_of
from underpaint.stages.data.folder.ledger import LOT, Ledger

Make = Callable[..., Entry]
NAMES = ("é", "a", "\ud800", "Z", "", "𝄞", "z b")
"""Groups whose order as text is that of their bytes only if half a pair stands where it belongs."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.sqlite")
    yield made
    made.close()


@pytest.fixture
def entry() -> Make:
    """Makes an entry: ``entry(number, group="a")``."""
    values: dict[str, Any] = dict.fromkeys(
        ("name", "caption", "split", "license", "author", "source", "group", "style"), ""
    )

    def make(number: int, **changes: Any) -> Entry:
        own = {"where": f"row {number}", "key": f"k{number}", "place": (0, number), "id": f"id{number:03d}"}
        return Entry(**values | own | {"alternatives": ("one", "two"), "weight": None} | changes)

    return make


def test_entries_come_back_as_they_were(ledger: Ledger, entry: Make) -> None:
    made = [entry(0, place=Path("a/\udcff.png"), name="\ud800 “x”", weight=0.1, sound=False), entry(1), entry(2)]
    for one in made:
        ledger.add(one)
    assert [one for _, one in ledger.entries()] == made == [ledger.entry(n) for n in range(3)]
    assert list(ledger.entries("sound")) == [(1, made[1]), (2, made[2])]
    assert list(ledger.entries("all", most=2)) == [(0, made[0]), (1, made[1])]
    assert (ledger.num_entries, ledger.num_sound) == (3, 2)


def test_entries_are_gone_through_while_the_ledger_is_written(ledger: Ledger, entry: Make) -> None:
    for number in range(LOT + 3):
        ledger.add(entry(number))
    for position, one in ledger.entries():
        assert one.where == f"row {position}"
        ledger.set_key(position, bytes([position % 7]))
    for key in (1, 2):
        ledger.set_record(bytes([key]), 10 * key)
    ledger.set_failed(bytes([3]), "Rule", "problem")
    found = [n for n in range(LOT + 3) if n % 7 in (1, 2)]
    assert list(ledger.finished()) == [(n, n % 7 * 10) for n in found]
    assert list(ledger.failures()) == [(n, "Rule", "problem") for n in range(3, LOT + 3, 7)]
    assert ledger.has_failed(bytes([3])) and not ledger.has_failed(bytes([1]))
    assert (ledger.record(bytes([2])), ledger.record(bytes([4])), ledger.num_records()) == (20, None, 2)


def test_the_first_of_equal_ids_and_pixels_is_named(ledger: Ledger) -> None:
    assert [ledger.earlier(id_, where) for id_, where in (("a", "one\udc80"), ("b", "two"), ("a", "three"))] == [
        None, None, "one\udc80"
    ]  # fmt: skip
    assert [ledger.first_with(pixels, n) for n, pixels in enumerate((b"x", b"y", b"x"))] == [0, 1, 0]


def test_groups_are_ranked_as_their_texts_are(ledger: Ledger, entry: Make) -> None:
    groups = [NAMES[int(n)] for n in np.random.default_rng(0).integers(0, len(NAMES), 60)]
    for number, group in enumerate(groups):
        ledger.add(entry(number, group=group))
    for number in range(60):
        ledger.keep(number)
    ledger.sort_kept()
    found = groups_of(ledger)
    names = [group or f"id{number:03d}" for number, group in enumerate(groups)]
    ordered = sorted(set(names))
    assert found.ranks.tolist() == [ordered.index(name) for name in names]
    assert found.first.tolist() == [names.index(name) for name in ordered]
    assert found.given.tolist() == [bool(group) for group in groups]
    assert [ledger.group(int(n)) for n in found.first] == ordered
    first = {name: names.index(name) for name in ordered}
    united = found.united().of(np.arange(60)).tolist()
    assert united == [first[name] if group else n for n, (name, group) in enumerate(zip(names, groups, strict=True))]
    clusters = np.array([n % 5 for n in range(60)])
    smallest = [min(names[n % 5 :: 5]) for n in range(60)]
    assert [ordered[rank] for rank in found.names_of(clusters)] == smallest


def test_a_full_disk_is_an_error_of_storage(ledger: Ledger, entry: Make) -> None:
    ledger.run("PRAGMA max_page_count = 40")
    with pytest.raises(StorageError, match=r"ledger\.sqlite: database or disk is full; free some space"):
        for number in range(10_000):
            ledger.add(entry(number))
