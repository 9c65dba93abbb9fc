from __future__ import annotations

import stat

import pytest

from underpaint.core import keys_folder
from underpaint.core.errors import InputError, StorageError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "folder" / "a.key"


def test_a_key_is_for_its_owner_alone(path):
    assert keys_folder.write_private(path, b"secret") == b"secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["a.key"]


def test_a_key_that_is_there_already_stays(path):
    keys_folder.write_private(path, b"first")
    assert keys_folder.write_private(path, b"second") == b"first"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_may_reach_is_refused(path, mode):
    keys_folder.write_private(path, b"secret")
    path.chmod(mode)
    with pytest.raises(StorageError, match="chmod 600") as error:
        keys_folder.read_private(path)
    assert "secret" not in str(error.value)


def test_a_missing_or_huge_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        keys_folder.read_capped(tmp_path / "none")
    (tmp_path / "huge").write_bytes(b"x" * (keys_folder.KEY_CAP + 1))
    with pytest.raises(InputError, match="longer than"):
        keys_folder.read_capped(tmp_path / "huge")


def test_the_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("UNDERPAINT_KEYS", str(tmp_path))
    assert keys_folder.keys_folder() == tmp_path
    monkeypatch.delenv("UNDERPAINT_KEYS")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert keys_folder.keys_folder() == tmp_path / "config" / "underpaint" / "keys"
