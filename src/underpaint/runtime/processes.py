"""Several processes that train one network: which of them is the first, and how they agree.

``torchrun`` starts the processes and tells each its number through the environment. Without it there is one process,
and everything here does nothing. The first process alone writes; the others wait for it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from underpaint.core.errors import InputError, TrainingError

PATIENCE = timedelta(days=2)
"""How long a process waits for another one: longer than the first takes for anything that it does alone."""

_alone: ContextVar[bool] = ContextVar("alone", default=False)


class PartDone(BaseException):
    """A process other than the first has done its part of a training; ``together`` waits for the first one then."""


def _number(name: str, default: int) -> int:
    """Read a number that torchrun left in the environment."""
    text = os.environ.get(name, str(default))
    if not text.isdecimal():
        raise InputError(f"the environment variable {name} must be a number, not {text!r:.40}; torchrun sets it")
    return int(text)


def launched() -> int:
    """Return how many processes torchrun started in all; 1 without it."""
    return _number("WORLD_SIZE", 1)


def neighbors() -> int:
    """Return how many of the processes run on this machine, this one included."""
    return _number("LOCAL_WORLD_SIZE", 1)


def local_name(device: str) -> str:
    """Return the name of this process's own device: each process of a machine computes on another GPU.

    Args:
        device: What the user named, for example ``cpu`` or ``cuda``.
    """
    return f"cuda:{_number('LOCAL_RANK', 0)}" if device == "cuda" and launched() > 1 else device


@dataclass(frozen=True)
class Processes:
    """The processes that share a training, seen by one of them; every method must be called by all.

    Args:
        rank: Number of this process, from 0.
        count: Number of all.
    """

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def add_up(self, values: Tensor) -> Tensor:
        """Return the sum over all processes, the same bits in each; in place."""
        self._reduce(values, dist.ReduceOp.SUM)
        return values

    def largest(self, values: Tensor) -> Tensor:
        """Return the element-wise maximum over all processes; in place."""
        self._reduce(values, dist.ReduceOp.MAX)
        return values

    def wait(self) -> None:
        """Return when all processes have come here."""
        self.add_up(torch.zeros(1))

    def _reduce(self, values: Tensor, how: dist.ReduceOp.RedOpType) -> None:
        if self.count == 1:
            return
        try:
            dist.all_reduce(values, how)
        except RuntimeError as error:
            raise TrainingError(
                f"another process of this training ended ({str(error).splitlines()[0]:.200}); its own message says why"
            ) from None


def present() -> Processes:
    """Return the processes that share the work at hand; one inside ``alone`` and outside ``joined``."""
    if _alone.get() or not dist.is_available() or not dist.is_initialized():
        return Processes()
    return Processes(dist.get_rank(), dist.get_world_size())


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """Connect the processes that torchrun started for the duration of a ``with`` block.

    Args:
        device: Where this process computes: a CPU, or a GPU of its own.

    Raises:
        InputError: Processes cannot share a training on this kind of device.
    """
    if launched() == 1:
        yield Processes()
        return
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"several processes can train on cpu or cuda, not on {device.type}; start one process")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield present()
    finally:
        dist.destroy_process_group()


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Work without the other processes inside a ``with`` block: ``present`` tells of one."""
    token = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(token)


def first_says(answer: Callable[[], bool]) -> bool:
    """Ask the first process a question and return its answer in all of them.

    Args:
        answer: Called in the first process alone.
    """
    processes = present()
    told = torch.tensor([float(processes.first and answer())])
    return bool(processes.largest(told)[0])


def by_first(work: Callable[[], object]) -> None:
    """Let the first process do some work alone while the others wait for it.

    Args:
        work: What to do.

    Raises:
        TrainingError: It failed in the first process; raised in the others.
    """
    processes = present()
    if processes.first:
        with alone():
            work()
    processes.wait()


def together(work: Callable[[], object]) -> None:
    """Let all processes do some work that ends in the first one.

    Args:
        work: What to do; in the others it may end with ``PartDone``.

    Raises:
        TrainingError: It failed in another process.
    """
    with contextlib.suppress(PartDone):
        work()
    present().wait()
