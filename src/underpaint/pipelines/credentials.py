"""The content credential of a picture's file: put in last, and held against the file when it is read.

It covers every byte of the file but itself, so one that holds shows that nobody has changed the file since. Who has
signed it, it shows only as far as one trusts the root of the certificate. The claim names the pixels as well, so that
a file that was merely written again is told apart from a picture that was painted over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from underpaint.adapters import c2pa
from underpaint.adapters.c2pa import Signer
from underpaint.core.errors import SigningError
from underpaint.pipelines.settings import Settings
from underpaint.pipelines.signer import SAME_COMPUTER, local_root
from underpaint.runtime.claim import Claim, Generation, Use, definition

Trust = Literal["listed", "this computer", "unknown"]

BEGINNINGS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}
LABEL = b"c2pa"
"""Bytes without which a file holds no credential."""
CHANGED = "assertion.dataHash.mismatch"
BESIDE_FILE = ("signingCredential.", "claimSignature.outsideValidity", c2pa.REMOTE)
"""Beginnings of the codes that do not speak against the file."""
NAME_CAP = 80


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What a file's credential says, and whether it holds.

    Args:
        holds: Whether the signature is right and the file has not changed since.
        failures: Codes of what does not hold, as C2PA calls them.
        trust: Whether the signer's certificate leads to one that the user listed, to the root of the key that was made
            on this computer, or to nothing that is known.
        signer: The signer's name, by the word of the certificate; None if it cannot be read.
        issuer: The organization in it, by the same word.
        claim: What was signed; None if the signature does not vouch for it.
        reason: Why it was not read; empty if it was.
    """

    holds: bool
    failures: tuple[str, ...]
    trust: Trust
    signer: str | None
    issuer: str | None
    claim: Claim | None
    reason: str = ""

    @property
    def generation(self) -> Generation | None:
        """What underpaint has signed of how it was drawn, if the credential holds; else None."""
        return self.claim.generation if self.holds and self.claim else None

    @property
    def speaks_against_file(self) -> bool:
        """Whether more does not hold than the certificate alone."""
        return any(not code.startswith(BESIDE_FILE) for code in self.failures)


def digest(text: str) -> str:
    """Return the SHA-256 of the settings' text."""
    return hashlib.sha256(text.encode()).hexdigest()


def sign_picture(data: bytes, settings: Settings, *, signer: Signer, mining: Use, when: datetime) -> bytes:
    """Return the file of a drawn picture with a credential.

    Args:
        data: The bytes of a PNG as ``picture_file.encode`` makes them, or of a JPEG or WebP, which hold no settings.
        settings: What made the picture.
        signer: Who signs.
        mining: Whether others may mine the picture, and train on it.
        when: The time of drawing, with its zone.

    Raises:
        MissingDependency: c2pa-python is not installed.
        SigningError: The picture is not finished or of another format, or the library refuses key or certificate.
    """
    mime = _mime(data)
    if mime is None:
        raise SigningError("only PNG, JPEG and WebP files are signed; choose one of them")
    if settings.pixel_sha256 is None:
        raise SigningError("the picture has no digest of its pixels, so there is nothing to sign; draw it first")
    generation = Generation(
        model=settings.model,
        model_sha256=settings.model_sha256,
        settings_sha256=digest(settings.to_json()),
        pixel_sha256=settings.pixel_sha256,
        size=settings.size,
        watermark=settings.watermark,
    )
    manifest = definition(
        generation,
        version=settings.version,
        engine=settings.engine,
        when=when,
        mining=mining,
        edited=settings.made_from,
    )
    return c2pa.sign(data, mime, manifest, signer)


def _mime(data: bytes) -> str | None:
    return next((kind for beginning, kind in BEGINNINGS.items() if data.startswith(beginning)), None)


def read_credential(data: bytes, listed: bytes | None = None) -> Credential | None:
    """Return what the credential of a file says and whether it holds; None if there is none.

    Args:
        data: The bytes of a PNG, JPEG or WebP file.
        listed: Certificates that the user trusts, PEM.

    Raises:
        MissingDependency: There is something that looks like one, and c2pa-python is not installed.
    """
    mime = _mime(data)
    if mime is None or LABEL not in data:
        return None
    roots: list[tuple[Trust, bytes | None]] = [("listed", listed), ("this computer", local_root()), ("unknown", None)]
    for trust, anchors in roots:
        store = c2pa.read(data, mime, anchors) if anchors or trust == "unknown" else None
        if store is not None and (store.trusted or trust == "unknown"):
            return _credential(store, trust)
    return None


def _credential(store: c2pa.Store, trust: Trust) -> Credential:
    info = store.manifest.get("signature_info")
    names = info if isinstance(info, dict) else {}
    vouched = set(store.failures) <= {CHANGED}
    return Credential(
        holds=not store.failures,
        failures=store.failures,
        trust=trust,
        signer=_shown(names.get("common_name")),
        issuer=_shown(names.get("issuer")),
        claim=Claim.read(store.manifest) if vouched else None,
        reason=store.reason,
    )


def _shown(name: object) -> str | None:
    """Return a name from a certificate without what could move the cursor, and not too long."""
    if not isinstance(name, str):
        return None
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:NAME_CAP]


def contradictions(credential: Credential, *, pixels: str | None, settings: str | None) -> Iterator[str]:
    """Yield what in a file speaks against its credential, each a sentence.

    Args:
        credential: What was read.
        pixels: SHA-256 of the pixels that the file shows; None where a lossy format has changed them.
        settings: The settings' text in the file; None if there is none.
    """
    claim = credential.claim
    generation = claim.generation if claim else None
    if c2pa.UNREADABLE in credential.failures:
        yield f"the C2PA credential cannot be read: {credential.reason}"
    elif CHANGED in credential.failures and generation is not None and pixels is not None:
        same = "the pixels are still those" if generation.pixel_sha256 == pixels else "the pixels are others now"
        yield f"the file was changed after it was signed; {same}"
    elif credential.speaks_against_file:
        yield f"the C2PA credential does not hold: {', '.join(credential.failures):.200}"
    elif generation is not None:
        yield from _differences(generation, pixels=pixels, settings=settings)
    yield from claim.problems if claim else ()


def _differences(generation: Generation, *, pixels: str | None, settings: str | None) -> Iterator[str]:
    if pixels is not None and generation.pixel_sha256 != pixels:
        yield "the C2PA credential was made for other pixels"
    if settings is not None and digest(settings) != generation.settings_sha256:
        yield "the C2PA credential was made for other settings"


def unsaid(credential: Credential) -> Iterator[str]:
    """Yield what a credential leaves open, each a sentence."""
    if not credential.holds:
        if c2pa.REMOTE in credential.failures:
            yield "whether its C2PA credential holds: it lies elsewhere, and nothing is fetched"
        elif not credential.speaks_against_file:
            yield f"who signed it: the certificate is not valid ({', '.join(credential.failures):.200})"
        return
    if credential.trust == "unknown":
        yield "who signed it: anybody can write such a certificate, and it leads to none that you trust (--trust FILE)"
    elif credential.trust == "this computer":
        yield f"who signed it: {SAME_COMPUTER}"
    if credential.claim is not None and not credential.claim.ours:
        yield f"what the credential says in detail: {credential.claim.program!r:.80} wrote it, not underpaint"
