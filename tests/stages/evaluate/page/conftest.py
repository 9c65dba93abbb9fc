from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from underpaint.stages.evaluate.record import (
    Bounds,
    ControlRecord,
    Curve,
    Measurement,
    PictureRecord,
    Protocol,
    Report,
    SubjectRecord,
)

EVIL = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>\u202e\x00"
EVALUATOR = "evaluator-64:1a2b3c4d"


def measurement(metric: str, value: float | None, se: float | None = None, **more: object) -> Measurement:
    interval = None
    if value is not None and se is not None:
        interval = Bounds(low=value - 1.96 * se, high=value + 1.96 * se, method="test")
    fields: dict[str, object] = {"extractor": EVALUATOR, "n": 880, "interval": interval, **more}
    return Measurement.model_validate(
        {"id": f"{metric}@{EVALUATOR}", "metric": metric, "value": value, "se": se, **fields}
    )


@pytest.fixture
def report() -> Report:
    return Report(
        created="2026-01-02T03:04:05Z",
        command=f"underpaint evaluate {EVIL}",
        subject=SubjectRecord(name=EVIL, identity="ab" * 32, kind="model"),
        reference=SubjectRecord(name="held out", identity="cd" * 32, kind="reference", n=880),
        protocol=Protocol(prompts_digest="ef" * 32, num_prompts=880, num_seeds=1, suite="standard", size=64),
        environment={"cpu": EVIL, "noisy": True},
        extractors={
            EVALUATOR: {"name": EVIL, "weights_sha256": "00" * 32, "validation": {EVIL: [1.5, None, {"a": EVIL}]}}
        },
        metrics=[
            measurement("r_precision", 0.342, 0.016, direction="higher", ceiling=0.782),
            measurement("fd_pca62", 0.337, 0.014, value_debiased=0.2523, direction="lower"),
            measurement("mind", None, status="too_few", message=EVIL),
            measurement(EVIL, 1.0, 0.1),
            measurement("r_precision", 0.24, 0.02, group="style=line-art", direction="higher"),
            measurement("r_precision", 0.36, 0.02, group=f"style={EVIL}", direction="higher"),
        ],
        curves=[Curve(id=EVIL, kind="n", title=EVIL, x_label=EVIL, y_label=EVIL, x=[1, 2, 80], y=[3, 2, 1])],
        controls=[ControlRecord(control=EVIL, kind="known_bad", id=EVIL, delta=1.0, se=0.1, n=880)],
        efficiency={
            "latency": {"parts_ms": {EVIL: 1.5}, "warm_ms": {"value": 51.3, "low": 50.8, "high": 52.0, "n": 99}}
        },
        findings=[EVIL],
    )


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    (tmp_path / "samples").mkdir()
    rng = np.random.default_rng(0)
    for index in range(6):
        pixels = rng.integers(0, 256, (16, 16, 4), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "samples" / f"main-{index}.png")
    return tmp_path


@pytest.fixture
def pictures() -> list[PictureRecord]:
    return [
        PictureRecord(
            image_id=f"main-{index}",
            prompt_id=f"p{index}",
            prompt=f"{EVIL} {index}",
            style=EVIL,
            sha256="0" * 64,
            file=f"samples/main-{index}.png",
            scores={f"caption_cosine@{EVALUATOR}": index / 10},
            reason=EVIL if index == 1 else "",
            nearest_train=EVIL,
            nearest_ratio=0.4 + index / 10,
            reference_file=f"samples/main-{5 - index}.png",
        )
        for index in range(6)
    ]
