"""One training by several real processes: the path of one process with the same micro-batches."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from underpaint.learning.config import LoopConfig
from underpaint.learning.loop import LOG, STATE

pytestmark = pytest.mark.slow

PROGRAM = """
import os, sys, time
from pathlib import Path
import torch
from torch import nn
from underpaint.core.errors import UnderpaintError
from underpaint.learning.config import LoopConfig
from underpaint.learning.loop import Run
from underpaint.learning.seeding import initialized_by
from underpaint.runtime.device import CPU
from underpaint.runtime.processes import by_first, first_says, joined, present, together

class Curve:
    def __init__(self, norm, pause, poison):
        with initialized_by(0):
            layers = [nn.Linear(2, 16), nn.SiLU(), nn.BatchNorm1d(16) if norm else nn.Identity(), nn.Linear(16, 1)]
            self.module = nn.Sequential(*layers)
        self.module.register_parameter("idle", nn.Parameter(torch.ones(3)))
        self.module.register_parameter("seldom", nn.Parameter(torch.ones(3)))
        self.pause, self.poison = pause, poison

    def loss(self, step, generator):
        time.sleep(self.pause)
        x = torch.randn(8, 2, generator=generator)
        y = self.module(x)[:, 0]
        if step == self.poison and present().rank == present().count - 1:
            y = y * float("nan")
        if float(x[0, 0]) > 0.5:
            y = y + self.module.seldom.sum()
        return (y - x.sum(1)).square().mean(), {"mean": float(x.mean())}

    def after_step(self, step, generator):
        self.module.idle.data += torch.rand(3, generator=generator)

    def validate(self):
        return {"sum": sum(float(p.detach().sum()) for p in self.module.parameters())}

    def draw_samples(self, path):
        path.parent.mkdir(exist_ok=True)
        path.write_text(str(present().rank))

settings, folder, *options = sys.argv[1:]
options = dict(option.split("=") for option in options)
trainee = Curve("norm" in options, float(options.get("pause", 0)), int(options.get("poison", -1)))
folder = Path(folder)
torch.set_num_threads(1)
try:
    with joined(CPU) as processes:
        (folder / f"process-{processes.rank}").write_text(str(os.getpid()))
        def train():
            run = Run(trainee, LoopConfig.model_validate_json(settings), folder, "one", CPU, report)
            run.finish()
            (folder / f"finished-{processes.rank}").write_text("")

        def report(progress):
            if progress.done:
                (folder / f"reported-{processes.rank}").write_text("")

        assert first_says(lambda: True) and not first_says(lambda: False)
        together(train)
        assert (folder / "finished-0").exists()
        by_first(lambda: (folder / f"alone-{processes.rank}-of-{present().count}").write_text(""))
        assert (folder / "alone-0-of-1").exists()
except (UnderpaintError, KeyboardInterrupt, SystemExit) as error:
    (folder / f"ended-{processes.rank}").write_text(f"{type(error).__name__}: {error}")
    raise SystemExit(3) from error
"""


def settings(**changes: object) -> LoopConfig:
    values = {"steps": 60, "batch_size": 8, "accumulate": 2, "warmup": 10, "validate_every": 20, "save_every": 10}
    return LoopConfig.model_validate({**values, "sample_every": 30, "lr": 1e-2, "precision": "f32", **changes})


def start(folder: Path, config: LoopConfig, *options: str, count: int) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    program = folder / "program.py"
    program.write_text(PROGRAM)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)] if count > 1 else []
    command = [sys.executable, *launcher, str(program), config.model_dump_json(), str(folder), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def train(folder: Path, config: LoopConfig, *options: str, count: int) -> tuple[int, str]:
    process = start(folder, config, *options, count=count)
    said = process.communicate(timeout=300)[0]
    return process.returncode, said


def lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / LOG).read_text().splitlines()]


def assert_same_path(one: Path, two: Path) -> None:
    a, b = load_file(one / STATE), load_file(two / STATE)
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=1e-4, atol=1e-6, msg=name)
    for x, y in zip(lines(one), lines(two), strict=True):
        x, y = ({k: v for k, v in record.items() if k != "seconds"} for record in (x, y))
        assert x == pytest.approx(y, rel=1e-4, abs=1e-6)


@pytest.fixture(scope="module")
def by_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one")
    code, said = train(folder, settings(), count=1)
    assert code == 0, said
    return folder


@pytest.fixture(scope="module")
def by_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    code, said = train(folder, settings(), count=2)
    assert code == 0, said
    return folder


def test_two_processes_take_the_path_of_one(by_one, by_two):
    assert_same_path(by_one, by_two)
    losses = [record["loss"] for record in lines(by_two) if "loss" in record]
    assert losses[-1] < losses[0] and len(lines(by_two)) == 5


def test_the_first_process_alone_writes_reports_and_draws(by_two):
    names = {path.name for path in by_two.iterdir()}
    assert {"reported-0", "finished-0", "alone-0-of-1"} <= names
    assert not {"reported-1", "finished-1", "alone-1-of-1", "alone-1-of-2"} & names
    assert {path.read_text() for path in (by_two / "samples").iterdir()} == {"0"}


def test_another_number_of_processes_goes_on_from_the_same_state(by_one, tmp_path):
    process = start(tmp_path, settings(), "pause=0.2", count=2)
    wait_for(tmp_path / "reported-0")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    assert (tmp_path / STATE).exists() and not (tmp_path / "finished-0").exists()
    code, said = train(tmp_path, settings(), count=1)
    assert code == 0, said
    assert_same_path(by_one, tmp_path)


def wait_for(path: Path) -> None:
    until = time.monotonic() + 300
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_signal_to_one_process_stops_all_after_the_step_with_the_state_saved(tmp_path):
    process = start(tmp_path, settings(steps=10_000, save_every=10_000), "pause=0.05", count=2)
    wait_for(tmp_path / "reported-0")
    os.kill(int((tmp_path / "process-1").read_text()), signal.SIGTERM)
    said = process.communicate(timeout=300)[0]
    assert [(tmp_path / f"ended-{rank}").read_text() for rank in (0, 1)] == ["SystemExit: 143"] * 2, said
    assert load_file(tmp_path / STATE)


def test_what_learns_from_each_process_s_own_pictures_is_refused(tmp_path):
    code, _ = train(tmp_path, settings(), "norm=1", count=2)
    said = (tmp_path / "ended-0").read_text()
    assert code != 0 and "TrainingError: after step 1 the 2 processes disagree about 2.running_mean" in said


def test_a_loss_that_is_no_number_in_one_process_stops_all(tmp_path):
    code, _ = train(tmp_path, settings(), "poison=25", count=2)
    assert code != 0
    said = [(tmp_path / f"ended-{rank}").read_text() for rank in (0, 1)]
    assert said[0] == said[1] and "the loss is nan at step 25" in said[0]
