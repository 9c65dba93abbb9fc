"""Pinned npm packages: how a package file gets here, unchanged."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from underpaint.core.artifact import storage_errors
from underpaint.core.errors import DataError, HashMismatch, SetupError
from underpaint.core.progress import Progress, Report, silent

MAX_MEMBER_BYTES = 200_000_000
MAX_MEMBERS = 10_000
NPM_TIMEOUT_S = 600


@dataclass(frozen=True, kw_only=True)
class Package:
    """One pinned npm package.

    Args:
        name: Name in the npm registry.
        version: Exact version.
        sha256: SHA-256 of the package file.
        integrity: npm's own SHA-512 of the same file.
    """

    name: str
    version: str
    sha256: str
    integrity: str

    @property
    def key(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    @property
    def purl(self) -> str:
        """Package URL."""
        return f"pkg:npm/{self.name.replace('@', '%40')}@{self.version}"

    @property
    def filename(self) -> str:
        """Name that ``npm pack`` gives the package file."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


def check_hashes(path: Path, package: Package) -> None:
    """Compare a package file with both of its pinned hashes.

    Raises:
        HashMismatch: It differs.
    """
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    integrity = f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"
    if digest != package.sha256 or integrity != package.integrity:
        raise HashMismatch(
            f"{path} is not {package.key} as it was pinned: SHA-256 {digest}, expected {package.sha256}; delete the "
            "file and run the command again; if that does not help, the package was changed after it was pinned: do "
            "not use it"
        )


def npm_pack(package: Package, folder: Path) -> Path:
    """Download a package file with ``npm pack``; no script of the package runs.

    Args:
        package: What to download.
        folder: An existing folder for the file.

    Raises:
        SetupError: npm is not installed.
        DataError: npm could not download it.
        OSError: The disk is full.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise SetupError(
            "npm is needed to download the drawings and is not installed; install it (apt-get install npm), or build "
            "from Debian's emoji font: underpaint data build stickers --source debian --out DIR"
        )
    command = [npm, "pack", package.key, "--ignore-scripts", "--loglevel=error"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=NPM_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise DataError(
            f"npm did not deliver {package.key} in {NPM_TIMEOUT_S} s; check the network and try again"
        ) from None
    path = folder / package.filename
    if done.returncode or not path.is_file():
        if "ENOSPC" in done.stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        reason = " / ".join((done.stderr or done.stdout).strip().splitlines()[:3]) or "it gave no reason"
        raise DataError(
            f"npm could not download {package.key} ({reason}); check the network and try again, or build from Debian's "
            "emoji font: underpaint data build stickers --source debian --out DIR"
        )
    return path


def fetch(package: Package, cache: Path) -> Path:
    """Return the path of a verified package file; download it if the cache lacks it.

    Args:
        package: What is needed.
        cache: The cache folder.

    Raises:
        HashMismatch: The file, cached or downloaded, is not the pinned one.
        SetupError: npm is needed and not installed.
        DataError: The download failed.
        StorageError: The cache cannot be written.
    """
    path = cache / "packages" / package.filename
    if path.is_file():
        check_hashes(path, package)
        return path
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as temporary:
            fresh = npm_pack(package, Path(temporary))
            check_hashes(fresh, package)
            fresh.replace(path)
    return path


def fetch_all(packages: Iterable[Package], cache: Path, report: Report = silent) -> dict[str, Path]:
    """Fetch packages one after the other.

    Returns:
        Package key to the path of its verified file.
    """
    packages = tuple(packages)
    paths = {}
    for number, package in enumerate(packages):
        report(Progress(task="fetch", done=number, total=len(packages), unit="packages", note=package.key))
        paths[package.key] = fetch(package, cache)
    report(Progress(task="fetch", done=len(packages), total=len(packages), unit="packages"))
    return paths


def read_member(archive: Path, member: str) -> bytes:
    """Read one member of a package file without extracting anything to disk.

    Args:
        archive: A gzipped tar file.
        member: Path inside the package, for example ``icons.json``.

    Raises:
        DataError: The archive is damaged, has too many members, or the member is missing, no plain file or too large.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for number, entry in enumerate(tar):
                if number >= MAX_MEMBERS:
                    raise DataError(f"{archive} has more than {MAX_MEMBERS} members; it is no package of drawings")
                if entry.name == f"package/{member}":
                    if not entry.isreg() or entry.size > MAX_MEMBER_BYTES:
                        raise DataError(f"{archive}: {member} is no plain file of at most {MAX_MEMBER_BYTES} bytes")
                    file = tar.extractfile(entry)
                    return file.read() if file else b""
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise DataError(f"{archive} is damaged ({error}); delete the file and run the command again") from None
    raise DataError(f"{archive} has no {member}; delete the file and run the command again")


def read_json(archive: Path, member: str) -> Any:
    """Read one JSON member of a package file.

    Raises:
        DataError: As ``read_member``, or it is no JSON.
    """
    try:
        return json.loads(read_member(archive, member))
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{archive}: {member} is no JSON ({error}); delete the file and run the command again"
        ) from None
