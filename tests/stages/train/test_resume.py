"""Training that is killed for real and resumed takes the path of training that was not, bit for bit."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from underpaint.core.artifact import read_manifest
from underpaint.core.errors import TrainingError
from underpaint.stages.train import generator, tokenizer

KILLED_AT = """
import os, signal, sys
from pathlib import Path
import torch
from underpaint.stages.train import generator, tokenizer
from underpaint.stages.train.config import GeneratorTraining, TokenizerTraining

what, settings, stop, threads, out, work, *inputs = sys.argv[1:]
torch.set_num_threads(int(threads))

def report(progress):
    if progress.task == "train" and progress.done == int(stop):
        os.kill(os.getpid(), signal.SIGKILL)

stage, kind = {"tokenizer": (tokenizer, TokenizerTraining), "generator": (generator, GeneratorTraining)}[what]
stage.run(kind.model_validate_json(settings), *map(Path, inputs), Path(out), report, work=Path(work))
"""


def kill_at(stop: int, what: str, settings, folder: Path, *inputs: Path) -> None:
    """Train in a process of its own that is killed as soon as step ``stop`` is done."""
    threads, paths = str(torch.get_num_threads()), [str(folder / "out"), str(folder / "work"), *map(str, inputs)]
    command = [sys.executable, "-c", KILLED_AT, what, settings.model_dump_json(), str(stop), threads, *paths]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert finished.returncode == -signal.SIGKILL, finished.stderr


def log_of(work: Path) -> list[dict[str, float]]:
    records = [json.loads(line) for line in (work / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in record.items() if key != "seconds"} for record in records]


def assert_same(one: Path, two: Path) -> None:
    """Compare states, logs and finished artifacts."""
    a, b = (load_file(folder / "work" / "state.safetensors") for folder in (one, two))
    assert a.keys() == b.keys() and len(a) > 50
    assert [name for name in a if not torch.equal(a[name], b[name])] == []
    assert log_of(one / "work") == log_of(two / "work")
    assert read_manifest(one / "out").digest == read_manifest(two / "out").digest


@pytest.fixture(scope="module")
def whole_tokenizer(shapes, tokenizer_settings, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole-tokenizer")
    settings = tokenizer_settings(40, validate_every=20)
    tokenizer.run(settings, shapes, folder / "out", work=folder / "work", strict=False)
    return folder


@pytest.mark.parametrize(
    ("stop", "stage"), [(17, "everything"), pytest.param(33, "decoder", marks=pytest.mark.exhaustive)]
)
def test_a_killed_tokenizer_goes_on_bit_for_bit(stop, stage, whole_tokenizer, shapes, tokenizer_settings, tmp_path):
    settings = tokenizer_settings(40, validate_every=20)
    assert (round(40 * settings.joint_share) <= stop) == (stage == "decoder")
    kill_at(stop, "tokenizer", settings, tmp_path, shapes)
    assert not (tmp_path / "out").exists()
    tokenizer.run(settings, shapes, tmp_path / "out", work=tmp_path / "work", strict=False)
    assert_same(tmp_path, whole_tokenizer)


def test_a_killed_generator_goes_on_bit_for_bit(encoded, trained_tokenizer, words, generator_settings, tmp_path):
    settings, inputs = generator_settings(20), (encoded, trained_tokenizer, words)
    generator.run(settings, *inputs, tmp_path / "whole" / "out", work=tmp_path / "whole" / "work")
    kill_at(13, "generator", settings, tmp_path, *inputs)
    generator.run(settings, *inputs, tmp_path / "out", work=tmp_path / "work")
    assert_same(tmp_path, tmp_path / "whole")


def test_other_settings_do_not_take_up_a_run(whole_tokenizer, shapes, tokenizer_settings, tmp_path):
    with pytest.raises(TrainingError, match="other settings or other data"):
        tokenizer.run(tokenizer_settings(50), shapes, tmp_path / "out", work=whole_tokenizer / "work")


def test_the_finished_artifact_can_be_written_again_from_the_state(
    whole_tokenizer, shapes, tokenizer_settings, tmp_path
):
    settings = tokenizer_settings(40, validate_every=20)
    again = tokenizer.run(settings, shapes, tmp_path / "again", work=whole_tokenizer / "work", strict=False)
    assert again.digest == read_manifest(whole_tokenizer / "out").digest
