"""Sealing a folder of many files: the manifest that ``seal`` writes, byte for byte, without holding the list of files.

The list lies in a temporary database on the disk, which gives it back in the two orders that are needed: that of the
manifest, by the parts of the paths, and that of the digest, by their text.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from underpaint.core.artifact import MANIFEST, FileEntry, Manifest, hash_file, manifest_of, storage_errors
from underpaint.core.config import Config, canonical_json
from underpaint.core.errors import ArtifactError
from underpaint.core.files_below import entries_below
from underpaint.core.progress import Progress, Report, silent

TABLE = "CREATE TABLE files (parts BLOB PRIMARY KEY, name TEXT NOT NULL, bytes INTEGER, sha256 TEXT) WITHOUT ROWID"
IN_MANIFEST = '\n  "files": {},\n'
IN_DIGEST = '"files":{}'
REPORT_EVERY = 500


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """What a manifest says, but for the files.

    Args:
        digest: The artifact's identity.
        num_files: Number of files, the manifest left out.
        figures: What was measured.
    """

    digest: str
    num_files: int
    figures: dict[str, Any]


def list_files(folder: Path, files: sqlite3.Connection, report: Report) -> int:
    """Hash every regular file below a folder except its own manifest, and return how many there are.

    Raises:
        ArtifactError: The folder holds a link or another special file.
    """
    count = 0
    for entry in entries_below(folder):
        path = Path(entry.path)
        name = path.relative_to(folder).as_posix()
        if entry.is_dir(follow_symlinks=False) or name == MANIFEST:
            continue
        if not entry.is_file(follow_symlinks=False):
            raise ArtifactError(f"{path}: only plain files may lie in an artifact; remove the link or special file")
        row = (name.replace("/", "\0").encode(), name, entry.stat().st_size, hash_file(path))
        files.execute("INSERT INTO files VALUES (?, ?, ?, ?)", row)
        count += 1
        if count % REPORT_EVERY == 0:
            report(Progress(task="hash files", done=count, unit="files"))
    files.execute("CREATE INDEX by_name ON files (name, sha256)")
    report(Progress(task="hash files", done=count, total=count, unit="files"))
    return count


def identity_with(manifest: Manifest, files: sqlite3.Connection) -> str:
    """Return what ``identity_of`` returns for a manifest with these files."""
    fields = {name: getattr(manifest, name) for name in ("kind", "stage", "config_digest", "parents", "files")}
    before, after = canonical_json(fields).split(IN_DIGEST)
    digest = hashlib.sha256(f'{before}"files":{{'.encode())
    for number, (name, sha256) in enumerate(files.execute("SELECT name, sha256 FROM files ORDER BY name")):
        digest.update(f"{',' * (number > 0)}{canonical_json(name)}:{canonical_json(sha256)}".encode())
    digest.update(f"}}{after}".encode())
    return digest.hexdigest()


def text_of(manifest: Manifest, files: sqlite3.Connection) -> Iterator[str]:
    """Yield the text of a manifest with these files, piece by piece."""
    before, after = manifest.model_dump_json(indent=2).split(IN_MANIFEST)
    yield before + '\n  "files": {'
    end = ""
    for name, num_bytes, sha256 in files.execute("SELECT name, bytes, sha256 FROM files ORDER BY parts"):
        entry = FileEntry(bytes=num_bytes, sha256=sha256).model_dump_json(indent=2).replace("\n", "\n    ")
        yield f"{',' * bool(end)}\n    {json.dumps(name, ensure_ascii=False)}: {entry}"
        end = "\n  "
    yield f"{end}}},\n{after}\n"


def seal_streamed(
    folder: Path,
    *,
    kind: str,
    stage: str,
    config: Config,
    parents: Mapping[str, str],
    figures: Mapping[str, Any] | None = None,
    packages: tuple[str, ...] = (),
    report: Report = silent,
) -> Sealed:
    """Hash the files of a finished folder and write its ``manifest.json``; the arguments are those of ``seal``.

    Raises:
        ArtifactError: The folder holds a link or another special file.
    """
    with closing(sqlite3.connect("")) as files:
        files.execute(TABLE)
        count = list_files(folder, files, report)
        manifest = manifest_of(
            {}, kind=kind, stage=stage, config=config, parents=parents, figures=figures, packages=packages
        )
        manifest = manifest.model_copy(update={"digest": identity_with(manifest, files)})
        with storage_errors(folder), (folder / MANIFEST).open("w", encoding="utf-8") as file:
            file.writelines(text_of(manifest, files))
    return Sealed(digest=manifest.digest, num_files=count, figures=manifest.figures)
