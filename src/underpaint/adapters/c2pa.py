"""C2PA manifests in the files of pictures, signed and read by c2pa-python.

Nothing is fetched: no remote manifests, no status of certificates, no time from an authority. The library's errors
become ours; a store that cannot be read is told apart from one that does not hold, and from none at all.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from underpaint.adapters.c2pa_library import library
from underpaint.core.config import parse_json
from underpaint.core.errors import SigningError

TRUSTED, UNTRUSTED = "signingCredential.trusted", "signingCredential.untrusted"
UNREADABLE, REMOTE = "unreadable", "remote"
"""Our own codes: for a store that cannot be read, and for one that lies elsewhere and is not fetched."""
QUIET: Mapping[str, Any] = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}
REASON_CAP = 200
"""Longest reason of the library's that is handed on, in characters."""


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Who signs.

    Args:
        algorithm: As C2PA calls it: ``ed25519``, ``es256``, ``ps256``, ...
        key: The private key, PEM, not encrypted.
        chain: Its certificate and those between it and the root, PEM.
    """

    algorithm: str
    key: bytes = field(repr=False)
    chain: bytes


@dataclass(frozen=True, kw_only=True)
class Store:
    """What the manifest store of a file says, and what the library holds of it.

    Args:
        manifest: The active manifest; empty if the store cannot be read.
        failures: Codes of the checks that failed; ``UNREADABLE`` or ``REMOTE`` alone for a store that was not read.
        trusted: Whether the signer's certificate leads to one of the anchors.
        reason: Why it was not read, in the library's words; empty if it was.
    """

    manifest: Mapping[str, Any]
    failures: tuple[str, ...]
    trusted: bool
    reason: str = ""


def _context(anchors: bytes | None) -> Any:
    settings = {**QUIET, "trust": {"user_anchors": anchors.decode("ascii")}} if anchors else QUIET
    return library().Context(library().Settings.from_dict(settings))


def sign(data: bytes, mime: str, definition: Mapping[str, Any], signer: Signer) -> bytes:
    """Return a file with a signed manifest; pixels and texts in it stay as they are.

    Args:
        data: The file's bytes.
        mime: Its kind, for example ``image/png``.
        definition: The manifest in the library's JSON.
        signer: Who signs.

    Raises:
        MissingDependency: The library is not installed.
        SigningError: The library refuses file, manifest, key or certificate.
    """
    c2pa = library()
    signed = io.BytesIO()
    try:
        info = c2pa.C2paSignerInfo(
            alg=signer.algorithm.encode(), sign_cert=signer.chain, private_key=signer.key, ta_url=None
        )
        with (
            _context(None) as context,
            c2pa.Signer.from_info(info) as pen,
            c2pa.Builder(dict(definition), context) as builder,
        ):
            builder.sign(pen, mime, io.BytesIO(data), signed)
    except c2pa.C2paError as error:
        raise SigningError(f"the picture cannot be signed: {_reason(error)}; check key and certificate") from None
    return signed.getvalue()


def read(data: bytes, mime: str, anchors: bytes | None = None) -> Store | None:
    """Return what the manifest store of a file says, or None if there is none.

    Args:
        data: The file's bytes, from outside.
        mime: Its kind.
        anchors: Certificates, PEM, that a trusted signer's leads to.

    Raises:
        MissingDependency: The library is not installed.
    """
    c2pa = library()
    try:
        with _context(anchors) as context, c2pa.Reader(mime, io.BytesIO(data), context=context) as reader:
            return _store(parse_json(reader.json()), reader.get_validation_state())
    except c2pa.C2paError.ManifestNotFound:
        return None
    except (c2pa.C2paError, ValueError, RecursionError) as error:
        return _unread(_reason(error))


def _store(found: Mapping[str, Any], state: str | None) -> Store:
    """Return what a store says that could be read."""
    manifests, active = found.get("manifests"), found.get("active_manifest")
    if not isinstance(manifests, dict) or active not in manifests:
        return _unread("its active manifest is not there")
    results = found.get("validation_results")
    failures = [code for code in dict.fromkeys(_codes(results, "failure")) if code != UNTRUSTED]
    if state == "Invalid" and not failures:
        failures = ["invalid"]
    trusted = TRUSTED in _codes(results, "success")
    return Store(manifest=manifests[active], failures=tuple(failures), trusted=trusted)


def _unread(reason: str) -> Store:
    """Return a store that was not read: one that lies elsewhere, or one that cannot be read."""
    code = REMOTE if reason.startswith("Remote:") else UNREADABLE
    return Store(manifest={}, failures=(code,), trusted=False, reason=reason)


def _reason(error: Exception) -> str:
    """Return what the library says, on one line and of limited length."""
    return "".join(letter if letter.isprintable() else " " for letter in str(error)).strip()[:REASON_CAP]


def _codes(results: object, kind: str) -> Iterator[str]:
    """Yield the codes of one kind: those of the active manifest, and for failures those of its ingredients."""
    if isinstance(results, dict):
        deltas = (results.get("ingredientDeltas") or []) if kind == "failure" else []
        for checked in (results.get("activeManifest"), *(one.get("validationDeltas") for one in deltas)):
            yield from (str(entry.get("code")) for entry in (checked or {}).get(kind) or [])
