"""Laws of files and batches on the disk."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from underpaint.core.errors import FieldError, StoreMoved
from underpaint.stages.serve.batches.input_file import MAX_LINES, Mistake, read_lines
from underpaint.stages.serve.batches.records import BATCHES, STEPS, BatchRecord, LineRecord, Records
from underpaint.stages.serve.queue.schema import bring_up_to_date
from underpaint.stages.serve.queue.sqlite import SqliteDatabase


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records(tmp_path)
    yield opened
    opened.close()


def begin(records: Records, file: str, created_at: int = 0, owner: str = "ann") -> BatchRecord:
    batch, _ = records.add_batch(
        owner=owner, input_file_id=file, endpoint="/e", metadata=None, base="b", created_at=created_at, expires_at=1
    )
    return batch


def test_what_was_written_is_there_after_it_was_closed(tmp_path):
    first = Records(tmp_path)
    file = first.add_file("ann", "batch", "lines.jsonl", io.BytesIO(b"lines"))
    batch = begin(first, file.id)
    first.add_lines([LineRecord(batch=batch.id, line=1, custom_id="a", job="j", outcome=None)])
    first.close()
    again = Records(tmp_path)
    assert again.file(file.id, "ann") == file and again.path(file.id).read_bytes() == b"lines"
    assert again.batch(batch.id, None) == batch
    assert [line.job for line in again.lines(batch.id, limit=9)] == ["j"]
    again.close()


def test_another_owner_sees_nothing(records):
    file = records.add_file("ann", "batch", "x", io.BytesIO(b""))
    batch = begin(records, file.id)
    for look in (lambda: records.file(file.id, "ben"), lambda: records.batch(batch.id, "ben")):
        with pytest.raises(FieldError):
            look()
    assert records.batches("ben", None, 9) == [] and records.batches("ann", None, 9) == [batch]


def test_a_batch_moves_only_from_the_state_that_it_was_seen_in(records):
    seen = begin(records, "f")
    records.move_batch(seen, "cancelling")
    assert records.move_batch(seen, "in_progress").status == "cancelling"


def test_lines_are_noted_once_and_counted(records):
    batch = begin(records, "f").id
    lines = [LineRecord(batch=batch, line=n, custom_id=f"{n}", job=f"j{n}", outcome=None) for n in (1, 2, 3)]
    records.add_lines(lines)
    records.add_lines([LineRecord(batch=batch, line=1, custom_id="other", job="other", outcome=None)])
    images = [{"pixel_sha256": "1" * 64}]
    records.settle_lines([replace(lines[0], outcome="completed", images=images), replace(lines[2], outcome="failed")])
    assert records.counts(batch) == {"total": 3, "completed": 1, "failed": 1}
    assert [line.job for line in records.lines(batch, limit=9, is_open=True)] == ["j2"]
    noted = records.lines(batch, limit=9)
    assert [line.custom_id for line in noted] == ["1", "2", "3"]
    assert [line.images for line in noted] == [images, None, None]


def test_a_batch_is_new_once(records):
    first, again = (
        records.add_batch(
            id="x", owner="ann", input_file_id="", endpoint="/e", metadata=None, base="b", created_at=n, expires_at=9
        )
        for n in (1, 2)
    )
    assert (first[1], again[1]) == (True, False) and first[0] == again[0]


def test_records_of_an_older_version_go_on(tmp_path):
    database = SqliteDatabase(tmp_path / BATCHES)
    database.write(lambda session: bring_up_to_date(session, database.place, STEPS[:1]))
    database.write(lambda session: session.execute("INSERT INTO line VALUES ('b', 1, 'a', 'j', 'completed')"))
    database.close()
    records = Records(tmp_path)
    assert records.lines("b", limit=9) == [
        LineRecord(batch="b", line=1, custom_id="a", job="j", outcome="completed", images=None)
    ]
    records.close()


def test_old_files_and_batches_are_forgotten_but_not_what_is_still_read(records):
    old, read = (records.add_file("ann", "batch", "x", io.BytesIO(b"x")) for _ in range(2))
    done, going_on = begin(records, old.id), begin(records, read.id)
    records.move_batch(done, "completed")
    assert records.forget(3600) == 0 and records.path(old.id).exists()
    assert records.forget(-10) == 1
    assert not (records.folder / old.id).exists() and records.path(read.id).exists()
    assert [batch.id for batch in records.batches(None, None, 9)] == [going_on.id]


def test_a_file_of_too_many_or_too_long_lines_is_refused_without_reading_it_to_its_end(tmp_path):
    path = tmp_path / "lines"
    path.write_text("{}\n" * (MAX_LINES + 10))
    *_, (number, last) = read_lines(path, "/e")
    assert (number, isinstance(last, Mistake) and last.code) == (MAX_LINES + 1, "too_many_lines")
    path.write_bytes(b'{"custom_id": "' + b"x" * 2**21 + b'"}\n{}\n')
    ((_, only),) = list(read_lines(path, "/e"))
    assert isinstance(only, Mistake) and only.code == "line_too_long"


def test_a_file_that_is_made_again_takes_the_place_of_the_first(records):
    first, second = (records.add_file("ann", "batch_output", "a", io.BytesIO(b), "answers") for b in (b"1", b"22"))
    assert (first.id, second.bytes) == (second.id, 2)
    assert records.file(first.id, "ann") == second and records.path(first.id).read_bytes() == b"22"
    assert records.add_file("ann", "batch_output", "a", io.BytesIO(b""), "errors").id != first.id


def test_what_a_killed_server_wrote_and_did_not_note_goes_when_it_is_old(records):
    noted = records.add_file("ann", "batch", "x", io.BytesIO(b""))
    names = (".file-a.partial", "file-unnoted", "file-new")
    for name in names:
        (records.folder / name).write_bytes(b"x")
    for name in (*names[:2], noted.id):
        os.utime(records.folder / name, (1, 1))
    records.forget(3600)
    assert {path.name for path in records.folder.iterdir()} == {noted.id, "file-new"}


def test_a_folder_that_is_taken_away_is_not_made_anew(records, tmp_path):
    file = records.add_file("ann", "batch", "x", io.BytesIO(b"x"))
    records.folder.rename(tmp_path / "away")
    with pytest.raises(StoreMoved, match="put it back"):
        records.path(file.id)
    with pytest.raises(StoreMoved, match="put its folder back"):
        records.add_file("ann", "batch", "x", io.BytesIO(b"x"))
    assert not records.folder.exists()
    (tmp_path / "away").rename(records.folder)
    records.path(file.id).unlink()
    with pytest.raises(FieldError, match="content"):
        records.path(file.id)
