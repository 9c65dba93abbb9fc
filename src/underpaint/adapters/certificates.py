"""Keys and X.509 certificates by cryptography: a chain of one's own, and whether a key fits a certificate.

A signature of C2PA needs a leaf certificate under a root, not one that signs itself. The chain that is made here says
in its names that nobody vouches for it; its root's key is thrown away, so that no other leaf can ever come from it.

Source: RFC 5280; C2PA Technical Specification 2.3, "Certificate Profile".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from underpaint.adapters.require import require
from underpaint.core.errors import SigningError

EXTRA = "c2pa"
YEARS = 10
ORGANIZATION = "underpaint, self-made key"
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
RSA_BITS = 2048
"""Fewest bits of an RSA key that the standard takes."""


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A key and the certificates that belong to it, all PEM.

    Args:
        key: The private key, not encrypted.
        leaf: Its certificate.
        root: The certificate that vouches for it, and that others can choose to trust.
    """

    key: bytes = field(repr=False)
    leaf: bytes
    root: bytes


def make_chain(now: datetime) -> Chain:
    """Make an Ed25519 key and a chain for it that is valid from today's midnight on, for ``YEARS``.

    Args:
        now: The present time, in UTC; the time of day goes nowhere.

    Raises:
        MissingDependency: cryptography is not installed.
    """
    ed25519 = require("cryptography.hazmat.primitives.asymmetric.ed25519", extra=EXTRA)
    serialization = require("cryptography.hazmat.primitives.serialization", extra=EXTRA)
    root_key, key = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
    digits = hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()[:8]
    names = [_name(f"{part} {digits}") for part in ("root of key", "key")]
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    root = _certificate(names[0], root_key.public_key(), names[0], root_key, midnight, authority=True)
    leaf = _certificate(names[1], key.public_key(), names[0], root_key, midnight, authority=False)
    pem = serialization.Encoding.PEM
    return Chain(
        key=key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        leaf=leaf.public_bytes(pem),
        root=root.public_bytes(pem),
    )


def _name(common: str) -> Any:
    x509 = require("cryptography.x509", extra=EXTRA)
    oid = x509.oid.NameOID
    attributes = ((oid.ORGANIZATION_NAME, ORGANIZATION), (oid.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(name, value) for name, value in attributes])


def _certificate(subject: Any, public: Any, issuer: Any, issuer_key: Any, since: datetime, *, authority: bool) -> Any:
    """Return a certificate as the profile of C2PA wants it: of an authority, or of one who signs."""
    x509 = require("cryptography.x509", extra=EXTRA)
    wanted = {"key_cert_sign", "crl_sign"} if authority else {"digital_signature"}
    usage = x509.KeyUsage(**{name: name in wanted for name in USAGES})
    builder = (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not authority:
        purpose = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(purpose, critical=False)
    return builder.sign(issuer_key, None)


def algorithm_for(key: bytes, chain: bytes, now: datetime) -> str:
    """Return how a key signs, as C2PA calls it, after it was held against its certificate.

    Args:
        key: The private key, PEM.
        chain: Its certificate first, then those between it and the root, PEM.
        now: The present time, in UTC.

    Raises:
        MissingDependency: cryptography is not installed.
        SigningError: One of them cannot be read, they do not belong together, or the certificate is not valid now.
    """
    private, certificate = _private(key), _first(chain)
    if private.public_key() != certificate.public_key():
        raise SigningError("the key is not that of the certificate; the first certificate in the file must be its own")
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise SigningError(
            f"the certificate is valid from {certificate.not_valid_before_utc:%Y-%m-%d} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d}, not now; get a new one"
        )
    if certificate.subject == certificate.issuer:
        raise SigningError("the certificate vouches for itself; C2PA wants one that a root or an authority has signed")
    return _algorithm(private)


def _private(key: bytes) -> Any:
    serialization = require("cryptography.hazmat.primitives.serialization", extra=EXTRA)
    try:
        return serialization.load_pem_private_key(key, None)
    except TypeError:
        raise SigningError("the key is encrypted; give one that is not, in a file that you alone may read") from None
    except (ValueError, _unsupported()) as error:
        raise SigningError(f"the key is no private key in PEM ({error!s:.80}); check the file") from None


def _first(chain: bytes) -> Any:
    x509 = require("cryptography.x509", extra=EXTRA)
    try:
        return x509.load_pem_x509_certificates(chain)[0]
    except (ValueError, IndexError) as error:
        raise SigningError(f"there is no certificate in PEM ({error!s:.80}); check the file") from None


def _unsupported() -> type[Exception]:
    return require("cryptography.exceptions", extra=EXTRA).UnsupportedAlgorithm


def _algorithm(private: Any) -> str:
    """Return what C2PA calls signing with a private key."""
    kind = type(private).__name__
    if "Ed25519" in kind:
        return "ed25519"
    if "RSA" in kind and private.key_size >= RSA_BITS:
        return "ps256"
    curve = getattr(getattr(private, "curve", None), "name", None)
    if curve in CURVES:
        return CURVES[curve]
    raise SigningError(
        f"C2PA does not sign with a key of this kind ({curve or kind}); it takes Ed25519, the curves "
        f"{', '.join(CURVES)}, and RSA from {RSA_BITS} bits on"
    )
