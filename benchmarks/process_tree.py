"""The most memory that a command and all processes it starts hold at one time, and how long they work.

Memory has two figures, sampled ten times a second: what the processes hold for themselves (``RssAnon``, which the
machine must have), and all that is resident (``VmRSS``), with the pages of mapped files, which the system drops when it
needs the room; pages that processes share count once for each. Time has two as well: that of the clock, and that of the
processors, which other work on the machine disturbs less.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PERIOD_S = 0.1
KIB_A_MB = 1e6 / 1024


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A command that came to its end.

    Args:
        output: What it printed.
        seconds: Wall time.
        cpu_seconds: Time of the processors, of all processes that were waited for.
        own_mb: Most memory of its processes alone, in MB.
        resident_mb: The same with mapped files.
    """

    output: str
    seconds: float
    cpu_seconds: float
    own_mb: float
    resident_mb: float


def parents() -> dict[int, int]:
    """Return the parent of every process."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    return found


def tree_of(root: int) -> set[int]:
    """Return a process and all that descend from it."""
    parent, tree = parents(), {root}
    while grown := {pid for pid, above in parent.items() if above in tree} - tree:
        tree |= grown
    return tree


def memory_of(pid: int) -> tuple[float, float]:
    """Return what a process holds for itself and in all, in MB; nothing if it has ended."""
    try:
        lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        own, every = (int(lines[name].split()[0]) / KIB_A_MB for name in ("RssAnon", "VmRSS"))
    except (OSError, KeyError):
        return 0.0, 0.0
    return own, every


def cpu_of_children() -> float:
    """Return the seconds of the processors that ended children of this process have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_measured(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, kill_after_s: float | None = None
) -> Ran:
    """Run a command to its end.

    Args:
        command: The command.
        env: Environment variables to add.
        kill_after_s: Kill it, and what it started, after so long instead of waiting for its end.

    Raises:
        RuntimeError: It failed.
    """
    own, resident, started, used = 0.0, 0.0, time.perf_counter(), cpu_of_children()
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=output, stderr=errors, env={**os.environ, **(env or {})})
        while process.poll() is None:
            tree = tree_of(process.pid)
            held = [memory_of(pid) for pid in tree]
            own, resident = max(own, sum(h[0] for h in held)), max(resident, sum(h[1] for h in held))
            if kill_after_s is not None and time.perf_counter() - started > kill_after_s:
                kill(process, tree)
            time.sleep(PERIOD_S)
        seconds = time.perf_counter() - started
        output.seek(0)
        errors.seek(0)
        if process.returncode and kill_after_s is None:
            raise RuntimeError(f"{' '.join(command)} failed: {errors.read()[-2000:]}")
        cpu_seconds = cpu_of_children() - used
        return Ran(output=output.read(), seconds=seconds, cpu_seconds=cpu_seconds, own_mb=own, resident_mb=resident)


def kill(process: subprocess.Popen[bytes], tree: set[int]) -> None:
    """Kill a process as a power cut would, then what it had started."""
    process.kill()
    process.wait()
    for pid in tree - {process.pid}:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
