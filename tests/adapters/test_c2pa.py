from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from PIL import Image, PngImagePlugin

from underpaint.adapters.c2pa import Signer, Store, read, sign
from underpaint.adapters.certificates import YEARS, Chain, _certificate, _name, algorithm_for, make_chain
from underpaint.core.errors import SigningError

NOW = datetime.now(UTC).replace(microsecond=0)
PNG = "image/png"
CREATED = {
    "action": "c2pa.created",
    "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
}
DEFINITION = {
    "claim_generator_info": [{"name": "a program", "version": "1"}],
    "assertions": [
        {"label": "c2pa.actions.v2", "data": {"actions": [CREATED]}},
        {"label": "org.example.words", "data": {"words": "a red heart"}},
    ],
}


@pytest.fixture(scope="module")
def chain() -> Chain:
    return make_chain(NOW)


def signer(chain: Chain, key: bytes | None = None) -> Signer:
    return Signer(algorithm="ed25519", key=key or chain.key, chain=chain.leaf)


@pytest.fixture(scope="module")
def plain() -> bytes:
    buffer, texts = io.BytesIO(), PngImagePlugin.PngInfo()
    texts.add_text("Software", "a program")
    Image.effect_noise((16, 16), 80).convert("RGBA").save(buffer, "PNG", pnginfo=texts)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def signed(chain, plain) -> bytes:
    return sign(plain, PNG, DEFINITION, signer(chain))


def held(data: bytes, anchors: bytes | None = None) -> Store:
    store = read(data, PNG, anchors)
    assert store is not None
    return store


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    place, found = 8, []
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        found.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def joined(parts: list[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big") for kind, data in parts
    )


def test_what_is_signed_holds_and_is_trusted_by_its_root_alone(chain, signed):
    assert held(signed).failures == () and not held(signed).trusted
    assert held(signed, chain.root).trusted
    assert not held(signed, make_chain(NOW).root).trusted


KEYS = {
    "es256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "es512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ps256": lambda: rsa.generate_private_key(65537, 2048),
}


@pytest.mark.parametrize("algorithm", KEYS)
def test_keys_of_every_kind_sign(plain, algorithm):
    key, authority = KEYS[algorithm](), ed25519.Ed25519PrivateKey.generate()
    root = _certificate(_name("root"), authority.public_key(), _name("root"), authority, NOW, authority=True)
    leaf = _certificate(_name("leaf"), key.public_key(), _name("root"), authority, NOW, authority=False)
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain = leaf.public_bytes(pem)
    assert algorithm_for(secret, chain, NOW) == algorithm
    signed = sign(plain, PNG, DEFINITION, Signer(algorithm=algorithm, key=secret, chain=chain))
    assert held(signed, root.public_bytes(pem)).trusted and held(signed).failures == ()


def test_pixels_and_texts_stay_as_they_are(plain, signed):
    with Image.open(io.BytesIO(plain)) as before, Image.open(io.BytesIO(signed)) as after:
        assert before.tobytes() == after.tobytes() and before.info == after.info
    assert joined([part for part in chunks(signed) if part[0] != b"caBX"]) == plain


def test_a_file_without_a_credential_has_none(plain):
    assert read(plain, PNG) is None


def other_pixels(parts):
    return [(kind, zlib.compress(b"\0" * 16 * 65) if kind == b"IDAT" else data) for kind, data in parts]


def other_text(parts):
    return [(kind, data.replace(b"a program", b"my program") if kind == b"tEXt" else data) for kind, data in parts]


def one_more_chunk(parts):
    return [*parts[:-1], (b"tEXt", b"Comment\0more"), parts[-1]]


def other_words(parts):
    return [(kind, data.replace(b"red heart", b"new heart") if kind == b"caBX" else data) for kind, data in parts]


def two_stores(parts):
    return [part for part in parts for _ in range(2 if part[0] == b"caBX" else 1)]


def half_a_store(parts):
    return [(kind, data[: len(data) // 2] if kind == b"caBX" else data) for kind, data in parts]


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (other_pixels, "assertion.dataHash.mismatch"),
        (other_text, "assertion.dataHash.mismatch"),
        (one_more_chunk, "assertion.dataHash.mismatch"),
        (other_words, "assertion.hashedURI.mismatch"),
        (two_stores, "unreadable"),
        (half_a_store, "unreadable"),
    ],
)
def test_every_change_is_found(chain, signed, tamper, code):
    changed = joined(tamper(chunks(signed)))
    assert changed != signed
    assert code in held(changed, chain.root).failures


def test_a_credential_of_another_picture_does_not_hold(chain, signed, plain):
    buffer = io.BytesIO()
    Image.new("RGBA", (16, 16), "red").save(buffer, "PNG")
    box = next(part for part in chunks(signed) if part[0] == b"caBX")
    other = chunks(buffer.getvalue())
    assert "assertion.dataHash.mismatch" in held(joined([other[0], box, *other[1:]])).failures


def test_a_damaged_store_never_says_something_else_and_holds(chain, signed):
    """Some bytes of a store are padding; whatever holds must say what was signed."""
    whole, dice, refused = held(signed, chain.root), random.Random(0), 0
    for _ in range(200):
        parts = [list(part) for part in chunks(signed)]
        box = bytearray(next(part for part in parts if part[0] == b"caBX")[1])
        for _ in range(dice.choice([1, 1, 4])):
            box[dice.randrange(len(box))] ^= 1 << dice.randrange(8)
        store = read(joined([(kind, bytes(box) if kind == b"caBX" else data) for kind, data in parts]), PNG, chain.root)
        if store is not None and not store.failures and store.trusted:
            assert store.manifest["assertions"] == whole.manifest["assertions"]
            assert store.manifest["claim_generator_info"] == whole.manifest["claim_generator_info"]
            assert store.manifest["signature_info"] == whole.manifest["signature_info"]
        else:
            refused += 1
    assert refused > 100


def test_a_key_that_is_not_the_certificates_is_refused(chain, plain):
    with pytest.raises(SigningError, match="check key and certificate"):
        sign(plain, PNG, DEFINITION, signer(chain, make_chain(NOW).key))


def test_an_expired_certificate_does_not_sign(plain):
    with pytest.raises(SigningError, match="not valid at time of signing"):
        sign(plain, PNG, DEFINITION, signer(make_chain(NOW - timedelta(days=365 * YEARS + 2))))


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_refused_and_holds_nothing(chain, data):
    with pytest.raises(SigningError):
        sign(data, PNG, DEFINITION, signer(chain))
    store = read(data, PNG)
    assert store is None or store.failures == ("unreadable",)


LOADED = """
import json, os, sys
paths = []
sys.addaudithook(lambda event, args: paths.append(str(args[0])) if event == "ctypes.dlopen" else None)
from underpaint.adapters.c2pa_library import library
print(json.dumps([paths, library().__file__, os.environ.get("C2PA_LIBRARY_NAME")]))
"""


def test_a_library_that_lies_in_the_present_folder_is_not_loaded(tmp_path):
    for folder in (tmp_path, tmp_path / "libs", tmp_path / "artifacts"):
        folder.mkdir(exist_ok=True)
        for name in ("libc2pa_c.so", "libc2pa_c.dylib", "c2pa_c.dll"):
            folder.joinpath(name).write_bytes(b"\x7fELF planted")
    finished = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    paths, package, left = json.loads(finished.stdout)
    assert any("c2pa_c" in path for path in paths) and left is None
    assert not [path for path in paths if "c2pa_c" in path and not path.startswith(package.removesuffix("__init__.py"))]
