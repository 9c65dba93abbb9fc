"""Tiny evaluation artifacts by hand, sealed as real ones are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from underpaint.core.artifact import seal
from underpaint.core.config import Config, digest_of
from underpaint.stages.evaluate.record import (
    Bounds,
    ControlRecord,
    Direction,
    Measurement,
    PictureRecord,
    Protocol,
    Report,
    SubjectRecord,
)

EXTRACTOR = "evaluator-64:0a1b2c3d"
FD, PRECISION, ACCURACY = f"fd_pca16@{EXTRACTOR}", f"r_precision@{EXTRACTOR}", f"attribute_accuracy@{EXTRACTOR}"
RECALL = f"recall@{EXTRACTOR}"
STYLES = ("flat", "cartoon")
QUIET = {"cpu": "Tiny 1", "cores": 2, "noisy": False}
NULL, BAD = "null-1", "jpeg_10"


class Made(Config):
    by: str = "the tests"


def pictures_of(n: int, seeds: bool) -> list[PictureRecord]:
    return [
        PictureRecord(
            image_id=f"main-{i:05d}",
            prompt_id=f"p{i}",
            prompt=f"a thing {i}",
            style=STYLES[i % 2],
            seed=1000 + i if seeds else None,
            cluster=f"c{i // 2}",
            sha256="0" * 64,
        )
        for i in range(n)
    ]


def quality(id_: str, value: float, n: int, direction: Direction, **fields: Any) -> Measurement:
    metric, _, extractor = id_.partition("@")
    return Measurement(
        id=id_, metric=metric, extractor=extractor, value=value, direction=direction, n=n, se=0.01, **fields
    )


def figure(metric: str, value: float, reach: float, unit: str, **fields: Any) -> Measurement:
    bounds = Bounds(low=value - reach, high=value + reach, method="order-statistics")
    return Measurement(
        id=metric, metric=metric, value=value, unit=unit, direction="lower", n=60, interval=bounds, **fields
    )


def controls_of(null_delta: float, bad_delta: float) -> list[ControlRecord]:
    """A control moves FD by a delta, and the shares by as much in the other direction."""
    slices = [(FD, "", 1.0), (PRECISION, "", -1.0), *((ACCURACY, f"style={style}", -1.0) for style in STYLES)]
    return [
        ControlRecord.model_validate(
            {"control": name, "kind": kind, "id": id_, "group": group, "delta": sign * delta, "se": 0.002, "n": 100}
        )
        for name, kind, delta in ((NULL, "null", null_delta), (BAD, "known_bad", bad_delta))
        for id_, group, sign in slices
    ]


def write_evaluation(
    folder: Path,
    *,
    n: int = 200,
    fd: float = 0.3,
    precision: float = 0.8,
    accuracy: tuple[float, float] = (0.9, 0.7),
    recall: float | None = None,
    latency: float = 50.0,
    rss: float = 900.0,
    energy: str = "sampled",
    spread: float = 0.1,
    own: float = 0.02,
    own_seed: int = 1,
    seeds: bool = True,
    null_delta: float = 0.0,
    bad_delta: float = 0.3,
    name: str = "model",
    edit: Callable[[dict[str, Any]], None] | None = None,
    edit_pictures: Callable[[list[PictureRecord]], list[PictureRecord]] | None = None,
) -> Path:
    """Write an artifact. Models share their noise (``spread``) but for a part of their own (``own``)."""
    pictures = pictures_of(n, seeds)
    common, private = np.random.default_rng(0), np.random.default_rng(own_seed)
    influences: dict[str, np.ndarray] = {}
    orders: dict[str, list[str]] = {}

    def contribute(key: str, keep: list[int]) -> None:
        rows = spread * common.standard_normal(len(keep)) + own * private.standard_normal(len(keep))
        influences[key] = rows - rows.mean()
        orders[key] = [pictures[i].image_id for i in keep]

    everyone = list(range(n))
    metrics = [
        quality(FD, fd, n, "lower", value_debiased=fd - 0.01, m=50, reference="r" * 64),
        quality(PRECISION, precision, n, "higher"),
    ]
    contribute(f"{FD}|", everyone)
    contribute(f"{PRECISION}|", everyone)
    if recall is not None:  # as many reference pictures are found as its value says
        hits = np.arange(50) < round(50 * recall)
        metrics.append(quality(RECALL, float(hits.mean()), n, "higher", m=50, reference="r" * 64))
        influences[f"reference|{RECALL}|"] = hits - hits.mean()
        orders[f"reference|{RECALL}|"] = [f"c{i}" for i in range(50)]
    influences[f"reference|{FD}|"] = 0.05 * common.standard_normal(50)
    orders[f"reference|{FD}|"] = [f"c{i // 2}" for i in range(50)]
    for index, style in enumerate(STYLES):
        keep = everyone[index::2]
        metrics.append(quality(ACCURACY, accuracy[index], len(keep), "higher", group=f"style={style}"))
        contribute(f"{ACCURACY}|style={style}", keep)
    metrics += [
        figure("latency_p95_ms", latency, 1.0, "ms"),
        figure("peak_rss_mb", rss, 20.0, "MB"),
        figure("energy_j_per_image", 2.0, 0.05, "J", energy_method=energy),
    ]
    shown = edit_pictures(pictures) if edit_pictures else pictures
    asked = [[p.part, p.prompt_id, p.prompt, p.style, p.seed] for p in shown]
    report = Report(
        created="2026-11-21T09:00:00+00:00",
        command="underpaint evaluate",
        subject=SubjectRecord(name=name, identity=digest_of(name), kind="model", lineage={"dataset": "d" * 64}),
        reference=SubjectRecord(name="held-out", identity="e" * 64, kind="reference", n=50),
        protocol=Protocol(prompts_digest=digest_of(asked), num_prompts=n, num_seeds=1, suite="quick", size=64),
        environment=QUIET,
        extractors={EXTRACTOR: {"name": "evaluator-64", "weights_sha256": "f" * 64}},
        metrics=metrics,
        controls=controls_of(null_delta, bad_delta),
    )
    values = report.model_dump(mode="json")
    if edit:
        edit(values)
    folder.mkdir()  # without flushing to the disk: tests have many
    (folder / "report.json").write_text(json.dumps(values), encoding="utf-8")
    lines = "".join(picture.model_dump_json() + "\n" for picture in shown)
    (folder / "per_sample.jsonl").write_text(lines, encoding="utf-8")
    (folder / "order.json").write_text(json.dumps(orders), encoding="utf-8")
    save_file(influences, folder / "influence.safetensors")
    seal(folder, kind="evaluation", stage="evaluate", config=Made(), parents={})
    return folder


@pytest.fixture
def evaluation(tmp_path: Path) -> Callable[..., Path]:
    """Write an artifact: ``evaluation("b", fd=0.31)``."""
    return lambda name="model", **options: write_evaluation(tmp_path / name, name=name, **options)


def rule(id_: str, **fields: Any) -> dict[str, Any]:
    return {"id": id_, "tier": "required", "direction": "lower", **fields}


BASIC = {
    "schema": "underpaint.policy/1",
    "name": "tiny",
    "n_max": 200,
    "metrics": [
        rule("fd_pca16@evaluator-64", margin={"relative": 0.1}),
        rule("r_precision@evaluator-64", direction="higher", margin={"absolute": 0.02}),
    ],
    "controls": {"null": {"seed_sets": 1}, "known_bad": ["jpeg_10"]},
}


@pytest.fixture
def policy() -> Callable[..., Any]:
    """Make a policy: ``policy(looks=2)``; ``metrics=[...]`` replaces the two basic rules."""
    from underpaint.core.policy import parse_policy
    from underpaint.stages.evaluate.gate.policy_file import KNOWN

    return lambda **changes: parse_policy({**BASIC, **changes}, source="policy", known=KNOWN)
