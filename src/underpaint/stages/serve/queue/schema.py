"""The tables of the queue, and the steps that bring those of an older version up to date.

Step *i* leads from version *i* to version *i + 1*; an empty database has version 0. Steps are never changed, only
added.
"""

from __future__ import annotations

from collections.abc import Sequence

from underpaint.core.errors import StoreDamaged
from underpaint.stages.serve.queue.database import Session

JOB = """CREATE TABLE job (
    seq {serial} PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    parent TEXT,
    owner TEXT NOT NULL,
    idem_key TEXT,
    body_digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    job_class TEXT NOT NULL,
    state TEXT NOT NULL CHECK (
        state IN ('queued', 'running', 'held', 'succeeded', 'failed', 'cancelled', 'expired')),
    priority INTEGER NOT NULL,
    rank DOUBLE PRECISION NOT NULL,
    cost_s DOUBLE PRECISION NOT NULL,
    charged_s DOUBLE PRECISION NOT NULL,
    release_id TEXT,
    batch_key TEXT NOT NULL,
    request TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    run_after DOUBLE PRECISION NOT NULL,
    deadline_at DOUBLE PRECISION,
    started_at DOUBLE PRECISION,
    finished_at DOUBLE PRECISION,
    lease_owner TEXT,
    lease_until DOUBLE PRECISION,
    attempt INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    step INTEGER,
    num_steps INTEGER,
    progress_at DOUBLE PRECISION,
    events INTEGER NOT NULL,
    result TEXT,
    error TEXT
)"""

EVENT = """CREATE TABLE job_event (
    job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (job, seq)
)"""

OWNER = """CREATE TABLE owner (
    job_class TEXT NOT NULL,
    name TEXT NOT NULL,
    virtual_s DOUBLE PRECISION NOT NULL,
    since DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (job_class, name)
)"""

FIRST: tuple[str, ...] = (
    JOB,
    "CREATE UNIQUE INDEX job_idempotency ON job (owner, idem_key)",
    "CREATE INDEX job_line ON job (job_class, owner, priority DESC, rank, seq) WHERE state = 'queued'",
    "CREATE INDEX job_alike ON job (batch_key, job_class, owner, priority DESC, rank, seq) WHERE state = 'queued'",
    "CREATE INDEX job_running ON job (job_class, owner, lease_until) WHERE state = 'running'",
    "CREATE INDEX job_deadline ON job (deadline_at) WHERE deadline_at IS NOT NULL AND finished_at IS NULL",
    "CREATE INDEX job_finished ON job (finished_at) WHERE finished_at IS NOT NULL",
    "CREATE INDEX job_rank ON job (rank)",
    EVENT,
    "CREATE UNIQUE INDEX job_end ON job_event (job) "
    "WHERE name IN ('job.succeeded', 'job.failed', 'job.cancelled', 'job.expired')",
    OWNER,
    "CREATE TABLE class_credit (job_class TEXT PRIMARY KEY, credit_s DOUBLE PRECISION NOT NULL)",
)
"""Version 1. ``job_end`` makes a second end of a job impossible."""

LOSSES: tuple[str, ...] = ("ALTER TABLE job ADD COLUMN losses INTEGER NOT NULL DEFAULT 0",)
"""Version 2. Lost workers are counted apart from attempts that failed."""

CHANGE = """CREATE TABLE change (
    id {serial} PRIMARY KEY,
    tx {transaction},
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    job TEXT,
    seq INTEGER,
    body TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL
)"""

PICTURE = """CREATE TABLE picture (
    seq {serial} PRIMARY KEY,
    owner TEXT NOT NULL,
    pixel_sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    deleted_at DOUBLE PRECISION,
    favorite INTEGER NOT NULL,
    rating INTEGER,
    style TEXT,
    model TEXT NOT NULL,
    release_id TEXT NOT NULL,
    words TEXT NOT NULL,
    job TEXT,
    output_format TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    note TEXT,
    settings TEXT,
    cost TEXT,
    UNIQUE (owner, pixel_sha256)
)"""

GALLERY: tuple[str, ...] = (
    "ALTER TABLE job ADD COLUMN in_gallery INTEGER NOT NULL DEFAULT 1",
    CHANGE,
    "CREATE INDEX change_told ON change (tx, id)",
    "INSERT INTO setting (name, value) VALUES ('changes_forgotten', '0-0')",
    PICTURE,
    "CREATE INDEX picture_owner ON picture (owner, deleted_at, seq)",
    "CREATE INDEX picture_bytes ON picture (owner, bytes)",
    "CREATE INDEX picture_pixels ON picture (pixel_sha256)",
    "CREATE INDEX picture_bin ON picture (deleted_at) WHERE deleted_at IS NOT NULL",
)
"""Version 3. Finished pictures stay when their jobs are forgotten; all changes of an owner are in one line."""

FAVORITES: tuple[str, ...] = ("CREATE INDEX picture_favorite ON picture (favorite, deleted_at, owner, seq)",)
"""Version 4. Favorites are found without looking at all pictures."""

STEPS: tuple[tuple[str, ...], ...] = (FIRST, LOSSES, GALLERY, FAVORITES)


def bring_up_to_date(session: Session, place: str, steps: Sequence[Sequence[str]] = STEPS) -> int:
    """Create the tables, or change those of an older version, all in one transaction.

    Args:
        session: A transaction that writes.
        place: The database's path or address; named in errors.
        steps: The steps that this program knows.

    Returns:
        The version that the database had.

    Raises:
        StoreDamaged: It is of a newer version, or holds another program's tables.
    """
    session.exclude_others()
    version = _version(session, place, known=len(steps))
    for step in steps[version:]:
        for statement in step:
            session.execute(_in_words_of(session, statement))
    if version < len(steps):
        session.execute("UPDATE setting SET value = :value WHERE name = 'version'", value=str(len(steps)))
    return version


def _in_words_of(session: Session, statement: str) -> str:
    return statement.replace("{serial}", session.serial).replace("{transaction}", session.transaction)


def _version(session: Session, place: str, known: int) -> int:
    tables = session.tables()
    if not tables:
        session.execute("CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        session.execute("INSERT INTO setting (name, value) VALUES ('version', '0'), ('paused', '0')")
        return 0
    rows = session.execute("SELECT value FROM setting WHERE name = 'version'") if "setting" in tables else []
    if not rows or not rows[0]["value"].isdecimal():
        raise StoreDamaged(f"{place} holds tables of another program ({_some(tables)}); name an empty place")
    if int(rows[0]["value"]) > known:
        raise StoreDamaged(
            f"{place} is a queue of version {rows[0]['value']}, this program knows versions up to {known}; "
            "update underpaint, or name another place"
        )
    return int(rows[0]["value"])


def _some(tables: set[str]) -> str:
    return ", ".join(sorted(tables)[:3])
