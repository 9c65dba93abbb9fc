"""A candidate stays what it was from the first look until it is handed out: compared file by file, digest by digest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from underpaint.core.artifact import list_files, read_manifest
from underpaint.core.errors import ArtifactError
from underpaint.pipelines.optimized_folder import KIND

NAMED = 3
"""Changed files that are named."""
AGAIN = "nothing is handed out; search again with another --out"


@dataclass(frozen=True, kw_only=True)
class Made:
    """A candidate that lies on the disk.

    Args:
        folder: Where.
        digest: What identifies it; every file was compared with it.
    """

    folder: Path
    digest: str


def made_in(folder: Path) -> Made:
    """Return the candidate in a folder, after all of its files were read.

    Raises:
        ArtifactError: A file was changed, taken away or put there after the candidate was made.
    """
    manifest = read_manifest(folder, kind=KIND)
    found, listed = list_files(folder), manifest.files
    changed = sorted(name for name in {*found, *listed} if found.get(name) != listed.get(name))
    if changed:
        more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
        raise ArtifactError(f"{folder} was changed after it was made ({', '.join(changed[:NAMED])}{more}); {AGAIN}")
    return Made(folder=folder, digest=manifest.digest)


def insist_on(digest: str | None, made: Made, what: str) -> None:
    """Refuse a candidate that is not the one of the log.

    Args:
        digest: What the log says; None or empty where it says nothing, which proves nothing.
        made: The candidate.
        what: What was done with the one of the log, as ``was judged``.

    Raises:
        ArtifactError: It is another one.
    """
    if digest and made.digest == digest:
        return
    other = f"its digest is {made.digest[:16]} instead of {digest[:16]}" if digest else "the log has no digest of it"
    raise ArtifactError(
        f"{made.folder} is not proven to be the model that {what}: {other}, so it was exchanged, or made again and "
        f"came out otherwise; {AGAIN}"
    )
