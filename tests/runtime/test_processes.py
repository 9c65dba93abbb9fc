"""What one process sees; ``tests/learning/test_several.py`` starts several."""

from __future__ import annotations

import pytest
import torch

from underpaint.core.errors import InputError
from underpaint.runtime.device import CPU
from underpaint.runtime.processes import (
    PartDone,
    Processes,
    alone,
    by_first,
    first_says,
    joined,
    launched,
    local_name,
    neighbors,
    present,
    together,
)


def test_without_a_launcher_there_is_one_process_which_is_the_first():
    with joined(CPU) as processes, alone():
        assert processes == present() == Processes(0, 1) and processes.first
    assert (launched(), neighbors()) == (1, 1)


def test_one_process_s_sum_and_maximum_are_its_own_numbers():
    values = torch.tensor([1.0, -2.0])
    assert Processes().add_up(values) is values and Processes().largest(values) is values
    assert values.tolist() == [1.0, -2.0]


def test_work_for_the_first_is_done_and_asked():
    done: list[str] = []
    by_first(lambda: done.append("alone"))
    together(lambda: done.append("together"))
    assert done == ["alone", "together"] and first_says(lambda: True) and not first_says(lambda: False)


def test_a_part_that_is_done_ends_work_together_and_nothing_else_does():
    def end(error: BaseException) -> None:
        raise error

    together(lambda: end(PartDone()))
    with pytest.raises(PartDone):
        by_first(lambda: end(PartDone()))
    with pytest.raises(KeyError):
        together(lambda: end(KeyError()))


def test_processes_of_one_machine_compute_on_gpus_of_their_own(monkeypatch):
    assert local_name("cuda") == "cuda"
    for name, value in {"WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert [local_name(name) for name in ("cuda", "cuda:0", "cpu")] == ["cuda:1", "cuda:0", "cpu"]
    assert (launched(), neighbors()) == (4, 2)


def test_other_devices_cannot_be_shared(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="on cpu or cuda, not on mps"), joined(torch.device("mps")):
        pass


def test_numbers_of_the_launcher_must_be_numbers(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(InputError, match="WORLD_SIZE must be a number, not 'two'"):
        launched()
