"""Splits: whole clusters, all styles together, in the order of a hash.

The default styles alone decide; an added style goes where its concepts are. So no picture changes its split when a
style is added, and models of both sets can be compared on the same held-out pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from underpaint.core.concept import concept_of
from underpaint.stages.data.attributed import ADDED_STYLES
from underpaint.stages.data.composition import levels_of, order_of, pinned_groups
from underpaint.stages.data.drawing import Drawing

SPLITS = ("train", "validation", "test_concept", "test_style", "test_composition")
TEST_SHARE, VALIDATION_SHARE, STYLE_SHARE = 0.10, 0.05, 0.05
HIDDEN_STYLES = {
    "hide_noto": ("cartoon",),
    "hide_fluent": ("flat", "gradient", "line-art"),
    "hide_line_art": ("line-art",),
    "hide_twemoji": ("bold",),
}


@dataclass(frozen=True)
class Place:
    """Where a picture goes: the split, and what exactly it holds out (empty if the split says it all)."""

    split: str
    level: str = ""


def cluster_roles(free: Sequence[str], styles: Sequence[str]) -> dict[str, str]:
    """Deal out the free clusters.

    Args:
        free: Clusters that no benchmark pins to training.
        styles: Styles of the data set; style tests need at least two.

    Returns:
        Cluster to ``test_concept``, ``validation`` or a key of ``HIDDEN_STYLES``; the others are absent.
    """
    ordered = sorted(free, key=order_of)
    num_test, num_validation = round(TEST_SHARE * len(ordered)), round(VALIDATION_SHARE * len(ordered))
    num_style = round(STYLE_SHARE * (len(ordered) - num_test - num_validation))
    roles = ["test_concept"] * num_test + ["validation"] * num_validation
    if len(set(styles)) > 1:
        levels = [level for level, hidden in HIDDEN_STYLES.items() if set(hidden) & set(styles)]
        roles += [level for level in levels for _ in range(num_style)]
    return dict(zip(ordered, roles, strict=False))


def split(drawings: Sequence[Drawing], clusters: Mapping[str, str]) -> list[Place]:
    """Assign every drawing to a split.

    Args:
        drawings: All drawings of all styles.
        clusters: Group to cluster.

    Returns:
        One place a drawing, in the same order.
    """
    deciding = [drawing for drawing in drawings if drawing.style not in ADDED_STYLES]
    levels = levels_of(deciding)
    pinned = {clusters[group] for group in pinned_groups(deciding)}
    free = {clusters[concept_of(drawing.id).group] for drawing in deciding} - pinned
    roles = cluster_roles(sorted(free), sorted({drawing.style for drawing in drawings}))
    places = []
    for drawing in drawings:
        role = roles.get(clusters[concept_of(drawing.id).group], "train")
        if drawing.id in levels:
            places.append(Place("test_composition", levels[drawing.id]))
        elif role in HIDDEN_STYLES:
            hidden = drawing.style in HIDDEN_STYLES[role]
            places.append(Place("test_style", role) if hidden else Place("train"))
        else:
            places.append(Place(role))
    return places
