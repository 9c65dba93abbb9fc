from __future__ import annotations

import base64
import hashlib
import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from underpaint.core.errors import DataError, HashMismatch, SetupError, StorageError
from underpaint.stages.data import packages as module
from underpaint.stages.data.packages import Package, check_hashes, fetch, read_json
from underpaint.stages.data.sources import CLDR, PACKAGES

Install = Callable[[str], None]


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def pinned(path: Path) -> Package:
    content = path.read_bytes()
    integrity = f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"
    return Package(name="@a/b", version="1.0.0", sha256=hashlib.sha256(content).hexdigest(), integrity=integrity)


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a program named npm in front of the PATH: ``npm("exit 1")``."""

    def install(script: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "npm").chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=":")

    return install


def test_a_package_is_downloaded_once(tmp_path: Path, npm: Install) -> None:
    made = archive(tmp_path / "made.tgz", {"a.json": b"{}"})
    npm(f'cp {made} "$PWD/a-b-1.0.0.tgz"; echo run >> {tmp_path}/log')
    cache = tmp_path / "cache"
    for _ in range(2):
        assert read_json(fetch(pinned(made), cache), "a.json") == {}
    assert (tmp_path / "log").read_text() == "run\n"


def test_one_changed_byte_in_a_download_is_refused_and_not_kept(tmp_path: Path, npm: Install) -> None:
    made = archive(tmp_path / "made.tgz", {"a.json": b"{}"})
    package = pinned(made)
    content = bytearray(made.read_bytes())
    content[-5] ^= 1
    made.write_bytes(content)
    npm(f'cp {made} "$PWD/a-b-1.0.0.tgz"')
    with pytest.raises(HashMismatch, match=package.sha256):
        fetch(package, tmp_path / "cache")
    assert list((tmp_path / "cache" / "packages").iterdir()) == []


def test_one_changed_byte_in_the_cache_is_refused(tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    made = archive(tmp_path / "packages" / "a-b-1.0.0.tgz", {"a.json": b"{}"})
    package = pinned(made)
    made.write_bytes(made.read_bytes()[:-1])
    with pytest.raises(HashMismatch, match="delete the file"):
        fetch(package, tmp_path)


def test_both_hashes_count(tmp_path: Path) -> None:
    made = archive(tmp_path / "made.tgz", {})
    other = Package(name="a", version="1", sha256=pinned(made).sha256, integrity=CLDR.integrity)
    with pytest.raises(HashMismatch):
        check_hashes(made, other)


def test_without_npm_the_message_names_both_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match=r"apt-get install npm.*--source debian"):
        fetch(CLDR, tmp_path / "cache")


@pytest.mark.parametrize("script", ["echo no network >&2; exit 1", "exit 0", "echo nothing here"])
def test_a_failed_download_is_one_clear_error(tmp_path: Path, npm: Install, script: str) -> None:
    npm(script)
    with pytest.raises(DataError, match=r"could not download cldr-annotations-full@48\.2\.0"):
        fetch(CLDR, tmp_path / "cache")


def test_a_full_disk_is_called_so(tmp_path: Path, npm: Install) -> None:
    npm("echo 'npm error code ENOSPC' >&2; exit 228")
    with pytest.raises(StorageError, match="disk is full"):
        fetch(CLDR, tmp_path / "cache")


def test_a_download_without_end_is_given_up(tmp_path: Path, npm: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NPM_TIMEOUT_S", 0.3)
    npm("exec sleep 60")
    with pytest.raises(DataError, match="check the network"):
        fetch(CLDR, tmp_path / "cache")


def test_members_are_read_without_extracting(tmp_path: Path) -> None:
    made = archive(tmp_path / "a.tgz", {"icons.json": b'{"a": 1}', "../../evil": b"x"})
    assert read_json(made, "icons.json") == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.tgz"]


def test_damaged_archives_and_members_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = archive(tmp_path / "a.tgz", {"bad.json": b"{", "long.json": b"1" * 2000, "deep.json": b"[" * 100_000})
    with pytest.raises(DataError, match=r"bad\.json is no JSON"):
        read_json(made, "bad.json")
    with pytest.raises(DataError, match=r"deep\.json is no JSON"):
        read_json(made, "deep.json")
    with pytest.raises(DataError, match=r"no absent\.json"):
        read_json(made, "absent.json")
    monkeypatch.setattr(module, "MAX_MEMBER_BYTES", 1000)
    with pytest.raises(DataError, match="at most 1000 bytes"):
        read_json(made, "long.json")
    made.write_bytes(made.read_bytes()[:60])
    with pytest.raises(DataError, match="is damaged"):
        read_json(made, "bad.json")


def test_a_link_in_an_archive_is_not_followed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as tar:
        entry = tarfile.TarInfo("package/icons.json")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    with pytest.raises(DataError, match="no plain file"):
        read_json(tmp_path / "a.tgz", "icons.json")


@pytest.mark.network
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_npm_itself_agrees_with_a_pin(tmp_path: Path) -> None:
    assert read_json(fetch(CLDR, tmp_path), "package.json")["license"] == "Unicode-3.0"


def test_every_package_is_pinned_to_one_version() -> None:
    assert len({package.key for package in PACKAGES}) == len({package.name for package in PACKAGES}) == 6
    assert all(len(package.sha256) == 64 and package.integrity.startswith("sha512-") for package in PACKAGES)
