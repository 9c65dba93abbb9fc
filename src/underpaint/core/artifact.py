"""Artifacts: folders that are written whole or not at all, and say what they are in ``manifest.json``.

The digest of an artifact covers its kind, stage, settings, parents and the hashes of its files, and nothing that
changes from run to run (dates, durations, host), so the same work done twice has the same digest.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import platform
import shutil
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ValidationError

from underpaint.core.absent import why_absent
from underpaint.core.config import Config, digest_of, parse_json, problems_of
from underpaint.core.errors import ArtifactError, DiskFull, InputError, StorageError
from underpaint.core.files_below import entries_below
from underpaint.core.progress import Progress, Report, silent

MANIFEST = "manifest.json"
FSYNC_THREADS, FSYNC_LOT = 32, 1024
"""Files that are flushed at a time, and those that wait for it in memory."""
REPORT_EVERY = 500


def _inside(name: str) -> str:
    """Refuse a file name that leads out of the folder."""
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise ValueError("the name leads out of the artifact")
    return name


SPACE_HINTS = {
    errno.ENOSPC: "the disk is full; free some space or choose another --out",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another --out",
    errno.EFBIG: "files may not grow so large here; raise that limit (ulimit -f) or choose another --out",
}
WRITE_HINTS = {
    errno.EACCES: "it may not be written; choose another --out or change its permissions",
    errno.EPERM: "it may not be written; choose another --out or change its permissions",
    errno.EROFS: "the file system is read-only; choose another --out",
    errno.ENOTDIR: "a part of the path is a file; choose another --out",
    errno.ENAMETOOLONG: "the name is too long; choose another --out",
    errno.ENOTEMPTY: "it came to be in the meantime and nothing is overwritten in place; choose another --out",
}


class FileEntry(Config):
    """Size in bytes and SHA-256 of one file of an artifact."""

    bytes: int
    sha256: str


class Manifest(BaseModel):
    """What an artifact is, from what it was made, how, and what it holds.

    Args:
        kind: What the folder is, for example ``dataset``, ``text-table``, ``tokenizer``, ``latents``, ``pipeline``.
        stage: The stage that wrote it.
        config: The stage's complete settings.
        config_digest: SHA-256 of the canonical settings.
        parents: Role to digest of every artifact that was read.
        files: POSIX path inside the folder to size and hash; the manifest itself is not listed.
        digest: SHA-256 over the fields above; the artifact's identity.
        versions: Packages that made it (not part of the digest).
        figures: What was measured on it (not part of the digest).
    """

    model_config = Config.model_config

    schema_version: Literal[1] = 1
    kind: str
    stage: str
    config: dict[str, Any]
    config_digest: str
    parents: dict[str, str]
    files: dict[Annotated[str, AfterValidator(_inside)], FileEntry]
    digest: str
    versions: dict[str, str] = {}
    figures: dict[str, Any] = {}


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal characters."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions_of(*packages: str) -> dict[str, str]:
    """Return the installed versions of Python, underpaint and the named packages."""
    versions = {"python": platform.python_version()}
    for package in ("underpaint", *packages):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return versions


def identity_of(manifest: Manifest) -> str:
    """Return the digest that identifies an artifact; see the module's docstring for what it covers."""
    fields: dict[str, Any] = {name: getattr(manifest, name) for name in ("kind", "stage", "config_digest", "parents")}
    return digest_of({**fields, "files": {name: entry.sha256 for name, entry in manifest.files.items()}})


def list_files(folder: Path) -> dict[str, FileEntry]:
    """Hash every regular file below a folder except its own manifest.

    Raises:
        ArtifactError: The folder holds a link or another special file.
    """
    entries: dict[str, FileEntry] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ArtifactError(f"{path}: only plain files may lie in an artifact; remove the link or special file")
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST:
            entries[name] = FileEntry(bytes=path.stat().st_size, sha256=hash_file(path))
    return entries


@contextlib.contextmanager
def storage_errors(target: Path) -> Iterator[None]:
    """Turn the operating system's write errors into ``StorageError`` with what to do next.

    Args:
        target: The path that is written, named in the message; errors about paths elsewhere pass unchanged.

    Raises:
        DiskFull: The disk is full.
        StorageError: The target cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in SPACE_HINTS:
            raise DiskFull(f"cannot write {target}: {SPACE_HINTS[error.errno]}") from error
        if error.errno in WRITE_HINTS and _belongs_to(error, target):
            raise StorageError(f"cannot write {target}: {WRITE_HINTS[error.errno]}") from error
        raise


def _belongs_to(error: OSError, target: Path) -> bool:
    """Tell whether an error is about the target, a folder above it, or something beside or below it."""
    if not isinstance(error.filename, str):
        return True
    target, path = target.absolute(), Path(error.filename).absolute()
    return path in target.parents or target.parent in path.parents


def fsync(path: Path) -> None:
    """Flush one file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fsync_folder(folder: Path) -> None:
    """Flush every file and folder below (and including) a folder to the disk.

    Many at a time, since a file system commits waiting files together: 11,000 pictures in seconds instead of minutes.
    """
    paths = (Path(entry.path) for entry in entries_below(folder))
    with ThreadPoolExecutor(FSYNC_THREADS) as pool:
        while lot := list(itertools.islice(paths, FSYNC_LOT)):
            list(pool.map(fsync, lot))
    fsync(folder)


def require_new(target: Path) -> None:
    """Check that nothing lies where a finished folder shall be; worth a call before long work.

    Raises:
        StorageError: Something does.
    """
    if target.exists():
        raise StorageError(f"{target} exists already and nothing is overwritten in place; choose another --out")


@contextlib.contextmanager
def staging(target: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``target``; rename it to ``target`` on success, remove it on failure.

    Args:
        target: Where the finished folder shall be; must not exist yet.

    Raises:
        StorageError: ``target`` exists, or cannot be written.
    """
    temporary = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}.partial"
    with storage_errors(target):
        require_new(target)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            fsync_folder(temporary)
            temporary.rename(target)
            fsync(target.parent)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def manifest_of(
    files: dict[str, FileEntry],
    *,
    kind: str,
    stage: str,
    config: Config,
    parents: Mapping[str, str],
    figures: Mapping[str, Any] | None = None,
    packages: tuple[str, ...] = (),
) -> Manifest:
    """Return the manifest of a folder with these files; the other arguments are those of ``seal``."""
    manifest = Manifest(
        kind=kind,
        stage=stage,
        config=config.model_dump(mode="json"),
        config_digest=config.digest(),
        parents=dict(parents),
        files=files,
        digest="",
        versions=versions_of(*packages),
        figures=dict(figures or {}),
    )
    return manifest.model_copy(update={"digest": identity_of(manifest)})


def seal(
    folder: Path,
    *,
    kind: str,
    stage: str,
    config: Config,
    parents: Mapping[str, str],
    figures: Mapping[str, Any] | None = None,
    packages: tuple[str, ...] = (),
) -> Manifest:
    """Hash the files of a finished folder and write its ``manifest.json``.

    Args:
        folder: The folder, normally the one that ``staging`` gave.
        kind: What the folder is.
        stage: The stage that wrote it.
        config: The stage's complete settings.
        parents: Role to digest of every artifact that was read.
        figures: What was measured.
        packages: Python packages whose versions are recorded.
    """
    files = list_files(folder)
    manifest = manifest_of(
        files, kind=kind, stage=stage, config=config, parents=parents, figures=figures, packages=packages
    )
    with storage_errors(folder):
        (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return manifest


def read_manifest(folder: Path, *, kind: str | None = None) -> Manifest:
    """Read and check an artifact's manifest (not the files; see ``verify``).

    Args:
        folder: The artifact.
        kind: The kind that is expected, if any.

    Raises:
        InputError: There is no such folder.
        ArtifactError: No manifest, broken JSON, unknown keys, a digest that does not follow from the fields, or
            another kind than expected.
    """
    path = folder / MANIFEST
    try:
        manifest = Manifest.model_validate(parse_json(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        error = ArtifactError if folder.exists() else InputError
        raise error(why_absent(folder, manifest=MANIFEST, kind=kind)) from None
    except (ValueError, OSError) as error:
        problem = problems_of(error) if isinstance(error, ValidationError) else error
        raise ArtifactError(f"{path} is damaged ({problem}); make or download the artifact again") from None
    if manifest.digest != identity_of(manifest) or manifest.config_digest != digest_of(manifest.config):
        raise ArtifactError(f"{path} was changed after it was written; make or download the artifact again")
    if kind is not None and manifest.kind != kind:
        raise ArtifactError(f"{folder} is a {manifest.kind!r} artifact, but a {kind!r} artifact is needed here")
    return manifest


def verify(
    folder: Path, *, kind: str | None = None, only: tuple[str, ...] | None = None, report: Report = silent
) -> Manifest:
    """Read the manifest and compare files with their recorded sizes and hashes.

    Args:
        folder: The artifact.
        kind: The kind that is expected, if any.
        only: Names of files to check; all of them if None.
        report: Receives progress.

    Raises:
        ArtifactError: A file is missing, unlisted, truncated or changed; the message names it.
    """
    manifest = read_manifest(folder, kind=kind)
    names = tuple(manifest.files) if only is None else only
    for number, name in enumerate(names, 1):
        path, entry = folder / name, manifest.files.get(name)
        if entry is None or not path.is_file():
            problem = "is missing" if entry else "is not listed in its manifest"
            raise ArtifactError(f"{path} {problem}; make or download the artifact again")
        size = path.stat().st_size
        if size != entry.bytes or hash_file(path) != entry.sha256:
            raise ArtifactError(
                f"{path} differs from its manifest (size {size}, expected {entry.bytes} bytes with SHA-256 "
                f"{entry.sha256[:12]}…); make or download the artifact again"
            )
        if number % REPORT_EVERY == 0 or number == len(names):
            report(Progress(task="verify files", done=number, total=len(names), unit="files"))
    return manifest
