from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from underpaint.adapters.certificates import make_chain
from underpaint.core.errors import InputError, SigningError, StorageError
from underpaint.pipelines import signer
from underpaint.pipelines.signer import SigningConfig, configured, local, local_root, named, read_config

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def keys(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("UNDERPAINT_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


@pytest.fixture
def files(tmp_path) -> tuple[Path, Path]:
    """A key and a certificate of somebody's own."""
    chain = make_chain(NOW)
    key, certificate = tmp_path / "own.key", tmp_path / "own.pem"
    key.write_bytes(chain.key)
    key.chmod(0o600)
    certificate.write_bytes(chain.leaf + chain.root)
    return key, certificate


def test_a_key_is_made_once_and_only_its_owner_may_read_it(keys):
    first, second = local(NOW), local(NOW)
    assert first.made and not second.made and first.signer == second.signer
    assert (keys / signer.LOCAL).stat().st_mode & 0o777 == 0o600 and keys.stat().st_mode & 0o777 == 0o700


def test_the_root_is_a_file_of_its_own_without_the_key(keys):
    assert local_root() is None
    local(NOW)
    root = local_root()
    assert root is not None and b"PRIVATE" not in root and root.count(b"BEGIN CERTIFICATE") == 1
    (keys / signer.ROOT).unlink()
    local(NOW)
    assert local_root() == root


def test_the_key_is_shown_nowhere():
    chosen = local(NOW)
    secret = chosen.signer.key.decode().splitlines()[1]
    assert secret not in repr(chosen) and secret.encode() not in chosen.signer.chain


def test_a_key_that_others_may_read_is_refused(keys, files):
    local(NOW)
    (keys / signer.LOCAL).chmod(0o644)
    with pytest.raises(StorageError, match="chmod 600"):
        local(NOW)
    files[0].chmod(0o640)
    with pytest.raises(StorageError, match="chmod 600"):
        named(files[0], files[1], NOW)


@pytest.mark.parametrize("whole", [b"", b"damaged"])
def test_a_damaged_file_is_told_and_not_replaced(keys, whole):
    local(NOW)
    (keys / signer.LOCAL).write_bytes(whole)
    with pytest.raises(InputError, match="move it away"):
        local(NOW)
    assert (keys / signer.LOCAL).read_bytes() == whole


def test_files_that_the_user_names_sign(files):
    chosen = named(files[0], files[1], NOW)
    assert not chosen.local and chosen.place == files[0] and chosen.signer.algorithm == "ed25519"
    assert chosen.signer.chain.count(b"BEGIN CERTIFICATE") == 2


def test_files_that_cannot_sign_are_named(files, tmp_path):
    key, certificate = files
    with pytest.raises(InputError, match=r"none\.key"):
        named(tmp_path / "none.key", certificate, NOW)
    with pytest.raises(InputError, match="holds no certificate"):
        named(key, key, NOW)
    key.write_bytes(make_chain(NOW).key)
    with pytest.raises(SigningError, match=r"own\.key and .*own\.pem cannot sign: the key is not that"):
        named(key, certificate, NOW)


def test_settings_choose_key_and_answer(keys, files):
    keys.mkdir()
    assert read_config() == SigningConfig()
    values = {"key": os.path.relpath(files[0], keys), "certificate": str(files[1]), "mining": "allowed"}
    (keys / signer.SETTINGS).write_text(json.dumps(values))
    config = read_config()
    assert config.mining == "allowed" and configured(config, NOW).signer == named(files[0], files[1], NOW).signer
    assert configured(SigningConfig(), NOW).local


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "holds no settings"),
        ("[]", "a list"),
        ('{"key": "x"}', "go together"),
        ('{"keys": "x"}', "keys"),
        ('{"mining": "perhaps"}', "mining"),
    ],
)
def test_settings_that_cannot_be_used_are_told(keys, text, message):
    keys.mkdir()
    (keys / signer.SETTINGS).write_text(text)
    with pytest.raises(InputError, match=message):
        read_config()
