"""Placing by numbers does what placing by names would do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from underpaint.stages.data.composition import order_of
from underpaint.stages.data.folder.entry import Entry
from underpaint.stages.data.folder.groups import groups_of
from underpaint.stages.data.folder.ledger import Ledger
from underpaint.stages.data.folder.places import SLACK, SPLIT_NAMES, place_all, wanted_shares
from underpaint.stages.data.folder.problems import Problems
from underpaint.stages.data.folder.samples import given_of, variants_of

Leak = tuple[str, str]


def chosen_by_name(sizes: Mapping[str, int], shares: Mapping[str, float]) -> dict[str, str]:
    """Cluster to split, of those that are held out."""
    total, chosen = sum(sizes.values()), dict[str, str]()
    for split, share in shares.items():
        target, filled = max(1, round(share * total)), 0
        free = [name for name in sorted(sizes, key=order_of) if name not in chosen]
        for name in free:
            if filled < target and filled + sizes[name] <= SLACK * target and len(chosen) < len(sizes) - 1:
                chosen[name] = split
                filled += sizes[name]
        if not filled and len(free) > 1:
            chosen[min(free, key=lambda name: sizes[name])] = split
    return chosen


def placed_by_name(names: Sequence[str], given: Sequence[str]) -> tuple[list[str], list[Leak]]:
    """Splits, empty for what has to go, and what has to go with what it leaks to."""
    members: dict[str, list[int]] = defaultdict(list)
    for position, name in enumerate(names):
        members[name].append(position)
    splits, leaks = [split or "train" for split in given], []
    for positions in members.values():
        held_out = sorted({given[i] for i in positions} - {"", "train"})
        for position in positions if held_out else ():
            kept = next(i for i in positions if given[i] == held_out[0])
            splits[position] = held_out[0] if given[position] in ("", held_out[0]) else ""
            leaks += [] if splits[position] else [(f"row {position}", f"row {kept} ({held_out[0]})")]
    free = {name: len(p) for name, p in members.items() if {splits[i] for i in p} == {"train"}}
    chosen = chosen_by_name(free, wanted_shares(set(given) - {""}))
    return [chosen.get(n, s) if s == "train" else s for n, s in zip(names, splits, strict=True)], leaks


@pytest.mark.parametrize("rare", [0.0, 0.03, 0.3])
@pytest.mark.parametrize("seed", range(6))
def test_splits_and_leaks_are_those_of_the_plain_way(seed: int, rare: float, tmp_path: Path) -> None:
    random, count = np.random.default_rng(seed), 80
    shares = {"": 0.5 - rare, "train": 0.5}
    given = random.choice(SPLIT_NAMES, count, p=[shares.get(name, rare / 4) for name in SPLIT_NAMES]).tolist()
    groups = random.integers(0, 40, count).tolist()
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        for number, (split, group) in enumerate(zip(given, groups, strict=True)):
            empty: dict[str, Any] = dict.fromkeys(("key", "name", "caption", "license", "author", "source"), "")
            empty |= {"place": (0,), "weight": None, "alternatives": ()}
            own: dict[str, Any] = {
                "where": f"row {number}",
                "id": f"id{number}",
                "group": f"g{group}",
                "style": f"s{number % 2}",
            }
            ledger.add(Entry(**empty, **own, split=split))
            ledger.keep(number)
        ledger.sort_kept()
        found = groups_of(ledger)
        pairs = [group // 2 for group in groups]
        names = found.names_of(np.array([pairs.index(pair) for pair in pairs]))
        problems = Problems(ledger, keep_going=True)
        codes, styles = given_of(ledger)
        splits = place_all(ledger, found, names, codes, problems)
        texts = [ledger.group(int(found.first[rank])) for rank in names]
        leaks = [(one.where, one.detail.split("picture is ")[1].split(";")[0]) for one in problems.left_out]
    wanted, wanted_leaks = placed_by_name(texts, given)
    assert [SPLIT_NAMES[split] for split in splits] == wanted
    assert leaks == wanted_leaks
    keys = [(group, number % 2, split) for number, (group, split) in enumerate(zip(groups, wanted, strict=True))]
    assert variants_of(found.ranks, styles, splits).tolist() == [keys.count(key) for key in keys]
