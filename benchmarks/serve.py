"""What serving costs: the same load, on the same sleeping device, on our server and on its peers; then the real model.

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install litserve==0.2.19 'ray[serve]==2.60.0' pillow
    python benchmarks/serve.py --peer-python /tmp/peers/bin/python [--rounds 4]

*Overhead.* All servers draw with ``serve_peers/device.py``, whose calls take 50 ms for up to eight pictures, or none,
and answer with a PNG in base64 of equal length. Callers that ask again as soon as they are answered (1, 8, 32), then an
open load at 50, 80 and 100 % of what the device alone can do (``serve_load.py``). A server that answers fewer than nine
in ten is not asked for more. In each round every server is started, measured and ended, in another order.

*The shipped model.* ``underpaint serve`` as everybody starts it, beside the library in a loop (``serve_offline.py``) in
the same round: pictures a second of eight callers, and an open load at 50, 80 and 100 % of the loop's pace.

Figures are medians of the rounds with the least and the greatest. Start-up is from the command to the first picture.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from machine import print_table, write_document
from serve_figures import Figures, as_json, figures_of, finite, over_rounds, ratios, shown
from serve_load import Load
from serve_offline import PROMPTS, STYLE, draw
from serve_servers import BODY, OURS, PEERS, Running, Server, ours, peers, real

sys.path.insert(0, str(PEERS))
from device import AT_ONCE, DevicePlan, SleepingDevice  # pyright: ignore[reportMissingImports]

HERE = Path(__file__).parent
BATCH_S = 0.05
SHARES = (0.5, 0.8, 1.0)
CALLERS = (1, 8, 32)
WARM_UP_S, QUIET_S = 0.7, 0.3
UNMARKED = f"{OURS}, no watermark"
BODIES = [{"prompt": prompt, "style": STYLE, "seed": seed} for seed, prompt in enumerate(PROMPTS)]

Plan = dict[str, Any]


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


def put(running: Running, plan: Plan, calls: Any = lambda: b"") -> Figures:
    """Put a load on a server, from a process of its own, and return the figures."""
    command, cpu_s = [sys.executable, str(HERE / "serve_load.py")], running.cpu_s()
    told = json.dumps(plan | {"url": running.url})
    said = subprocess.run(command, input=told, capture_output=True, text=True, check=True).stdout
    return figures_of(Load(**json.loads(said)), running.cpu_s() - cpu_s, calls())


def closed(callers: int, seconds: float, bodies: Sequence[Plan]) -> Plan:
    """Return the plan of a closed load."""
    return {"kind": "closed", "callers": callers, "seconds": seconds, "bodies": bodies}


def opened(rate: float, seconds: float, bodies: Sequence[Plan], seed: int) -> Plan:
    """Return the plan of an open load."""
    return {"kind": "open", "rate": rate, "seconds": seconds, "bodies": bodies, "seed": seed}


def make_pictures(path: Path) -> int:
    """Write pixels of the shipped model for the device.

    Returns:
        Bytes that a PNG of ours, with its settings, has beyond a plain one.
    """
    import io

    from PIL import Image

    from underpaint.pipelines.generator import load

    files = [draw(generator, prompt, 7) for generator in [load()] for prompt in PROMPTS]
    images = [Image.open(io.BytesIO(file)) for file in files]
    path.write_bytes(b"".join(image.tobytes() for image in images))
    plain = [io.BytesIO() for _ in images]
    for image, buffer in zip(images, plain, strict=True):
        Image.frombytes("RGBA", image.size, image.tobytes()).save(buffer, "PNG")
    return (sum(map(len, files)) - sum(len(buffer.getvalue()) for buffer in plain)) // len(files)


def measure_real(rounds: int, seconds: float) -> dict[str, Any]:
    """Measure the shipped model: the library in a loop and the server, in turns."""
    found: dict[str, dict[int, Figures]] = defaultdict(dict)
    offline, start_s, memory_mb = list[float](), list[float](), list[float]()
    for number in range(rounds):
        command = [sys.executable, str(HERE / "serve_offline.py"), str(seconds)]
        offline.append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        with Running(real(), {}) as running:
            start_s.append(running.start_s)
            put(running, closed(8, WARM_UP_S, BODIES))
            found["8 callers"][number] = put(running, closed(8, seconds, BODIES))
            for share in SHARES:
                plan = opened(share * offline[-1], seconds, BODIES, seed=number)
                found[f"{share:.0%}"][number] = put(running, plan)
            memory_mb.append(running.memory_mb())
    shares = [found["8 callers"][number].per_s / offline[number] for number in range(rounds)]
    return {
        "rounds": rounds,
        "seconds": seconds,
        "offline_per_s": spread(offline),
        "share_of_offline": spread(shares),
        "start_s": spread(start_s),
        "memory_mb": spread(memory_mb),
        "loads": {load: over_rounds(list(figures.values())) for load, figures in found.items()},
    }


def spread(values: Sequence[float]) -> list[float | None]:
    """Return median, least and greatest."""
    ordered = sorted(values)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    return [finite(value) for value in (middle, ordered[0], ordered[-1])]


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


def kept(path: Path) -> dict[str, Any]:
    """Return what a document holds, without what is written anew each time."""
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: value for name, value in found.items() if name not in ("what", "machine")}


def main() -> None:
    """Measure, print tables, write JSON."""
    parser = argparse.ArgumentParser(description="What serving costs, beside peers.")
    parser.add_argument("--peer-python", help="a Python with LitServe and Ray Serve")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=4.5, help="length of an open load")
    parser.add_argument("--only", choices=("overhead", "model"), help="one part alone; the other stays in the file")
    parser.add_argument("--servers", nargs="*", default=[""], help="parts of the names of those that are measured")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "serve.json")
    args = parser.parse_args()
    document = kept(args.out) if args.only else {}
    if args.only != "model":
        asked = [ours(), ours({"watermark": "none"}, UNMARKED), *peers(args.peer_python or "")]
        servers = [
            server for server in asked if server.is_installed and any(part in server.name for part in args.servers)
        ]
        for server in asked:
            if not server.is_installed:
                print(f"{server.name} is not installed and left out; see --peer-python", file=sys.stderr)
        results = measure_overhead(servers, args.rounds, args.seconds)
        print_results(results)
        document |= {"rounds": args.rounds, "seconds": args.seconds}
        document |= {
            "overhead": as_json(results.loads),
            "start_s": {name: spread(values) for name, values in results.start_s.items()},
            "memory_mb": {name: spread(values) for name, values in results.memory_mb.items()},
            "processes": results.processes,
            "against_peers": against_peers(results) if OURS in results.loads else {},
        }
    if args.only != "overhead":
        document["model"] = measure_real(args.rounds, 2 * args.seconds)
        print(json.dumps(document["model"], indent=2))
    write_document(args.out, "serve", **document)


if __name__ == "__main__":
    main()
