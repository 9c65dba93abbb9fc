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
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import describe_machine, write_document
from serve_figures import Figures, as_json, over_rounds, spread
from serve_offline import PROMPTS, STYLE
from serve_overhead import against_peers, measure_overhead, print_results
from serve_putting import SHARES, WARM_UP_S, closed, opened, put
from serve_servers import OURS, Running, ours, peers, real

HERE = Path(__file__).parent
UNMARKED = f"{OURS}, no watermark"
CALLERS = "8 callers"
BODIES = [{"prompt": prompt, "style": STYLE, "seed": seed} for seed, prompt in enumerate(PROMPTS)]


@dataclass(frozen=True)
class RealRound:
    """What one round with the shipped model gave.

    Args:
        offline_per_s: Pictures a second of the library in a loop.
        start_s: From the command to the first picture.
        memory_mb: Of the server, at the end.
        loads: Name of a load to what came of it.
    """

    offline_per_s: float
    start_s: float
    memory_mb: float
    loads: dict[str, Figures]


def measure_real(rounds: int, seconds: float) -> dict[str, Any]:
    """Measure the shipped model: the library in a loop and the server, in turns."""
    measured = [real_round(number, seconds) for number in range(rounds)]
    return {
        "rounds": rounds,
        "seconds": seconds,
        "offline_per_s": spread([one.offline_per_s for one in measured]),
        "share_of_offline": spread([one.loads[CALLERS].per_s / one.offline_per_s for one in measured]),
        "start_s": spread([one.start_s for one in measured]),
        "memory_mb": spread([one.memory_mb for one in measured]),
        "loads": {load: over_rounds([one.loads[load] for one in measured]) for load in measured[0].loads},
    }


def real_round(number: int, seconds: float) -> RealRound:
    """Measure the library in a loop, and then the server under every load.

    Args:
        number: Of the round; chooses when callers come.
        seconds: Length of each load.
    """
    command = [sys.executable, str(HERE / "serve_offline.py"), str(seconds)]
    offline_per_s = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    with Running(real(), {}) as running:
        put(running, closed(8, WARM_UP_S, BODIES))
        loads = {CALLERS: put(running, closed(8, seconds, BODIES))}
        for share in SHARES:
            plan = opened(share * offline_per_s, seconds, BODIES, seed=number)
            loads[f"{share:.0%}"] = put(running, plan)
        return RealRound(offline_per_s, running.start_s, running.memory_mb(), loads)


def kept(path: Path) -> dict[str, Any]:
    """Return what a document holds, without what is written anew each time."""
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: value for name, value in found.items() if name not in ("what", "machine")}


def overhead(
    peer_python: str, parts: Sequence[str], rounds: int, seconds: float, before: dict[str, Any]
) -> dict[str, Any]:
    """Measure the servers with the sleeping device, print tables and return their part of the document.

    Args:
        peer_python: A Python with the peers that need one of their own.
        parts: Parts of the names of the servers that are measured.
        rounds: How often.
        seconds: Length of an open load.
        before: The document: what it says of servers that are not measured now stays.
    """
    asked = [ours(), ours({"watermark": "none"}, UNMARKED), *peers(peer_python)]
    for server in asked:
        if not server.is_installed:
            print(f"{server.name} is not installed and left out; see --peer-python", file=sys.stderr)
    servers = [one for one in asked if one.is_installed and any(part in one.name for part in parts)]
    results = measure_overhead(servers, rounds, seconds)
    print_results(results)
    found: dict[str, Any] = {
        "overhead": as_json(results.loads),
        "start_s": {name: spread(values) for name, values in results.start_s.items()},
        "memory_mb": {name: spread(values) for name, values in results.memory_mb.items()},
        "processes": results.processes,
    }
    if len(servers) < len(asked):
        return {name: before.get(name, {}) | measured for name, measured in found.items()}
    return found | {"rounds": rounds, "seconds": seconds, "against_peers": against_peers(results)}


def main() -> None:
    """Measure, print tables, write JSON after each part."""
    parser = argparse.ArgumentParser(description="What serving costs, beside peers.")
    parser.add_argument("--peer-python", default="", help="a Python with LitServe and Ray Serve")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=4.5, help="length of an open load")
    parser.add_argument("--only", choices=("overhead", "model"), help="one part alone; the other stays in the file")
    parser.add_argument("--servers", nargs="*", default=[""], help="parts of the names of those that are measured")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "serve.json")
    args = parser.parse_args()
    document = kept(args.out) if args.only else {}
    if args.only != "model":
        document |= overhead(args.peer_python, args.servers, args.rounds, args.seconds, document)
        document["machine_of"] = document.get("machine_of", {}) | {"overhead": describe_machine()}
        write_document(args.out, "serve", **document)
    if args.only != "overhead":
        document["model"] = measure_real(args.rounds, 2 * args.seconds)
        document["machine_of"] = document.get("machine_of", {}) | {"model": describe_machine()}
        print(json.dumps(document["model"], indent=2))
        write_document(args.out, "serve", **document)


if __name__ == "__main__":
    main()
