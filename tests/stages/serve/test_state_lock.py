"""Laws of the lock on a state folder."""

from __future__ import annotations

import shutil

import pytest

from underpaint.core.errors import StoreBusy, StoreMoved
from underpaint.stages.serve.announcement import announced
from underpaint.stages.serve.state_lock import StateLock, check_state


def test_one_at_a_time_has_a_folder(tmp_path):
    lock = StateLock(tmp_path / "state")
    with pytest.raises(StoreBusy, match="used by another server"):
        StateLock(tmp_path / "state")
    lock.close()
    StateLock(tmp_path / "state").close()


def test_who_is_refused_is_told_where_the_other_server_is(tmp_path):
    lock = StateLock(tmp_path)
    with announced(tmp_path, "http://127.0.0.1:8080"), pytest.raises(StoreBusy) as caught:
        check_state(tmp_path)
    assert "another server, at http://127.0.0.1:8080, whose studio is http://127.0.0.1:8080/studio/;" in str(
        caught.value
    )
    lock.close()


def test_a_folder_that_is_taken_away_is_held_again_when_it_is_back(tmp_path):
    state = tmp_path / "state"
    lock = StateLock(state)
    state.rename(tmp_path / "away")
    assert not lock.is_held()
    with pytest.raises(StoreMoved, match="put it back"):
        lock.hold()
    assert not state.exists()
    (tmp_path / "away").rename(state)
    lock.hold()
    assert lock.is_held()
    lock.close()


def test_a_folder_that_was_put_in_its_place_is_taken_unless_another_server_has_it(tmp_path):
    state = tmp_path / "state"
    lock = StateLock(state)
    shutil.copytree(state, tmp_path / "copy")
    state.rename(tmp_path / "away")
    (tmp_path / "copy").rename(state)
    other = StateLock(state)
    with pytest.raises(StoreBusy):
        lock.hold()
    assert not lock.is_held()
    other.close()
    lock.hold()
    assert lock.is_held()
    lock.close()
