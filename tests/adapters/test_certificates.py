from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from underpaint.adapters.certificates import YEARS, _certificate, _name, algorithm_for, make_chain
from underpaint.core.errors import SigningError

NOW = datetime(2026, 11, 28, 13, 45, tzinfo=UTC)
PEM = serialization.Encoding.PEM


def pem_key(key, password: bytes | None = None) -> bytes:
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, lock)


def certified(key, since: datetime = NOW, *, issuer: str = "root") -> bytes:
    authority = ed25519.Ed25519PrivateKey.generate()
    public = key.public_key()
    return _certificate(_name("leaf"), public, _name(issuer), authority, since, authority=False).public_bytes(PEM)


def test_the_chain_has_the_profile_that_the_standard_asks_for():
    chain = make_chain(NOW)
    leaf, root = map(x509.load_pem_x509_certificate, (chain.leaf, chain.root))
    leaf.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    assert leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical and usage.value.digital_signature and not usage.value.key_cert_sign
    purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION]
    assert leaf.version is x509.Version.v3


def test_the_chain_tells_neither_person_nor_computer_nor_time_of_day():
    one, other = make_chain(NOW), make_chain(NOW)
    leaf = x509.load_pem_x509_certificate(one.leaf)
    assert leaf.not_valid_before_utc == NOW.replace(hour=0, minute=0)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=365 * YEARS)
    common = leaf.subject.get_attributes_for_oid(x509.oid.NameOID.COMMON_NAME)[0].value
    assert len(common) == len("key 12345678") and one.leaf != other.leaf


def test_a_key_is_not_shown():
    chain = make_chain(NOW)
    assert "PRIVATE" not in repr(chain)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ed25519.Ed25519PrivateKey.generate(), "ed25519"),
        (ec.generate_private_key(ec.SECP256R1()), "es256"),
        (ec.generate_private_key(ec.SECP384R1()), "es384"),
        (rsa.generate_private_key(65537, 2048), "ps256"),
    ],
    ids=["ed25519", "p256", "p384", "rsa"],
)
def test_the_algorithm_follows_from_the_key(key, algorithm):
    assert algorithm_for(pem_key(key), certified(key), NOW) == algorithm


def cases():
    key, other = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
    good, curve = certified(key), ec.generate_private_key(ec.SECP256K1())
    own = _certificate(_name("x"), key.public_key(), _name("x"), key, NOW, authority=False).public_bytes(PEM)
    edwards = ed448.Ed448PrivateKey.generate()
    yield "another key", pem_key(other), good, NOW, "not that of the certificate"
    yield "expired", pem_key(key), good, NOW + timedelta(days=365 * YEARS + 1), "not now"
    yield "not yet", pem_key(key), good, NOW - timedelta(days=1), "not now"
    yield "self-signed", pem_key(key), own, NOW, "vouches for itself"
    yield "encrypted", pem_key(key, b"word"), good, NOW, "encrypted"
    yield "no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", good, NOW, "no private key"
    yield "no certificate", pem_key(key), b"none", NOW, "no certificate"
    yield "another curve", pem_key(curve), certified(curve), NOW, "secp256k1"
    yield "another kind", pem_key(edwards), certified(edwards), NOW, "Ed448"


@pytest.mark.parametrize(("key", "chain", "now", "message"), [c[1:] for c in cases()], ids=[c[0] for c in cases()])
def test_what_cannot_sign_is_refused_with_the_reason(key, chain, now, message):
    with pytest.raises(SigningError, match=message) as caught:
        algorithm_for(key, chain, now)
    assert key.decode().splitlines()[1] not in str(caught.value)
