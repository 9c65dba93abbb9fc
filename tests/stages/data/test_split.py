from __future__ import annotations

import random
from collections import Counter

from underpaint.stages.data.drawing import Drawing
from underpaint.stages.data.split import HIDDEN_STYLES, cluster_roles, split

STYLES = {"cartoon": "noto", "flat": "fluent", "gradient": "fluent", "line-art": "fluent"}


def all_styles(count: int) -> list[Drawing]:
    return [
        Drawing(
            id=f"{0x1FA00 + n:x}", name=f"thing {n}", style=style, family=family, source="s", icon="i", license="MIT"
        )
        for n in range(count)
        for style, family in STYLES.items()
    ]


def test_a_concept_stays_together_unless_a_style_of_it_is_hidden() -> None:
    drawings = all_styles(300)
    places = split(drawings, {d.id: d.id for d in drawings})
    by_id: dict[str, dict[str, str]] = {}
    for drawing, place in zip(drawings, places, strict=True):
        by_id.setdefault(drawing.id, {})[drawing.style] = place.level or place.split
    for styles in by_id.values():
        found = set(styles.values())
        if len(found) > 1:
            (level,) = found - {"train"}
            assert {style for style, where in styles.items() if where == level} == set(HIDDEN_STYLES[level])


def test_shares_are_as_announced() -> None:
    roles = Counter(cluster_roles([f"{n:x}" for n in range(1000)], list(STYLES)).values())
    assert roles == {"test_concept": 100, "validation": 50, "hide_noto": 42, "hide_fluent": 42, "hide_line_art": 42}


def test_the_order_of_the_input_does_not_matter() -> None:
    drawings = all_styles(60)
    shuffled = random.Random(3).sample(drawings, len(drawings))
    clusters = {d.id: d.id for d in drawings}
    first = {(d.id, d.style): p for d, p in zip(drawings, split(drawings, clusters), strict=True)}
    second = {(d.id, d.style): p for d, p in zip(shuffled, split(shuffled, clusters), strict=True)}
    assert first == second


def test_one_style_alone_has_no_style_test() -> None:
    drawings = [d for d in all_styles(200) if d.style == "cartoon"]
    assert {p.split for p in split(drawings, {d.id: d.id for d in drawings})} == {"train", "validation", "test_concept"}


def test_an_added_style_moves_nothing_and_follows_its_concepts() -> None:
    drawings = all_styles(400)
    added = [
        Drawing(id=d.id, name=d.name, style="bold", family="twemoji", source="s", icon="i", license="MIT")
        for d in drawings
        if d.style == "cartoon"
    ]
    unknown = Drawing(id="1f6f0", name="x", style="bold", family="twemoji", source="s", icon="i", license="MIT")
    clusters = {d.id: d.id for d in [*drawings, unknown]}
    places = split([*drawings, *added, unknown], clusters)
    assert places[: len(drawings)] == split(drawings, clusters)
    default = {d.id: p for d, p in zip(drawings, places, strict=False) if d.style == "cartoon"}
    changed = Counter(
        (default[d.id].level or default[d.id].split, p.level or p.split)
        for d, p in zip(added, places[len(drawings) :], strict=False)
        if p != default[d.id]
    )
    assert changed == {("train", "hide_twemoji"): 17, ("hide_noto", "train"): 17}
    assert places[-1].split == "train"
