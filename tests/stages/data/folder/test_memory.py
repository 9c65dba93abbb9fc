"""What a build holds does not grow with the number of pictures."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tracemalloc
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from underpaint.core import artifact
from underpaint.core.progress import Progress
from underpaint.stages.data import perceptual_hash, text_hashes
from underpaint.stages.data.folder import ledger, samples
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.finished import Finished, folder_for
from underpaint.stages.data.folder.ledger import Ledger
from underpaint.stages.data.folder.run import run

CONFIG = FolderConfig(name="mine", license="CC0-1.0", size=32)
FEW, MANY = 300, 1500
ALLOWED_BYTES = 150
"""Growth a picture; records in memory took 5,500. The names of the files of a folder take some 50."""


def decoded_already(work: Path, count: int) -> tuple[Path, Path]:
    """Write an input whose pictures a build that was interrupted had finished, and return it and the target."""
    folder, out = work / "mine", work / "out"
    folder.mkdir(parents=True)
    state = folder_for(out, CONFIG)
    state.mkdir()
    stream = io.BytesIO()
    Image.new("RGBA", (32, 32), "red").save(stream, "PNG")
    random = np.random.default_rng(0)
    rows = []
    with closing(Ledger(state / "scratch")) as scratch:
        finished = Finished(state, scratch)
        for number in range(count):
            content = f"picture {number}".encode()
            key = hashlib.sha256(content).digest()
            (folder / f"{number:06d}.png").write_bytes(content)
            finished.prepare(key).write_bytes(stream.getvalue())
            answer = {"pixels": hashlib.sha256(key).hexdigest(), "bytes": len(stream.getvalue()), "alpha": 1.0}
            thumbnail = random.integers(0, 256, 32 * 32 * 3, dtype=np.uint8)
            finished.add(key, answer | {"notes": [], "thumbnail": thumbnail.tobytes().hex()})
            split = {"split": ("train", "test")[number % 10 == 3]}
            rows.append({"file_name": f"{number:06d}.png", "text": f"thing {number % 17} of {number}"} | split)
        finished.file.close()
    rows[-count // 10 :] = [row | {"text": ""} for row in rows[-count // 10 :]]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder, out


def held(work: Path, count: int) -> dict[str, int]:
    """Build, and return the most bytes that were held during each task."""
    folder, out = decoded_already(work, count)
    most: dict[str, int] = {}

    def look(progress: Progress) -> None:
        most[progress.task] = max(most.get(progress.task, 0), tracemalloc.get_traced_memory()[1])
        tracemalloc.reset_peak()

    tracemalloc.start()
    try:
        figures = run(CONFIG, folder, out, look, keep_going=True, jobs=1).figures
        most["seal"] = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (figures["samples"], figures["dropped"]) == (count - count // 10, {"EmptyCaption": count // 10})
    return most


def grown(work: Path) -> dict[str, float]:
    """Return how many bytes more each task holds for each picture more."""
    few, many = held(work / "few", FEW), held(work / "many", MANY)
    return {task: (many[task] - few[task]) / (MANY - FEW) for task in few}


LOTS = ((artifact, "FSYNC_LOT"), (samples, "BATCH"), (perceptual_hash, "BATCH"), (ledger, "LOT"), (text_hashes, "LOT"))
"""What is in memory at a time whatever the number of pictures; made so small that every lot is full."""


@pytest.mark.slow
def test_memory_grows_by_some_bytes_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, lot in LOTS:
        monkeypatch.setattr(module, lot, 32)
    names = [sys.intern(f"a name that pathlib could hold {number}") for number in range(200_000)]
    del names  # the table of names keeps its size, so it does not grow while it is measured
    held(tmp_path / "warm", 20)
    growth = grown(tmp_path / "once")
    if max(growth.values()) >= ALLOWED_BYTES:
        # Which task a peak is counted for depends on when it is told of; what grows does so each time.
        again = grown(tmp_path / "again")
        growth = {task: min(growth[task], again[task]) for task in growth}
    assert max(growth.values()) < ALLOWED_BYTES, growth
