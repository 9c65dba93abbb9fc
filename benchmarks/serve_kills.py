"""Whether a server that is killed again and again keeps all that it accepted, and does nothing twice.

``serve_kills.py --server 50 --engine 50 --seed 1`` starts a server of the shipped model, lets clients hand in jobs,
batches, streams and plain requests all the time, and sends SIGKILL to the server or to the process of its model at
random moments. Every fifth kill of the server (or ``--starting``) comes while it starts, every sixth of the others
while the queue is paused. At the end all is drawn, and every promise is looked up in the database, in the answers
of batches and in the folder of pictures.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from machine import write_document
from serve_kills_clients import Clients
from serve_kills_server import Server
from serve_kills_verdict import (
    CLASSES,
    History,
    displaced,
    histories,
    mistakes,
    read_answers,
    started_while_paused,
    totals,
)

from underpaint.stages.serve.queue.queue import open_queue

STARTING_EVERY, PAUSED_EVERY = 5, 6
SPREAD_S = 1.5
"""Longest wait between a server that is ready and its end."""
OUT = Path(__file__).parent / "results" / "serve_kills.json"


def schedule(servers: int, engines: int, dice: random.Random, starting: int | None = None) -> list[str]:
    """Return what is killed, one after the other: ``engine``, ``server``, ``starting``, or ``paused``.

    Args:
        servers: Kills of the server.
        engines: Kills of the process of its model.
        dice: Chooses the order.
        starting: Kills of the server while it starts; None for every fifth.
    """
    starting = servers // STARTING_EVERY if starting is None else starting
    others = servers - starting
    kinds = ["starting"] * starting + ["paused"] * (others // PAUSED_EVERY)
    kinds += ["server"] * (servers - len(kinds)) + ["engine"] * engines
    dice.shuffle(kinds)
    return kinds


class Killer:
    """Kills a server in one way after the other, and remembers how it came back.

    Args:
        server: The server.
        dice: Chooses the moments.
        start_s: How long a start takes: one that is killed while it starts ends within that time.
    """

    def __init__(self, server: Server, dice: random.Random, start_s: float) -> None:
        self._server, self._dice, self._start_s = server, dice, start_s
        self.back_s: list[float] = []
        self.pauses: list[tuple[float, float]] = []
        self.pauses_forgotten = 0

    def kill(self, kind: str) -> None:
        """Kill at a random moment; whatever was killed is back, or coming back, afterwards."""
        self._server.wait_until_ready()
        time.sleep(self._dice.uniform(0.0, SPREAD_S))
        if kind == "engine":
            while not self._server.kill_engine():
                time.sleep(0.01)
        elif kind == "paused":
            self._kill_paused()
        else:
            self._server.kill()
            if kind == "starting":
                self._server.launch()
                time.sleep(self._dice.uniform(0.0, self._start_s))
                self._server.kill()
            self.back_s.append(self._server.start())

    def _kill_paused(self) -> None:
        client = self._server.client
        client.post("/api/v1/queue/pause").raise_for_status()
        paused_at = time.time()
        self._server.kill()
        self.back_s.append(self._server.start())
        self.pauses_forgotten += not client.get("/api/v1/queue").json()["paused"]
        time.sleep(0.3)
        self.pauses.append((paused_at, time.time()))
        client.post("/api/v1/queue/resume").raise_for_status()


def drained(server: Server) -> list[dict[str, Any]]:
    """Wait until everything is drawn and return the batches with the rows of their answers."""
    while server.client.get("/api/v1/queue").json()["classes"] or _open_batches(server):
        time.sleep(0.2)
    found = _batches(server)
    for batch in found:
        file = batch["output_file_id"]
        batch["answers"] = [] if file is None else read_answers(server.client.get(f"/v1/files/{file}/content").text)
    return found


def _batches(server: Server) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        after = {"after": found[-1]["id"]} if found else {}
        page = server.client.get("/v1/batches", params={"limit": 100, **after}).json()
        found += page["data"]
        if not page["has_more"]:
            return found


def _open_batches(server: Server) -> bool:
    return any(batch["status"] in ("validating", "in_progress", "finalizing") for batch in _batches(server))


def run(folder: Path, kinds: list[str], *, seed: int, options: list[str], place: str | None) -> dict[str, Any]:
    """Kill a server and its model in these ways and return what came of it.

    Args:
        folder: An empty folder.
        kinds: As ``schedule`` returns them.
        seed: Chooses what is asked for and when it is killed.
        options: Further options of ``underpaint serve``.
        place: Address of an empty PostgreSQL database for the jobs; None for SQLite.
    """
    with Server(folder, options, {} if place is None else {"UNDERPAINT_SERVE_JOBS": place}) as server:
        return _killed(server, kinds, seed, place)


def _killed(server: Server, kinds: list[str], seed: int, place: str | None) -> dict[str, Any]:
    first_s = server.start()
    killer = Killer(server, random.Random(seed), first_s)
    clients = Clients(server.url, seed, pause_s=0.15)
    began = time.monotonic()
    batches, others = _worked(server, killer, clients, kinds)
    took_s, code = time.monotonic() - began, server.end()
    found = _histories(place or server.state / "jobs.sqlite")
    wrong = [
        *others,
        *mistakes(found, clients.ledger, batches, server.state / "pictures"),
        *_of_the_server(server, killer, found, code),
    ]
    return {
        "kills": {kind: kinds.count(kind) for kind in ("server", "starting", "paused", "engine")},
        "seed": seed,
        "jobs_in": "sqlite" if place is None else "postgresql",
        "minutes": round(took_s / 60, 1),
        "mistakes": wrong,
        "work": totals(found) | {"keys": len(clients.ledger.jobs), "batches": len(batches)},
        "out_of_order": {name: displaced(found, name) for name in CLASSES},
        "ready_after_s": {"first": round(first_s, 2), **_quantiles(killer.back_s)},
        "ends": dict(sorted(clients.ledger.ends.items())),
    }


def _worked(
    server: Server, killer: Killer, clients: Clients, kinds: Sequence[str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Let clients work while the server is killed; return its batches, and keys that now name another job."""
    clients.start()
    for kind in kinds:
        killer.kill(kind)
    clients.stop()
    batches = drained(server)
    known = clients.ledger.jobs.items()
    return batches, [f"{key} is now another job" for key, job in known if _known(server, key, clients) != job]


def _histories(place: str | Path) -> list[History]:
    """Return what became of every job, as the database of the queue says."""
    queue = open_queue(place)
    try:
        return histories(queue)
    finally:
        queue.close()


def _of_the_server(server: Server, killer: Killer, found: Sequence[History], code: int) -> list[str]:
    """Return what was wrong with pauses, with the server's end, or in its log."""
    began_paused = started_while_paused(found, killer.pauses)
    wrong = [f"{killer.pauses_forgotten} pauses were forgotten"] * bool(killer.pauses_forgotten)
    wrong += [f"{began_paused} attempts began while the queue was paused"] * bool(began_paused)
    wrong += [f"the server ended with {code}"] * bool(code)
    return (
        wrong + [line for line in server.log.read_text().splitlines() if '"defect"' in line or "Traceback" in line][:5]
    )


def _known(server: Server, key: str, clients: Clients) -> str:
    asked = clients.ledger.asked[key]
    answer = server.client.post("/api/v1/jobs", json={"request": asked}, headers={"idempotency-key": key})
    return answer.json().get("id", answer.text) if answer.status_code == 200 else answer.text


def _quantiles(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 2), "most": round(max(values), 2)} if values else {}


def main() -> None:
    """Kill, look, and write down what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=int, default=50, help="kills of the server")
    parser.add_argument("--engine", type=int, default=50, help="kills of the process of its model")
    parser.add_argument("--starting", type=int, help="kills of the server while it starts; every fifth if left out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", help="a model's folder, drawn with torch, instead of the shipped one")
    parser.add_argument("--postgres", help="the address of an empty database, for the jobs")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    options = ["-m", f"model={args.model}", "--engine", "torch"] if args.model else []
    with tempfile.TemporaryDirectory() as folder:
        kinds = schedule(args.server, args.engine, random.Random(args.seed), args.starting)
        found = run(Path(folder), kinds, seed=args.seed, options=options, place=args.postgres)
    name = found["jobs_in"] if args.starting is None else f"{found['jobs_in']}, at the start"
    before = json.loads(args.out.read_text())["runs"] if args.out.exists() else {}
    write_document(args.out, "serve_kills", runs={**before, name: found})
    print(json.dumps(found, indent=2))
    raise SystemExit(1 if found["mistakes"] else 0)


if __name__ == "__main__":
    main()
