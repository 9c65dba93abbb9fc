from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from underpaint.core.errors import InputError, StorageError
from underpaint.stages.serve.security.key_file import KeyFile
from underpaint.stages.serve.security.key_ring import LOOK_EVERY_S, KeyRing
from underpaint.stages.serve.security.keys import KeyLimits


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "new" / "serve.json")


def create(file: KeyFile, name: str) -> str:
    return file.create(name, role="user", limits=KeyLimits(requests_per_minute=60), now=1.0)[1]


def test_what_was_created_is_read_again(file: KeyFile) -> None:
    record, _ = file.create("ann", role="operator", limits=KeyLimits(pictures_per_day=7), now=3.5)
    assert file.read() == (record,)
    assert KeyFile(file.path).read() == (record,)


def test_there_are_no_keys_before_the_first(file: KeyFile) -> None:
    assert file.read() == ()


def test_the_file_is_for_its_owner_alone_and_holds_no_key(file: KeyFile) -> None:
    text = create(file, "ann")
    for path in file.path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert text.split("_", 2)[2] not in path.read_text()
    assert {path.name for path in file.path.parent.iterdir()} == {"serve.json", ".serve.json.lock"}
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_file_that_others_may_reach_is_refused(file: KeyFile, mode: int) -> None:
    create(file, "ann")
    file.path.chmod(mode)
    with pytest.raises(StorageError, match="chmod 600"):
        file.read()


@pytest.mark.parametrize(
    "damage", ["", "[]", '{"schema":"underpaint.keys/2","keys":[]}', '{"keys":[{}]}', "\x00", '{"a":1}']
)
def test_a_damaged_file_is_refused_and_not_overwritten(file: KeyFile, damage: str) -> None:
    create(file, "ann")
    file.path.write_text(damage)
    with pytest.raises(StorageError, match="no file of keys"):
        create(file, "bob")
    assert file.path.read_text() == damage


def test_an_id_that_stands_twice_is_refused(file: KeyFile) -> None:
    create(file, "ann")
    table = json.loads(file.path.read_text())
    table["keys"] *= 2
    file.path.write_text(json.dumps(table))
    with pytest.raises(StorageError, match="twice"):
        file.read()


def test_a_name_is_free_again_when_its_key_is_revoked(file: KeyFile) -> None:
    create(file, "ann")
    with pytest.raises(
        InputError,
        match=r"is in \S+ already; choose another name, or revoke it first: underpaint keys revoke ann --keys \S+$",
    ):
        create(file, "ann")
    revoked = file.revoke("ann", now=2.0)
    create(file, "ann")
    assert [record.is_active for record in file.read()] == [False, True]
    assert file.read()[0] == revoked


def test_a_key_is_revoked_by_name_or_id_and_once(file: KeyFile) -> None:
    create(file, "ann")
    file.revoke(file.read()[0].id, now=2.0)
    with pytest.raises(InputError, match="no key is called 'ann'; there are: none"):
        file.revoke("ann", now=3.0)


def _create_some(path: Path, prefix: str) -> None:
    for number in range(5):
        create(KeyFile(path), f"{prefix}{number}")


def test_several_writers_lose_no_key(file: KeyFile) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda prefix: _create_some(file.path, prefix), "abc"))  # the lock is held by an open file each
    assert sorted(record.name for record in file.read()) == sorted(f"{p}{n}" for p in "abc" for n in range(5))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_server_sees_new_and_revoked_keys_within_a_second(file: KeyFile) -> None:
    clock = Clock()
    ring = KeyRing(file, clock=clock)
    assert ring.is_empty
    text = create(file, "ann")
    assert ring.holder(text) is None
    clock.now += LOOK_EVERY_S
    record = ring.holder(text)
    assert record is not None
    assert record.name == "ann"
    assert not ring.is_empty
    file.revoke("ann", now=2.0)
    clock.now += LOOK_EVERY_S
    assert ring.holder(text) is None
    assert ring.is_empty


def test_a_server_goes_on_with_its_keys_when_the_file_is_damaged_and_says_so_once(file: KeyFile) -> None:
    clock, problems = Clock(), []
    text = create(file, "ann")
    ring = KeyRing(file, clock=clock, notice=problems.append)
    file.path.write_text("oops")
    for _ in range(3):
        clock.now += LOOK_EVERY_S
        assert ring.holder(text) is not None
    assert len(problems) == 1
    assert "oops" not in problems[0]


def test_a_server_does_not_start_with_a_damaged_file(file: KeyFile) -> None:
    create(file, "ann")
    file.path.write_text("oops")
    with pytest.raises(StorageError):
        KeyRing(file)


def test_without_its_file_a_server_lets_nobody_in(file: KeyFile) -> None:
    clock = Clock()
    text = create(file, "ann")
    ring = KeyRing(file, clock=clock)
    file.path.unlink()
    clock.now += LOOK_EVERY_S
    assert ring.holder(text) is None


@pytest.mark.parametrize("text", [None, "", "up_000000000000_" + "x" * 43, "ünï"])
def test_what_is_no_key_opens_nothing(file: KeyFile, text: str | None) -> None:
    create(file, "ann")
    assert KeyRing(file).holder(text) is None
