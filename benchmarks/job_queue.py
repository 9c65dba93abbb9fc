"""How many jobs a second the durable queue accepts and gives out, beside what the disk itself allows.

``benchmarks/job_queue.py --postgres postgresql://...`` measures both databases; without the address SQLite alone. The
baseline of each run is the same disk flushed after each 4 KiB, and a bare table of SQLite that flushes every insert.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

from machine import describe_machine, print_table

from underpaint.stages.serve.batching.filling import Plan
from underpaint.stages.serve.queue.job import Job, Submission
from underpaint.stages.serve.queue.queue import JobQueue, open_queue
from underpaint.stages.serve.queue.worker_name import worker_name

REQUEST = {"prompt": "a smiling cat with sunglasses", "seed": 1234567, "guidance": 1.5, "steps": 2, "size": "64x64"}
OWNERS = 20
PARALLEL = 8
BATCH = 8


def asked(number: int) -> Submission:
    """Return one of many submissions of some owners."""
    return Submission(owner=f"owner-{number % OWNERS}", request={**REQUEST, "seed": number}, batch_key="alike")


def timed(work: Callable[[], object], times: int) -> dict[str, float]:
    """Do something so often and return its rate and its times."""
    ms, begin = [], time.perf_counter()
    for _ in range(times):
        start = time.perf_counter()
        work()
        ms.append((time.perf_counter() - start) * 1000)
    return {"per_s": times / (time.perf_counter() - begin), **quantiles(ms)}


def quantiles(ms: list[float]) -> dict[str, float]:
    """Return the median and the 99th percentile."""
    return {"p50_ms": statistics.median(ms), "p99_ms": statistics.quantiles(ms, n=100)[98]}


def in_threads(work: Callable[[list[float]], int]) -> dict[str, float]:
    """Let threads work side by side and return their common rate; each returns how much it did."""
    ms: list[list[float]] = [[] for _ in range(PARALLEL)]
    done = [0] * PARALLEL

    def run(i: int) -> None:
        done[i] = work(ms[i])

    threads = [threading.Thread(target=run, args=(i,)) for i in range(PARALLEL)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"per_s": sum(done) / (time.perf_counter() - begin), **quantiles([value for own in ms for value in own])}


def flushes(folder: Path, times: int) -> dict[str, float]:
    """Append 4 KiB and flush them, as a baseline."""
    with (folder / "flushed").open("wb", buffering=0) as file:

        def flush() -> None:
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())

        return timed(flush, times)


def bare_inserts(folder: Path, times: int) -> dict[str, float]:
    """Insert rows into a table without indexes, each flushed, as a baseline."""
    connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE row (request TEXT)")
    text = json.dumps(REQUEST)
    figures = timed(lambda: connection.execute("INSERT INTO row VALUES (?)", (text,)), times)
    connection.close()
    return figures


def two_steps(queue: JobQueue, ms: list[float], plan_of: Callable[[Job], Plan] | None = None) -> int:
    """Claim and finish until nothing waits; return how many jobs that were."""
    worker, done = worker_name(), 0
    while True:
        start = time.perf_counter()
        jobs = queue.claim(worker, plan_of) if plan_of else queue.claim(worker)
        for job in jobs:
            queue.finish(job.lease, {"pixel_sha256": "0" * 64})
        if not jobs:
            return done
        done += len(jobs)
        ms.append((time.perf_counter() - start) * 1000)


def eight(job: Job) -> Plan:
    """Return a plan for batches that cost as much as their jobs do."""
    return Plan(cap=BATCH, seconds=lambda units: units * job.cost_s)


def worker_process(place: str) -> int:
    """Work in a process of its own."""
    queue = open_queue(place)
    done = two_steps(queue, [])
    queue.close()
    return done


def measure(place: str, jobs: int) -> dict[str, dict[str, float]]:
    """Measure one database, a step at a time."""
    queue = open_queue(place)
    numbers, lock = iter(range(10**9)), threading.Lock()

    def submit() -> None:
        with lock:
            number = next(numbers)
        queue.submit(asked(number))

    def submit_some(ms: list[float]) -> int:
        for _ in range(jobs // PARALLEL):
            start = time.perf_counter()
            submit()
            ms.append((time.perf_counter() - start) * 1000)
        return jobs // PARALLEL

    def fill() -> None:
        queue.submit_all([asked(next(numbers)) for _ in range(100)])

    steps: dict[str, dict[str, float]] = {"submit, one thread": timed(submit, jobs)}
    ms: list[float] = []
    begin = time.perf_counter()
    done = two_steps(queue, ms)
    steps["claim + finish, one thread"] = {"per_s": done / (time.perf_counter() - begin), **quantiles(ms)}
    steps[f"submit, {PARALLEL} threads"] = in_threads(submit_some)
    steps[f"claim + finish, {PARALLEL} threads"] = in_threads(lambda own: two_steps(queue, own))
    lots = timed(fill, jobs // 100)
    steps["submit in lots of 100"] = {**lots, "per_s": lots["per_s"] * 100}
    steps[f"claim {BATCH} + finish, {PARALLEL} threads"] = in_threads(lambda own: two_steps(queue, own, eight))
    timed(fill, jobs // 100)
    with get_context("spawn").Pool(4) as pool:
        pool.map(abs, range(4))
        begin = time.perf_counter()
        done = sum(pool.map(worker_process, [place] * 4, chunksize=1))
        steps["claim + finish, 4 processes"] = {"per_s": done / (time.perf_counter() - begin)}
    timed(fill, 100)
    worker = worker_name()

    def claim_and_finish() -> None:
        (job,) = queue.claim(worker)
        queue.finish(job.lease, {})

    steps["claim + finish, 10,000 waiting"] = timed(claim_and_finish, jobs // 4)
    queue.close()
    return steps


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description="Jobs per second of the durable queue.")
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--folder", type=Path, default=None, help="a folder on the disk to measure")
    parser.add_argument("--postgres", default=None, help="the address of an empty database")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "job_queue.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        results = {
            "disk": {"flush of 4 KiB": flushes(folder, 500), "bare insert, flushed": bare_inserts(folder, 500)},
            "sqlite": measure(str(folder / "jobs.sqlite"), args.jobs),
        }
        if args.postgres:
            results["postgresql"] = measure(args.postgres, args.jobs)
    columns = ("per_s", "p50_ms", "p99_ms")
    rows = [
        [f"{place}: {step}", *(f"{figures[name]:,.1f}" if name in figures else "" for name in columns)]
        for place, steps in results.items()
        for step, figures in steps.items()
    ]
    print_table(["", "a second", "median ms", "p99 ms"], rows)
    record = {"jobs": args.jobs, "machine": describe_machine(), "results": results}
    args.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
