"""The composition benchmark: combinations held out although each of their parts is seen in training.

People form a complete factorial of roles, gender forms and skin tones; cells, tones and whole toned roles are taken
out of it by a fixed order. Beside it stand mirrored forms, pairs of tones, colors of shapes, cat faces and clocks.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from underpaint.core.concept import TONES, concept_of
from underpaint.stages.data.drawing import Drawing

SALT = "underpaint-split-1:"
GENDERS = ("person", "man", "woman")
TONE_NAMES = tuple(TONES.values())
NOT_ROLES = ("1f9d2", "1f9d3")
"""Child and older person: their gender forms have other names (boy, old woman)."""
TWINS = ("astronaut", "people with bunny ears", "people wrestling", "person", "person: blond hair")
"""Roles whose drawings are identical or have two-person twins; nothing of them is held out."""
CELL_ROLES, TONE_ROLES = 45, 15

MIRRORED = ("person kneeling", "person with white cane")
TONE_PAIRS = ({"light", "dark"}, {"medium-light", "medium-dark"})
COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "brown")
SHAPES = ("heart", "circle", "square")
HELD_OUT = {
    "color_shape": ("green heart", "purple heart", "orange circle", "brown circle", "blue square", "yellow square"),
    "expression_cat": ("cat with tears of joy", "kissing cat", "weary cat"),
    "clock": ("two o'clock", "seven o'clock", "five-thirty", "ten-thirty"),
}
CAT_FACES = {
    "grinning cat": "grinning face",
    "grinning cat with smiling eyes": "grinning face with smiling eyes",
    "cat with tears of joy": "face with tears of joy",
    "smiling cat with heart-eyes": "smiling face with heart-eyes",
    "cat with wry smile": "smirking face",
    "kissing cat": "kissing face",
    "pouting cat": "enraged face",
    "crying cat": "crying face",
    "weary cat": "weary face",
}
HOURS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
CLOCKS = tuple(f"{hour}{end}" for hour in HOURS for end in (" o'clock", "-thirty"))
SEEN_PARTS = (
    *(f"{color} {shape}" for color in COLORS for shape in SHAPES),
    *CAT_FACES,
    *CAT_FACES.values(),
    *CLOCKS,
)


def order_of(id_: str) -> str:
    """Return the key by which clusters and roles are ordered: a hash, no random state."""
    return hashlib.sha256(f"{SALT}{id_}".encode()).hexdigest()


def plain_name(name: str) -> str:
    """Return a name with a straight apostrophe."""
    return name.replace("’", "'")


def roles_of(drawings: Sequence[Drawing]) -> list[str]:
    """Return the groups of people that have all 3 gender forms times 6 tones in one style, ordered by group."""
    cells: dict[tuple[str, str], set[tuple[str, tuple[str, ...]]]] = defaultdict(set)
    for drawing in drawings:
        concept = concept_of(drawing.id)
        if len(concept.tones) <= 1 and len(concept.genders) <= 1 and not concept.facing_right:
            cells[drawing.style, concept.group].add((concept.gender, concept.tones))
    complete = len(GENDERS) * (len(TONE_NAMES) + 1)
    return sorted({group for (_, group), seen in cells.items() if len(seen) == complete and group not in NOT_ROLES})


def held_out_cells(roles: Sequence[str]) -> dict[tuple[str, str, str], str]:
    """Choose the cells of the factorial that training does not see.

    Args:
        roles: Groups that are roles, without the twins.

    Returns:
        (group, gender, tone) to level.
    """
    held = {}
    for place, group in enumerate(sorted(roles, key=order_of)):
        for g, gender in enumerate(GENDERS):
            for t, tone in enumerate(TONE_NAMES):
                if place < CELL_ROLES:
                    level = "cell" if place % 15 == 5 * g + t else ""
                elif place < CELL_ROLES + TONE_ROLES:
                    level = "role_tone" if place % 5 == t else ""
                else:
                    level = "role_untoned_only"
                if level:
                    held[group, gender, tone] = level
    return held


def levels_of(drawings: Sequence[Drawing]) -> dict[str, str]:
    """Choose the ids that the composition benchmark holds out.

    Args:
        drawings: All drawings of all styles.

    Returns:
        Id to level; ids that are not held out are absent.
    """
    names = {drawing.id: plain_name(drawing.name) for drawing in drawings}
    groups = {name: concept_of(id_).group for id_, name in names.items()}
    twins = {groups[name] for name in TWINS if name in groups}
    mirrored = {groups[name] for name in MIRRORED if name in groups}
    cells = held_out_cells([group for group in roles_of(drawings) if group not in twins])
    by_name = {name: level for level, held in HELD_OUT.items() for name in held}
    levels = {}
    for id_, name in names.items():
        concept = concept_of(id_)
        level = by_name.get(name, "")
        if len(concept.tones) == 2 and set(concept.tones) in TONE_PAIRS:
            level = "tone_pair"
        elif len(concept.tones) == 1:
            level = cells.get((concept.group, concept.gender, concept.tones[0]), level)
        if not level and concept.facing_right and concept.group in mirrored:
            level = "mirror"
        if level:
            levels[id_] = level
    return levels


def pinned_groups(drawings: Sequence[Drawing]) -> set[str]:
    """Return the groups that carry a part of the benchmark and therefore stay in training."""
    concepts = [(plain_name(drawing.name), concept_of(drawing.id)) for drawing in drawings]
    pinned = {concept.group for name, concept in concepts if name in SEEN_PARTS or len(concept.tones) > 1}
    return pinned | set(roles_of(drawings))
