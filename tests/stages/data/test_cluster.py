from __future__ import annotations

import itertools

import numpy as np

from underpaint.stages.data.cluster import UnionFind, clusters_of
from underpaint.stages.data.drawing import Drawing
from underpaint.stages.data.look import Look, look_at


def test_the_smallest_member_names_a_set_whatever_the_order() -> None:
    pairs = [("d", "c"), ("b", "d"), ("e", "f")]
    for order in itertools.permutations(pairs):
        sets = UnionFind()
        for one, other in order:
            sets.unite(one, other)
        assert [sets.find(x) for x in "abcdef"] == ["a", "b", "b", "b", "e", "e"]


def drawing(id_: str, style: str) -> Drawing:
    return Drawing(id=id_, name=id_, style=style, family=style, source="s", icon=id_, license="MIT")


def test_groups_unite_within_a_style_only(pictures: np.ndarray) -> None:
    look = look_at([pictures[0], pictures[1], pictures[3], pictures[4]])
    same = [drawing("1f600", "flat"), drawing("1f601", "flat"), drawing("1f602", "flat"), drawing("1f603", "cartoon")]
    assert clusters_of(same, look) == {"1f600": "1f600", "1f601": "1f600", "1f602": "1f602", "1f603": "1f603"}


def test_an_added_style_unites_nothing(pictures: np.ndarray) -> None:
    look = look_at([pictures[0], pictures[1]])
    assert clusters_of([drawing("1f600", "bold"), drawing("1f601", "bold")], look) == {
        "1f600": "1f600",
        "1f601": "1f601",
    }


def test_positions_choose_pictures(pictures: np.ndarray) -> None:
    look = look_at(list(pictures))
    part: Look = look.at([3, 1])
    assert part.hashes == [look.hashes[3], look.hashes[1]]
    assert (part.pixels == look.pixels[[3, 1]]).all()
