"""Settings of an evaluation, and the three suites; imports no torch."""

from __future__ import annotations

import difflib
from typing import Annotated

from pydantic import Field

from underpaint.core.config import Config
from underpaint.core.errors import InputError

Count = Annotated[int, Field(ge=0)]


class EvaluateConfig(Config):
    """What is drawn and measured. Smaller suites draw a part of what larger ones draw, so that pictures are reused.

    Args:
        suite: Name of the suite.
        splits: Splits of the data set that are the reference; their captions and styles are the prompts.
        main: Pictures of the main part, one a reference picture; 0 for as many as there are.
        repeats: Pictures a prompt of the main part, each with its own seed.
        composition: Prompts of held-out combinations; 0 for none.
        seen: Whether matching combinations that training showed are drawn beside them.
        varied_prompts: Prompts that are drawn several times, for the diversity within a prompt.
        varied_seeds: Pictures of each of them.
        null_sets: How often the model is drawn again with other seeds, to see how far chance alone moves the numbers.
        known_bad: Controls that must come out worse.
        extractors: What turns pictures into features.
        novelty: Whether the nearest training pictures are looked up.
        efficiency: Name of the efficiency plan, or empty for none.
        seed: Seed of everything random.
    """

    suite: str
    splits: tuple[str, ...] = ("validation", "test_concept")
    main: Count = 0
    repeats: Annotated[int, Field(ge=1)] = 1
    composition: Count = 0
    seen: bool = True
    varied_prompts: Count = 0
    varied_seeds: Count = 8
    null_sets: Count = 1
    known_bad: tuple[str, ...] = ("jpeg_10", "blur_2", "shuffled_prompts", "int2_round_to_nearest")
    extractors: tuple[str, ...] = ("evaluator-64", "randconv-v1")
    novelty: bool = True
    efficiency: str = ""
    seed: Count = 0


SUITES: dict[str, EvaluateConfig] = {
    "quick": EvaluateConfig(
        suite="quick",
        main=256,
        composition=96,
        seen=False,
        varied_prompts=32,
        varied_seeds=4,
        known_bad=("jpeg_10", "blur_2", "shuffled_prompts"),
        novelty=False,
        efficiency="quick",
    ),
    "standard": EvaluateConfig(suite="standard", composition=368, varied_prompts=32, efficiency="standard"),
    "full": EvaluateConfig(
        suite="full",
        repeats=3,
        composition=960,
        varied_prompts=64,
        varied_seeds=16,
        null_sets=3,
        efficiency="full",
    ),
}


def suite_named(name: str) -> EvaluateConfig:
    """Return a suite.

    Raises:
        InputError: There is none of that name.
    """
    if name in SUITES:
        return SUITES[name]
    close = difflib.get_close_matches(name, SUITES, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(SUITES)}"
    raise InputError(f"there is no suite {name!r:.60}; {hint}")
