"""What all tests share: one thread for the mathematics, and a command line that can be called."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A command that has run: its exit code and what it wrote."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@pytest.fixture
def underpaint(capfd: pytest.CaptureFixture[str]) -> Callable[..., Finished]:
    """Run the command line in this process: ``underpaint("show", "cat.png").code``."""
    from underpaint.cli.app import main

    def call(*arguments: object) -> Finished:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Finished(code=code, stdout=captured.out, stderr=captured.err)

    return call
