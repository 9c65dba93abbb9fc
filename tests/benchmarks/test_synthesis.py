from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from underpaint.core.samples import STATED, Sample


@pytest.fixture(scope="module")
def synthesis(load_benchmark) -> ModuleType:
    return load_benchmark("synthesis")


def sample(id_: str, style: str, split: str, number: int = 0) -> Sample:
    texts = dict.fromkeys(STATED, "x")
    named = {"id": id_, "group": id_.split("-")[0], "cluster": id_.split("-")[0], "caption": f"caption of {id_}"}
    return Sample.model_validate(
        texts | named | {"style": style, "split": split, "weight": 1.0, "file": f"{number}.png"}
    )


def test_the_classifier_is_the_ridge_regression_of_its_definition(synthesis: ModuleType) -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    train, test = rng.normal(size=(40, 12)), rng.normal(size=(200, 12))
    labels = rng.choice(["a", "b", "c"], 40).tolist()
    x, y = ((values - train.mean(0)) / (train.std(0) + 1e-6) for values in (train, test))
    goals = np.array([[label == name for name in "abc"] for label in labels], float)
    penalty = synthesis.PENALTY * (x**2).sum() / 40
    weights = np.linalg.solve(x.T @ x + penalty * np.eye(12), x.T @ (goals - goals.mean(0)))
    assert synthesis.ridge(train, labels, test) == ["abc"[i] for i in (y @ weights).argmax(1)]


def test_classes_that_lie_apart_are_told_apart_and_mixed_up_labels_are_not(synthesis: ModuleType) -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    centers = rng.normal(size=(4, 30)) * 3
    truth = rng.integers(4, size=240)
    features = centers[truth] + rng.normal(size=(240, 30))
    names = [str(t) for t in truth]
    right = np.mean(
        [a == b for a, b in zip(synthesis.ridge(features[:80], names[:80], features[80:]), names[80:], strict=True)]
    )
    mixed = synthesis.ridge(features[:80], rng.permutation(names[:80]).tolist(), features[80:])
    assert right > 0.95 and np.mean([a == b for a, b in zip(mixed, names[80:], strict=True)]) < 0.5


def test_prompts_ask_for_the_real_drawings_they_stand_in_for_and_for_no_held_out_style(
    synthesis: ModuleType, tmp_path: Path
) -> None:
    shown = [
        sample("1f34e", "flat", "train"),
        sample("1f34e", "cartoon", "test_style"),
        sample("1f34f", "flat", "train"),
    ]
    path = tmp_path / "wishes.jsonl"
    assert synthesis.write_prompts(shown, path) == synthesis.PER_WISH
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert rows == [{"prompt": "caption of 1f34e", "style": "flat", "n": synthesis.PER_WISH}]


def test_tones_are_asked_of_roles_that_training_shows_in_all_five(synthesis: ModuleType) -> None:
    tones = ("1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff")
    whole = [sample(f"1f47c-{tone}", "flat", "train") for tone in tones]
    partial = [sample(f"1f481-{tone}", "flat", "train") for tone in tones[:4]]
    assert synthesis.tone_wishes(whole + partial, 8) == whole


def test_a_test_drawing_counts_for_the_concept_only_if_its_concept_was_shown(synthesis: ModuleType) -> None:
    concept, style, tone = synthesis.heads_for([sample("1f34e", "flat", "train")])
    assert concept.test(sample("1f34e", "cartoon", "test_style"))
    assert not concept.test(sample("1f34f", "cartoon", "test_style"))
    assert style.test(sample("1f436", "flat", "test_concept"))
    assert tone.test(sample("1f47c-1f3fb", "flat", "test_composition"))
    assert not tone.test(sample("1f47c-1f3fb", "line-art", "test_composition"))


def test_accuracy_is_a_mean_over_concepts_within_its_interval(synthesis: ModuleType) -> None:
    hits = np.array([1, 1, 1, 0] + [0, 1] * 20, bool)
    found = synthesis.accuracy(hits, ["a"] * 4 + [f"c{i}" for i in range(40)])
    assert found["value"] == pytest.approx((0.75 + 20) / 41)
    assert found["low"] < found["value"] < found["high"]
