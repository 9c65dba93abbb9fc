"""What an evaluator's check says is true of evaluators whose worth is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from underpaint.core.samples import Sample
from underpaint.models.evaluator import EvaluatorConfig
from underpaint.stages.train.evaluator_calibrate import best_temperature
from underpaint.stages.train.evaluator_check import (
    MUST_BE_SEEN,
    captions_found,
    check,
    harms,
    head_figures,
    is_rising,
    sensitivity,
    share,
    two_halves,
)
from underpaint.stages.train.evaluator_scores import possible_candidates
from underpaint.stages.train.pictures import Pictures

COLORS = ("red", "green", "blue")


def sample(number: int, split: str = "test_style") -> Sample:
    color = COLORS[number % 3]
    text = dict.fromkeys(("name", "family", "source", "icon", "license", "sha256_pixels", "phash"), "x")
    return Sample(id=f"{number:x}", cluster=f"{number:x}", group=f"{number:x}", caption=f"{color} thing{number}",
                  style="flat", split=split, level="", weight=1.0, file="a.png", **text)  # fmt: skip


class Oracle:
    """Sees the mean and spread of each picture's colors, names the brightest channel, and knows every caption."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.config = EvaluatorConfig(image_size=16, vocab_size=1, classes={"color": COLORS})
        self.log_scale = torch.zeros(())
        self.vectors = {s.caption: torch.nn.functional.one_hot(torch.tensor(i), len(samples)).float()
                        for i, s in enumerate(samples)}  # fmt: skip

    def encode_images(self, rgb: Tensor) -> Tensor:
        edges = (rgb[..., 1:] - rgb[..., :-1]).abs()
        return torch.cat([rgb.mean(dim=(2, 3)), edges.mean(dim=(2, 3)), edges.amax(dim=(2, 3))], dim=1)

    def heads(self, features: Tensor) -> dict[str, Tensor]:
        return {"color": 20.0 * features[:, :3]}

    def encode_captions(self, captions: Sequence[str]) -> Tensor:
        return torch.stack([self.vectors[caption] for caption in captions])

    def embed_features(self, features: Tensor) -> Tensor:
        return torch.eye(len(self.vectors))[: len(features)]


def draw(samples: Sequence[Sample]) -> Pictures:
    pixels = np.zeros((len(samples), 16, 16, 4), dtype=np.uint8)
    rng = np.random.default_rng(0)
    for row in range(len(samples)):
        low, high = sorted(rng.integers(1, 15, 2))
        pixels[row, low : high + 1, 2:14, row % 3] = 255
        pixels[row, low : high + 1, 2:14, 3] = 255
    return Pictures(list(samples), torch.from_numpy(pixels), torch.ones(len(samples)))


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [sample(number) for number in range(240)]


def test_an_oracle_passes_and_a_guesser_fails(samples) -> None:
    oracle = Oracle(samples)
    found = check(oracle, draw(samples))  # pyright: ignore[reportArgumentType]
    assert found["heads"]["color"]["value"] == 1.0 and found["heads"]["color"]["low"] > 0.95
    assert found["advisory"] == [] and found["ships"]["heads"] == {"color": True}
    assert found["r_precision"]["test_style"] == {
        "value": 1.0, "n": 240, "candidates": 100, "mean_over_concepts": 1.0, "low": 1.0, "high": 1.0, "concepts": 240,
    }  # fmt: skip
    oracle.heads = lambda features: {"color": torch.zeros(len(features), 3)}
    guessed = head_figures(oracle, torch.zeros(240, 9), samples, "color")  # pyright: ignore[reportArgumentType]
    assert guessed is not None and guessed["value"] == pytest.approx(1 / 3, abs=1e-4)
    assert guessed["confusion"] == [[80, 0, 0], [80, 0, 0], [80, 0, 0]]
    oracle.vectors = dict.fromkeys(oracle.vectors, torch.ones(240))
    lost = captions_found(oracle, torch.zeros(240, 9), samples)  # pyright: ignore[reportArgumentType]
    assert lost is not None and lost["value"] == 0.0


def test_damage_is_seen_and_its_absence_is_not(samples, monkeypatch) -> None:
    oracle, pictures = Oracle(samples), draw(samples)
    seen = sensitivity(oracle, pictures)  # pyright: ignore[reportArgumentType]
    assert set(MUST_BE_SEEN) <= set(seen["degradations"]) == set(harms())
    assert seen["degradations"]["blur 4"]["kid_z"] > 5 and seen["degradations"]["blur 4"]["fd_ratio"] > 1.5
    monkeypatch.setattr("underpaint.stages.train.evaluator_check.harms", lambda: dict.fromkeys(harms(), lambda x: x))
    blind = sensitivity(oracle, pictures)  # pyright: ignore[reportArgumentType]
    assert all(abs(row["kid_z"]) < 0.1 and row["fd_ratio"] == 1.0 for row in blind["degradations"].values())
    assert blind["fd_rises"] == {"blur": False, "jpeg": False}


def test_too_few_pictures_show_nothing_and_pass_nothing(samples) -> None:
    few = samples[:20]
    found = check(Oracle(few), draw(few))  # pyright: ignore[reportArgumentType]
    assert found["sensitivity"]["degradations"] == {}
    assert found["ships"]["degradations_seen"] is found["ships"]["fd_rises"] is False
    assert found["ships"]["captions_found"] == {"test_style": False}


def test_halves_share_no_concept(samples) -> None:
    first, second = two_halves([*samples, *samples])
    clusters = [{(samples + samples)[i].cluster for i in half} for half in (first, second)]
    assert not clusters[0] & clusters[1] and len(first) + len(second) == 480
    assert two_halves([*samples, *samples]) == (first, second)


def test_drawings_of_one_id_count_less(samples) -> None:
    hits = np.array([i % 4 > 0 for i in range(60)])
    apart = share(hits, samples[:60])
    together = share(np.repeat(hits, 3), [s for s in samples[:60] for _ in range(3)])
    assert apart["value"] == together["value"] == 0.75
    assert together["n"] == 180 and together["n_effective"] == pytest.approx(60.0, abs=0.1)
    assert together["low"] == pytest.approx(apart["low"], abs=1e-3)


def test_candidates_are_the_captions_of_other_concepts_and_the_own(samples) -> None:
    assert possible_candidates(samples[:7]) == 7
    twin = samples[0].model_copy(update={"caption": "another"})
    assert possible_candidates([*samples[:7], twin]) == 7
    assert possible_candidates(samples[:1]) == 1


def test_a_ladder_rises_only_if_every_step_does() -> None:
    assert is_rising([1.0, 1.1, 2.0]) and not is_rising([1.0, 1.1, 1.1]) and not is_rising([1.0, 0.9, 2.0])


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_the_temperature_of_logits_of_known_sharpness_is_found(true: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(20_000, 4, generator=generator) * 1.5
    classes = torch.multinomial(logits.softmax(dim=1), 1, generator=generator)[:, 0]
    assert best_temperature(logits * true, classes) == pytest.approx(true, rel=0.05)
