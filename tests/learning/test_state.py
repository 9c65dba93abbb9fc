"""A state on disk is whole or not there, whatever happens while it is written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from underpaint.core.errors import TrainingError
from underpaint.learning.ema import WeightAverage
from underpaint.learning.seeding import initialized_by
from underpaint.learning.state import load_state, previous_of, save_state, saved_state

PROGRAM = """
import resource, sys
from pathlib import Path
import torch
from torch import nn
from underpaint.core.errors import StorageError
from underpaint.learning.ema import WeightAverage
from underpaint.learning.state import save_state

folder, limit, rounds, width = Path(sys.argv[1]), *map(int, sys.argv[2:])
module = nn.Linear(width, width, bias=False)
optimizer, average = torch.optim.AdamW(module.parameters()), WeightAverage(module, 0.9)
nn.init.constant_(module.weight, 1.0)

def save(step):
    nn.init.constant_(module.weight, float(step))
    save_state(folder / "state.safetensors", module=module, optimizer=optimizer, average=average, step=step,
               identity="one", extra={})

save(1)
save(2)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    for step in range(3, rounds):
        save(step)
except StorageError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def parts(width: int = 8, fill: float = 0.0) -> dict[str, object]:
    with initialized_by(0):
        module = nn.Linear(width, width, bias=False)
    nn.init.constant_(module.weight, fill)
    optimizer = torch.optim.AdamW(module.parameters())
    return {"module": module, "optimizer": optimizer, "average": WeightAverage(module, 0.9), "identity": "one"}


def save(path: Path, step: int) -> None:
    save_state(path, **parts(fill=step), step=step, extra={"seen": step})  # pyright: ignore[reportArgumentType]


def load(path: Path, width: int = 8) -> int:
    """Load a state and check that its weights belong to its step."""
    loaded = parts(width)
    step, _ = load_state(path, **loaded)  # pyright: ignore[reportArgumentType]
    assert torch.equal(loaded["module"].weight, torch.full((width, width), float(step)))  # pyright: ignore
    return step


def start(folder: Path, *, limit: int = 0, rounds: int = 4, width: int = 8) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(folder), str(limit), str(rounds), str(width)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_the_state_before_the_last_one_is_kept(tmp_path):
    path = tmp_path / "state.safetensors"
    for step in (1, 2, 3):
        save(path, step)
    assert previous_of(path).name == "state.previous.safetensors"
    assert (load(path), load(previous_of(path))) == (3, 2)
    assert {file.name for file in tmp_path.iterdir()} == {path.name, previous_of(path).name}


def test_equal_states_are_equal_files(tmp_path):
    for name in ("one", "two"):
        save(tmp_path / name, 5)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_saving_that_was_cut_short_between_its_two_renames_leaves_the_state_before(tmp_path):
    path = tmp_path / "state.safetensors"
    assert saved_state(path) is None
    save(path, 1)
    assert saved_state(path) == path
    path.replace(previous_of(path))
    path.with_suffix(".partial").write_bytes(b"half")
    assert saved_state(path) == previous_of(path) and load(previous_of(path)) == 1
    save(path, 2)
    assert load(path) == 2 and not path.with_suffix(".partial").exists()


def test_a_damaged_state_names_the_one_before_it(tmp_path):
    path = tmp_path / "state.safetensors"
    save(path, 1)
    save(path, 2)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(TrainingError, match=r"is damaged .*; delete it to go on from .*state\.previous\.safetensors"):
        load(path)


@pytest.mark.slow
def test_a_disk_that_takes_no_more_leaves_the_states_before(tmp_path):
    process = start(tmp_path, limit=2000, width=64)
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 6 and f"cannot write {tmp_path / 'state'}." in said and "ulimit -f" in said
    path = tmp_path / "state.safetensors"
    assert (load(path, 64), load(previous_of(path), 64)) == (2, 1)
    assert {file.name for file in tmp_path.iterdir()} == {path.name, previous_of(path).name}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_says_what_to_do(tmp_path):
    path = tmp_path / "state.safetensors"
    save(path, 1)
    path.with_suffix(".partial").symlink_to("/dev/full")
    from underpaint.core.errors import StorageError

    with pytest.raises(StorageError, match="the disk is full; free some space or choose another --out"):
        save(path, 2)
    assert load(path) == 1


@pytest.mark.slow
def test_a_process_killed_while_saving_leaves_a_whole_state(tmp_path):
    partial, path = tmp_path / "state.partial", tmp_path / "state.safetensors"
    until = time.monotonic() + 300
    with start(tmp_path, rounds=10_000, width=1500) as process:
        while not (partial.exists() and previous_of(path).exists()) and time.monotonic() < until:
            assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
    found = saved_state(path)
    assert found is not None and load(found, 1500) >= 1
