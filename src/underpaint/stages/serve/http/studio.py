"""The studio's files as they are sent: compressed, and kept by browsers for as long as they stay what they are.

All files but the page itself lie under the digest of all of them, so an address never changes its content and a second
visit costs one request. An old page that asks for files of another version is told to be loaded again.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import posixpath
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import RedirectResponse, Response

from underpaint.stages.serve.http.errors import ApiError

router = APIRouter(prefix="/studio", include_in_schema=False)
FOLDER = Path(__file__).parents[1] / "studio"
PAGE = "index.html"
VERSION, PRELOADS = b"{{version}}", b"{{preloads}}"
"""What stands in the page for the digest, and for the modules that are fetched at once."""
FIRST_MODULES = ("js/main.js", "js/views/create.js")
"""What the first view begins with; what these import is fetched with them, not after them."""
IMPORT = re.compile(rb"""^(?:import|export) [^;]*?from '(\.[^']+)';""", re.MULTILINE)
DIGITS = 16
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".webmanifest": "application/manifest+json",
}
COMPRESSED = frozenset({".html", ".css", ".js", ".svg", ".webmanifest"})
POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' blob: data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
"""Nothing from elsewhere, no code within the page, and no text that becomes code."""


@dataclass(frozen=True, kw_only=True)
class StudioFile:
    """A file of the studio.

    Args:
        media_type: What it is.
        data: Its bytes.
        packed: Its bytes in gzip; None where that saves nothing.
    """

    media_type: str
    data: bytes
    packed: bytes | None


@dataclass(frozen=True, kw_only=True)
class Studio:
    """All files of the studio.

    Args:
        version: Digest of all of them.
        files: Path below the studio's folder to file; the page names ``version``.
    """

    version: str
    files: Mapping[str, StudioFile]


def read_studio(folder: Path = FOLDER) -> Studio:
    """Read the files of the studio.

    Args:
        folder: Where they lie; what is of none of ``MEDIA_TYPES`` is left out.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix in MEDIA_TYPES)
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    digest = hashlib.sha256()
    for name, data in found.items():
        digest.update(f"{name} {len(data)}\n".encode() + data)
    version = digest.hexdigest()[:DIGITS]
    links = [f'<link rel="modulepreload" href="{version}/{name}">' for name in imported(found, FIRST_MODULES)]
    found[PAGE] = found[PAGE].replace(PRELOADS, "\n".join(links).encode()).replace(VERSION, version.encode())
    return Studio(version=version, files={name: _file(name, data) for name, data in found.items()})


def imported(files: Mapping[str, bytes], names: Iterable[str]) -> list[str]:
    """Return modules and all that they import, directly or not, in the order in which they are found.

    Args:
        files: Path to content.
        names: Paths of the modules to begin with.
    """
    found, waiting = [], deque(names)
    while waiting:
        name = waiting.popleft()
        if name not in found and name in files:
            found.append(name)
            targets = (match.decode() for match in IMPORT.findall(files[name]))
            waiting += (posixpath.normpath(posixpath.join(posixpath.dirname(name), target)) for target in targets)
    return found


def _file(name: str, data: bytes) -> StudioFile:
    ending = Path(name).suffix
    packed = gzip.compress(data, mtime=0) if ending in COMPRESSED else None
    return StudioFile(media_type=MEDIA_TYPES[ending], data=data, packed=packed)


studio = functools.cache(read_studio)
"""The studio of this program, read once."""

Accepted = Annotated[str, Header(alias="accept-encoding")]
Known = Annotated[str | None, Header(alias="if-none-match")]


def answer(file: StudioFile, accepted: str, headers: Mapping[str, str]) -> Response:
    """Return a file, compressed for whoever can read that.

    Args:
        file: The file.
        accepted: The header ``Accept-Encoding``.
        headers: Further headers.
    """
    fixed = {"content-security-policy": POLICY, "vary": "accept-encoding", **headers}
    if file.packed is None or "gzip" not in accepted.lower():
        return Response(file.data, media_type=file.media_type, headers=fixed)
    return Response(file.packed, media_type=file.media_type, headers={**fixed, "content-encoding": "gzip"})


@router.get("")
async def without_slash() -> RedirectResponse:
    """Lead to the page."""
    return RedirectResponse("studio/", status_code=307)


@router.get("/")
async def page(accept_encoding: Accepted = "", if_none_match: Known = None) -> Response:
    """Return the page; browsers ask each time whether it is still the same."""
    found = studio()
    tag = f'"{found.version}"'
    headers = {"cache-control": "no-cache", "etag": tag}
    if if_none_match is not None and tag in if_none_match:
        return Response(status_code=304, headers={**headers, "content-security-policy": POLICY})
    return answer(found.files[PAGE], accept_encoding, headers)


@router.get("/{version}/{name:path}")
async def file(version: str, name: str, accept_encoding: Accepted = "") -> Response:
    """Return one of its files.

    Raises:
        ApiError: There is no such file, or it is of another version.
    """
    found = studio()
    if version != found.version or name not in found.files:
        raise ApiError(404, "unsupported_endpoint", "this is no file of the studio as it is now; load the page again")
    return answer(found.files[name], accept_encoding, {"cache-control": "private, max-age=31536000, immutable"})
