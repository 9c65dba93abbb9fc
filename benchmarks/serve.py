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
from collections import defaultdict
from collections.abc import Sequence
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
BODIES = [{"prompt": prompt, "style": STYLE, "seed": seed} for seed, prompt in enumerate(PROMPTS)]


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
