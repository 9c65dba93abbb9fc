"""A queue that an older version began goes on with this one, and what waits in it ends in the gallery."""

from __future__ import annotations

from pathlib import Path

from underpaint.stages.serve.gallery.finding import Query
from underpaint.stages.serve.gallery.gallery import Gallery
from underpaint.stages.serve.gallery.picture import Entry
from underpaint.stages.serve.queue.database import Session
from underpaint.stages.serve.queue.queue import open_queue
from underpaint.stages.serve.queue.schema import STEPS, bring_up_to_date
from underpaint.stages.serve.queue.sqlite import SqliteDatabase
from underpaint.stages.serve.queue.submitting import INSERT, join_line
from underpaint.stages.serve.queue.telling import Place

VALUES = {
    "id": "job-1", "parent": None, "owner": "ann", "idem_key": None, "body_digest": "x", "kind": "generation",
    "job_class": "interactive", "priority": 0, "cost_s": 1.0, "release_id": None, "batch_key": "",
    "request": '{"prompt": "a cat"}', "created_at": 1.0, "run_after": 1.0, "deadline_at": None, "state": "queued",
    "charged_s": 0.0, "attempt": 0, "failures": 0, "events": 1,
}  # fmt: skip
"""A job as the first version kept it."""


def begin(session: Session) -> None:
    """Make the tables of version 1, and a job that waits."""
    bring_up_to_date(session, "here", STEPS[:1])
    join_line(session, "interactive", "ann", 1.0)
    insert = INSERT.replace(":in_gallery, ", "").replace("in_gallery, ", "")
    assert session.execute(insert, **VALUES)
    session.execute("INSERT INTO job_event (job, seq, name, body, at) VALUES ('job-1', 1, 'job.queued', '{}', 1.0)")


def test_a_job_of_the_first_version_is_drawn_and_its_picture_is_in_the_gallery(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "jobs.sqlite")
    database.write(begin)
    database.close()
    queue = open_queue(tmp_path / "jobs.sqlite")
    try:
        gallery = Gallery(queue.database, max_bytes=10**6, keep_deleted_s=1.0)
        (job,) = queue.claim("worker")
        entry = Entry(pixel_sha256="0" * 64, output_format="png", num_bytes=1, width=1, height=1)
        queue.finish(job.lease, {"images": []}, also=gallery.entering([entry]))
        (picture,), _ = gallery.page(Query(), "ann", None, 9)
        assert (picture.job, job.request) == ("job-1", {"prompt": "a cat"})
        told = queue.changes(Place(0, 0))
        assert told is not None
        assert [one.name for one in told] == ["job.started", "job.succeeded", "gallery.added"]
    finally:
        queue.close()
