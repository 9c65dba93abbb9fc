"""Work on a queue with processes that are killed, and print what came of it.

Every other kill meets a worker that has just claimed jobs: it stands still in a trap until then. The others come at
random moments. The last jobs are handed in one by one, a job for each kill, so that every trap finds somebody.

``kills.py PLACE FOLDER JOBS KILLS SEED MODE``; in the mode ``parts`` a process submits and two work, in the mode
``whole`` every process does all of it in threads. Children are forked before anything is opened.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import psycopg  # noqa: F401  # imported once, not in every child

from underpaint.stages.serve.batching.filling import Plan
from underpaint.stages.serve.queue.job import Job, Submission
from underpaint.stages.serve.queue.policy import QueuePolicy
from underpaint.stages.serve.queue.queue import JobQueue, open_queue
from underpaint.stages.serve.queue.worker_name import worker_name

PLACE, FOLDER, JOBS, KILLS, SEED, MODE = sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:6]), sys.argv[6]
POLICY = QueuePolicy(backoff_s=0.0, max_failures=100, sweep_s=0.02, progress_s=0.0)
TRAP, CAUGHT = os.pipe(), os.pipe()
os.set_blocking(TRAP[0], False)
ROLES = {"parts": [("submit",), ("work",), ("work",)], "whole": [("submit", "work", "work")]}[MODE]


def log(name: str, *fields: object) -> None:
    """Append a line in one write, so that a kill cannot cut it."""
    with (FOLDER / name).open("ab", buffering=0) as file:
        file.write((json.dumps(fields) + "\n").encode())


def lines(name: str) -> list[list]:
    path = FOLDER / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def submit(queue: JobQueue) -> None:
    for number in range(len(lines("accepted")), JOBS):
        while number >= JOBS - KILLS + len(lines("turns")):
            time.sleep(0.002)
        job, _ = queue.submit(
            Submission(owner="ann", request={"number": number}, idem_key=f"n{number}", batch_key="alike")
        )
        log("accepted", job.id)


def two(job: Job) -> Plan:
    return Plan(cap=2, seconds=lambda units: 0.01)


def work(queue: JobQueue) -> None:
    name = worker_name()
    while len(lines("accepted")) < JOBS or queue.depth():
        jobs = queue.claim(name, two)
        for job in jobs:
            log("started", job.id, job.attempt, os.getpid(), time.monotonic())
        if jobs:
            stand_still_in_a_trap()
        for job in jobs:
            queue.progress(job.lease, step=1, num_steps=1)
            time.sleep(0.002)
            queue.finish(job.lease, {"number": job.request["number"], "attempt": job.attempt})
        if not jobs:
            queue.wait(0.02)


def child(roles: tuple[str, ...]) -> int:
    pid = os.fork()
    if pid:
        return pid
    queue = open_queue(PLACE, POLICY)
    threads = [threading.Thread(target={"submit": submit, "work": work}[role], args=(queue,)) for role in roles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.close()
    os._exit(0)


def stand_still_in_a_trap() -> None:
    """Wait to be killed, if there is a trap that nobody else is in."""
    with contextlib.suppress(BlockingIOError):
        os.read(TRAP[0], 1)
        os.write(CAUGHT[1], f"{os.getpid()}\n".encode())
        threading.Event().wait()


def caught() -> int:
    """Lay a trap and return who is in it."""
    os.write(TRAP[1], b"x")
    log("turns")
    return int(os.read(CAUGHT[0], 100))


def met(children: Iterable[int], dice: random.Random) -> int:
    """Return whomever a random moment meets."""
    time.sleep(dice.uniform(0.005, 0.08))
    log("turns")
    return dice.choice(sorted(children))


def main() -> None:
    dice = random.Random(SEED)
    children = {child(roles): roles for roles in ROLES}
    killed = 0
    for number in range(KILLS):
        pid = met(children, dice) if number % 2 else caught()
        log("killed_at", pid, time.monotonic())
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        killed += os.WIFSIGNALED(status)
        roles = children.pop(pid)
        children[child(roles)] = roles
    for pid in children:
        os.waitpid(pid, 0)
    queue = open_queue(PLACE, POLICY)
    jobs = queue.jobs(limit=1000)
    found = [{"job": asdict(job), "events": [asdict(event) for event in queue.events(job.id)]} for job in jobs]
    queue.close()
    logs = {name: lines(name) for name in ("accepted", "started", "killed_at")}
    json.dump({"killed": killed, "jobs": found, **logs}, sys.stdout)


main()
