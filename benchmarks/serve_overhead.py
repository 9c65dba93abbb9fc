"""The same loads on our server and on its peers, all with the same sleeping device: what serving itself costs."""

from __future__ import annotations

import io
import math
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from machine import print_table
from PIL import Image
from serve_figures import Figures, over_rounds, ratios, shown, spread
from serve_offline import PROMPTS, draw
from serve_putting import SHARES, WARM_UP_S, Plan, closed, opened, put
from serve_servers import BODY, OURS, PEERS, Running, Server

from underpaint.pipelines.generator import load as load_model

sys.path.insert(0, str(PEERS))
from device import AT_ONCE, DevicePlan, SleepingDevice  # pyright: ignore[reportMissingImports]

BATCH_S = 0.05
CALLERS = (1, 8, 32)
QUIET_S = 0.3


@dataclass(kw_only=True)
class Results:
    """Figures: server to load to round; and of each server its start-up and its memory."""

    loads: dict[str, dict[str, dict[int, Figures]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )
    start_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    memory_mb: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    processes: dict[str, int] = field(default_factory=dict)


class Bench:
    """Puts loads on servers that draw with the sleeping device.

    Args:
        folder: For its files.
        seconds: Length of an open load; a closed one takes a third.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self._seconds, self._calls, self._pace = seconds, folder / "calls", folder / "seconds"
        self._calls.touch()
        pictures = folder / "pictures"
        self.plan = DevicePlan(
            seconds=str(self._pace), pictures=str(pictures), calls=str(self._calls), padding=make_pictures(pictures)
        )
        self.set_pace(BATCH_S)

    def set_pace(self, seconds: float) -> None:
        """Let a call of the device take so long."""
        self._pace.write_text(str(seconds))

    def capacity(self, calls: int = 20) -> float:
        """Return the pictures a second of the device alone."""
        device, began = SleepingDevice(self.plan), time.perf_counter()
        for _ in range(calls):
            device.draw(AT_ONCE)
        return calls * AT_ONCE / (time.perf_counter() - began)

    def measure(self, server: Server, results: Results, number: int) -> None:
        """Start a server, put every load on it, and end it."""
        self.set_pace(BATCH_S)
        capacity = self.capacity()
        with Running(server, self.plan.environment()) as running:
            results.start_s[server.name].append(running.start_s)
            for load, figures in self._loads(running, capacity, number):
                results.loads[server.name].setdefault(load, {})[number] = figures
            results.memory_mb[server.name].append(running.memory_mb())
            results.processes[server.name] = running.processes()

    def _loads(self, running: Running, capacity: float, seed: int) -> Iterator[tuple[str, Figures]]:
        """Yield the name and the figures of each load."""
        yield from self._closed_loads(running, "50 ms")
        for share in SHARES:
            figures = self._put(running, opened(share * capacity, self._seconds, [BODY], seed))
            yield f"50 ms, {share:.0%}", figures
            if not figures.keeps_up:
                break
        self.set_pace(0.0)
        self._settle()
        yield from self._closed_loads(running, "0 ms")

    def _closed_loads(self, running: Running, pace: str) -> Iterator[tuple[str, Figures]]:
        for callers in CALLERS:
            self._put(running, closed(callers, WARM_UP_S, [BODY]))
            yield f"{pace}, {callers} callers", self._put(running, closed(callers, self._seconds / 3, [BODY]))

    def _settle(self) -> None:
        """Wait until the device is called no more."""
        before = -1
        while (now := self._calls.stat().st_size) != before:
            before = now
            time.sleep(QUIET_S)

    def _put(self, running: Running, plan: Plan) -> Figures:
        before = self._calls.stat().st_size
        return put(running, plan, lambda: self._calls.read_bytes()[before:])


def make_pictures(path: Path) -> int:
    """Write pixels of the shipped model for the device.

    Returns:
        Bytes that a PNG of ours, with its settings, has beyond a plain one.
    """
    files = [draw(generator, prompt, 7) for generator in [load_model()] for prompt in PROMPTS]
    images = [Image.open(io.BytesIO(file)) for file in files]
    path.write_bytes(b"".join(image.tobytes() for image in images))
    plain = [io.BytesIO() for _ in images]
    for image, buffer in zip(images, plain, strict=True):
        Image.frombytes("RGBA", image.size, image.tobytes()).save(buffer, "PNG")
    return (sum(map(len, files)) - sum(len(buffer.getvalue()) for buffer in plain)) // len(files)


def measure_overhead(servers: Sequence[Server], rounds: int, seconds: float) -> Results:
    """Measure all servers, each round in another order."""
    results = Results()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), seconds)
        for number in range(rounds):
            turn = number % len(servers)
            for server in [*servers[turn:], *servers[:turn]]:
                if number % server.every == 0:
                    print(f"round {number + 1}: {server.name}", file=sys.stderr)
                    bench.measure(server, results, number)
    return results


def against_peers(results: Results) -> dict[str, dict[str, dict[str, Any]]]:
    """Return load to figure to the best peer, and ours over its."""
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    theirs = [name for name in results.loads if not name.startswith(OURS)]
    for load, mine in results.loads[OURS].items():
        rows[load] = {}
        for figure, sign in (("per_s", -1), ("p50_ms", 1), ("p95_ms", 1)):
            able = {name: results.loads[name][load] for name in theirs if results.loads[name].get(load)}
            if not able:
                continue
            best = min(able, key=lambda name: sign * middle(able[name], figure))
            rows[load][figure] = {"best": best, "ours_over_best": ratios(mine, able[best], figure)}
    return rows


def middle(rounds: dict[int, Figures], figure: str) -> float:
    """Return the median of a figure; infinite where it is."""
    value = over_rounds(list(rounds.values()))[figure][0]
    return math.inf if value is None else value


def print_results(results: Results) -> None:
    """Print a table a load, and what the servers hold."""
    for load in dict.fromkeys(load for loads in results.loads.values() for load in loads):
        rows = []
        for server, loads in results.loads.items():
            summary = over_rounds(list(loads[load].values())) if loads.get(load) else {}
            cells = [shown(summary.get(name), "{:.0f}".format) for name in ("per_s", "p50_ms", "p95_ms", "p99_ms")]
            cells += [
                shown(summary.get(name), form.format) for name, form in (("cpu_ms", "{:.2f}"), ("batch", "{:.1f}"))
            ]
            rows.append([server, *cells, shown(summary.get("errors"), "{:.0f}".format)])
        print(f"\n{load}\n")
        print_table(["server", "a second", "p50 ms", "p95 ms", "p99 ms", "CPU ms", "batch", "errors"], rows)
    print()
    rows = [
        [name, shown(spread(results.start_s[name]), "{:.1f}".format), shown(spread(held), "{:.0f}".format)]
        for name, held in results.memory_mb.items()
    ]
    print_table(["server", "start s", "memory MB"], rows)
