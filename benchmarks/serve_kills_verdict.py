"""What came of the work of a server that was killed again and again: was anything lost, doubled, or out of order?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from serve_kills_clients import Ledger

from underpaint.pipelines.picture_file import pixel_digest
from underpaint.stages.serve.jobs.runner import AHEAD
from underpaint.stages.serve.queue.job import Event, Job
from underpaint.stages.serve.queue.queue import JobQueue

PAGE = 500
CLASSES = ("interactive", "batch")
LOST = "was lost"
"""In the reason for which the job of a server that was killed is put back; it keeps its place."""


@dataclass(frozen=True, kw_only=True)
class History:
    """A job and all that happened to it."""

    job: Job
    events: list[Event]

    def at(self, name: str) -> list[float]:
        """Return when an event happened, as often as it did."""
        return [event.at for event in self.events if event.name == name]

    @property
    def put_back_because(self) -> list[str]:
        """Why it was put back into the line, as often as it was."""
        return [event.body["reason"] for event in self.events if event.name == "job.requeued"]


def histories(queue: JobQueue) -> list[History]:
    """Return all jobs of a queue in the order of their acceptance."""
    found: list[Job] = []
    while page := queue.jobs(after=found[-1].seq if found else 0, limit=PAGE):
        found += page
    return [History(job=job, events=queue.events(job.id)) for job in found]


def mistakes(all_of: Sequence[History], ledger: Ledger, batches: Sequence[dict[str, Any]], pictures: Path) -> list[str]:
    """Return what is wrong, in words; nothing if all that was promised was kept.

    Args:
        all_of: All jobs.
        ledger: What clients were told.
        batches: Batches as the server shows them, with the rows of their answers under ``answers``.
        pictures: The server's folder of pictures.
    """
    by_id = {one.job.id: one for one in all_of}
    found = [f"{key} was answered with two jobs" for key in ledger.contradicted]
    found += [f"the job of {key} is not there" for key, job in ledger.jobs.items() if job not in by_id]
    for one in all_of:
        found += [f"{one.job.id}: {mistake}" for mistake in _of_a_job(one)]
    for key, job in ledger.jobs.items():
        if job in by_id and by_id[job].job.request["seed"] != ledger.asked[key]["seed"]:
            found.append(f"the job of {key} asks for something else")
    found += _of_the_order(all_of)
    found += _of_batches(batches, ledger)
    found += _of_pictures(all_of, pictures)
    wrong_ends = [end for end, number in ledger.ends.items() if number and not _is_right(end)]
    return found + [f"{ledger.ends[end]} times: {end}" for end in wrong_ends]


def _is_right(end: str) -> bool:
    """Tell whether a request may end so where a server is killed; what has a key has to be answered as a whole."""
    what, _, how = end.partition(": ")
    if what == "keyed request":
        return how == "2 pictures"
    return how in RIGHT.get(what, ())


RIGHT = {
    "stream": ("completed", "connection broken", "503 engine_lost", "503 draining", "error event"),
    "request": ("answered", "connection broken", "503 engine_lost"),
}
"""How what has no key may end."""


def _of_a_job(one: History) -> list[str]:
    job, names = one.job, Counter(event.name for event in one.events)
    found = [] if job.state == "succeeded" else [f"it is {job.state} ({job.error})"]
    if [event.seq for event in one.events] != list(range(1, len(one.events) + 1)):
        found.append("its events are not numbered without gaps")
    if names["job.succeeded"] != 1 or names["job.queued"] != 1 or names["job.started"] != job.attempt:
        found.append(f"its events are {dict(names)} at {job.attempt} attempts")
    images = (job.result or {"images": []})["images"]
    seeds = [image["seed"] for image in images]
    expected = [job.request["seed"] + number for number in range(job.request.get("n") or 1)]
    return found if seeds == expected else [*found, f"its pictures have the seeds {seeds}, not {expected}"]


def _of_batches(batches: Sequence[dict[str, Any]], ledger: Ledger) -> list[str]:
    found = [f"{batch} is not there" for batch in set(ledger.batches) - {batch["id"] for batch in batches}]
    for batch in batches:
        names = [row["custom_id"] for row in batch["answers"]]
        counts = batch["request_counts"]
        if batch["status"] != "completed" or counts["completed"] != len(names) or counts["failed"]:
            found.append(f"{batch['id']} is {batch['status']} with {counts} and {len(names)} answers")
        if names != ledger.batches.get(batch["id"], names):
            found.append(f"{batch['id']} has the answers {names}")
    return found


def _of_pictures(all_of: Sequence[History], folder: Path) -> list[str]:
    promised = {image["pixel_sha256"] for one in all_of for image in (one.job.result or {"images": []})["images"]}
    kept = {path.stem: path for path in folder.glob("*/[0-9a-f]*.png")}
    found = [f"picture {digest} is not there" for digest in promised - set(kept)]
    found += [f"picture {digest} belongs to no job" for digest in set(kept) - promised]
    for digest in promised & set(kept):
        with Image.open(kept[digest]) as image:
            if pixel_digest(image) != digest:
                found.append(f"picture {digest} has other pixels")
    return found


def _of_the_order(all_of: Sequence[History]) -> list[str]:
    """Jobs begin and end in their order, up to those at work at one time; not those that waited for their model."""
    steady = [one for one in all_of if all(LOST in reason for reason in one.put_back_because)]
    return [
        f"{name} jobs {did} up to {places} places out of their order"
        for name in CLASSES
        for did, places in displaced(steady, name).items()
        if places >= AHEAD
    ]


def displaced(all_of: Sequence[History], job_class: str) -> dict[str, int]:
    """Return by how many places the starts and the ends of a class are out of the order of acceptance, at most."""
    line = [one for one in all_of if one.job.job_class == job_class]
    return {
        "started": _displacement([one.at("job.started")[0] for one in line if one.at("job.started")]),
        "finished": _displacement([one.job.finished_at or 0.0 for one in line]),
    }


def _displacement(times: Sequence[float]) -> int:
    order = sorted(range(len(times)), key=times.__getitem__)
    return max((abs(place - number) for place, number in enumerate(order)), default=0)


def started_while_paused(all_of: Sequence[History], pauses: Sequence[tuple[float, float]]) -> int:
    """Return how many attempts began in one of these times."""
    return sum(begin < at < end for one in all_of for at in one.at("job.started") for begin, end in pauses)


def totals(all_of: Sequence[History]) -> dict[str, Any]:
    """Return how much work there was, and how much of it was interrupted and done again."""
    reasons = Counter(
        "the server was killed" if LOST in reason else reason.split(" (")[0]
        for one in all_of
        for reason in one.put_back_because
    )
    return {
        "jobs": len(all_of),
        "pictures": sum(len(one.job.result["images"]) for one in all_of if one.job.result),
        "drawn_again": sum(len(one.at("job.image")) for one in all_of)
        - sum(len(one.job.result["images"]) for one in all_of if one.job.result),
        "attempts": dict(sorted(Counter(one.job.attempt for one in all_of).items())),
        "put_back_because": dict(reasons),
    }


def read_answers(text: str) -> list[dict[str, Any]]:
    """Return the rows of a batch's file of answers."""
    return [json.loads(line) for line in text.splitlines()]
