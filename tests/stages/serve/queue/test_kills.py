from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("mode", "jobs", "kills"),
    [
        ("parts", 200, 20),
        ("whole", 200, 20),
        pytest.param("parts", 500, 50, marks=[pytest.mark.slow, pytest.mark.exhaustive]),
        pytest.param("whole", 500, 50, marks=[pytest.mark.slow, pytest.mark.exhaustive]),
    ],
)
def test_kills_of_workers_with_jobs_and_at_random_moments_lose_no_job_and_finish_none_twice(
    run_script: Callable[..., Any], place: str, tmp_path: Path, mode: str, jobs: int, kills: int
) -> None:
    finished = run_script("kills.py", place, tmp_path, jobs, kills, 11, mode)
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    assert found["killed"] == kills

    rows = [entry["job"] for entry in found["jobs"]]
    assert [row["state"] for row in rows] == ["succeeded"] * jobs
    assert [row["request"]["number"] for row in rows] == list(range(jobs)), "each accepted once, in order"
    assert [line[0] for line in found["accepted"]] == [row["id"] for row in rows]
    for entry in found["jobs"]:
        assert_finished_once(entry["job"], entry["events"])
    assert_held_by_one_at_a_time(found)
    assert_started_in_order(found["jobs"], kills if place.startswith("postgresql") else 0)
    assert sum(row["attempt"] - 1 for row in rows) >= kills / 2, "every other kill met a worker with jobs"


def assert_finished_once(job: dict[str, Any], events: list[dict[str, Any]]) -> None:
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    names = [event["name"] for event in events if event["name"] != "job.progress"]
    again = ["job.started", "job.requeued"] * (job["attempt"] - 1)
    assert names == ["job.queued", *again, "job.started", "job.succeeded"]
    assert job["result"] == {"number": job["request"]["number"], "attempt": job["attempt"]}


def assert_held_by_one_at_a_time(found: dict[str, Any]) -> None:
    """An attempt starts after the worker of the one before was killed."""
    killed = dict(found["killed_at"])
    starts = {(job, attempt): (pid, at) for job, attempt, pid, at in found["started"]}
    assert len(starts) == len(found["started"]), "an attempt was given to two workers"
    for (job, attempt), (_, at) in starts.items():
        if (job, attempt - 1) in starts:
            assert killed[starts[job, attempt - 1][0]] < at


def assert_started_in_order(jobs: list[dict[str, Any]], late: int) -> None:
    """First starts follow the order of acceptance, up to those that two workers claim at the same moment.

    A worker that is killed while it claims in PostgreSQL gives its jobs back when that notices: those may be late.
    """
    first = [next(e["at"] for e in entry["events"] if e["name"] == "job.started") for entry in jobs]
    order = sorted(range(len(first)), key=lambda i: first[i])
    assert sum(abs(place - number) > 4 for place, number in enumerate(order)) <= late
