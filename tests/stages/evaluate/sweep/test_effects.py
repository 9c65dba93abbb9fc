from __future__ import annotations

import numpy as np
import pytest

from underpaint.metrics.estimate import Estimate
from underpaint.metrics.sequential import holm
from underpaint.stages.evaluate.scores.ledger import Score
from underpaint.stages.evaluate.sweep.effects import Shift, effects_of, holm_adjusted, maybe_on_front, mean_of, shift

N = 400
IMAGES = tuple(f"main-{row:05d}" for row in range(N))
CLUSTERS = {image: f"concept-{row // 2}" for row, image in enumerate(IMAGES)}


def score(values: np.ndarray, reference: np.ndarray | None = None, images: tuple[str, ...] = IMAGES) -> Score:
    centered = values - values.mean()
    other = None if reference is None else reference - reference.mean()
    estimate = Estimate(
        value=float(values.mean()),
        n=len(values),
        m=None if other is None else len(other),
        influence=centered,
        reference_influence=other,
    )
    return Score(metric="kid", estimate=estimate, images=images, extractor="x:1")


def moved(base: Score, other: Score, reference: tuple[str, ...] = ()) -> Shift:
    found = shift(base, other, CLUSTERS, reference)
    assert found is not None
    return found


def test_an_effect_is_the_mean_over_cells_with_the_error_of_their_mean_influence():
    rng = np.random.default_rng(0)
    own, cells = rng.normal(size=N), [rng.normal(0.2, 1.0, size=N) for _ in range(3)]
    base = score(own)
    settings = [{"guidance": 1.0, "steps": float(steps)} for steps in range(3)]
    made = effects_of([(s, [moved(base, score(cell))]) for s, cell in zip(settings, cells, strict=True)])
    effect = next(one for one in made if one.factor == "guidance")
    pairs = (np.mean(cells, axis=0) - own).reshape(-1, 2).mean(axis=1)
    assert effect.cells == 3 and effect.mean == pytest.approx(pairs.mean())
    assert effect.se == pytest.approx(pairs.std(ddof=1) / np.sqrt(N // 2))
    assert len(made) == 4 and {one.cells for one in made if one.factor == "steps"} == {1}


def test_what_cells_share_with_the_models_own_settings_cancels():
    rng = np.random.default_rng(1)
    shared = rng.normal(size=N)
    found = moved(score(shared), score(shared + 0.1 + 0.01 * rng.normal(size=N)))
    assert found.delta == pytest.approx(0.1, abs=0.005) and found.se < 0.001


def test_the_reference_has_its_own_clusters():
    rng = np.random.default_rng(2)
    values, reference = rng.normal(size=N), np.repeat(rng.normal(size=20), 5)
    names = tuple(f"r{row // 5}" for row in range(100))
    found = moved(score(values, np.zeros(100)), score(values, reference), names)
    expected = reference[::5].std(ddof=1) / np.sqrt(20)
    assert found.se == pytest.approx(expected)
    assert mean_of([found, found]).se == pytest.approx(expected)


def test_the_interval_of_an_effect_holds_the_truth_as_often_as_it_says():
    rng, hits = np.random.default_rng(3), 0
    for _ in range(300):
        own = rng.normal(size=N) + np.repeat(rng.normal(size=N // 2), 2)
        cells = [own + 0.3 + np.repeat(rng.normal(size=N // 2), 2) for _ in range(2)]
        (effect,) = effects_of([({"steps": 1.0}, [moved(score(own), score(cell))]) for cell in cells])
        assert effect.se is not None
        hits += abs(effect.mean - 0.3) < 1.96 * effect.se
    assert 0.91 < hits / 300 < 0.99


def test_cells_that_cannot_be_paired_have_no_shift():
    values = np.arange(float(N))
    few = score(values[:10], images=IMAGES[:10])
    assert shift(score(values), few, CLUSTERS, ()) is None
    assert shift(score(values), Score(metric="kid", images=IMAGES, extractor="x:1"), CLUSTERS, ()) is None
    bare = Score(metric="kid", estimate=Estimate(value=1.0, n=N), images=IMAGES, extractor="x:1")
    assert shift(score(values), bare, CLUSTERS, ()) is None


def test_adjusted_p_values_agree_with_holm():
    rng = np.random.default_rng(4)
    for _ in range(50):
        p_values = (rng.random(6) ** 4).tolist()
        adjusted = holm_adjusted(p_values)
        for alpha in (0.01, 0.05, 0.2):
            assert [p <= alpha for p in adjusted] == holm(p_values, alpha)
    assert holm_adjusted([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm_adjusted([]) == []


def front_of(means: list[float], times: list[float | None], on_front: list[bool], *, lower: bool = True) -> list[bool]:
    rng = np.random.default_rng(5)
    scores = [score(rng.normal(mean, 1.0, size=N)) for mean in means]
    return maybe_on_front(scores, times, on_front, CLUSTERS, (), lower_is_better=lower)


def test_a_cell_is_excluded_from_the_front_only_by_one_that_is_as_fast_and_proven_better():
    on = [True, False, False]
    assert front_of([0.0, 0.01, 2.0], [10.0, 10.0, 10.0], on) == [False, True, False]
    assert front_of([0.0, 0.01, 2.0], [10.0, 10.0, 9.0], on) == [False, True, True]
    assert front_of([0.0, -0.01, -2.0], [10.0, 10.0, 10.0], on, lower=False) == [False, True, False]


def test_a_cell_without_quality_or_time_is_not_drawn_into_the_front():
    assert front_of([0.0, 0.0], [10.0, None], [True, False]) == [False, False]
    values = score(np.random.default_rng(6).normal(size=N))
    assert maybe_on_front([values, None], [1.0, 1.0], [True, False], CLUSTERS, (), lower_is_better=True)[1] is False
