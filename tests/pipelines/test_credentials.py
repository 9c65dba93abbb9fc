from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from underpaint.adapters import c2pa, c2pa_library
from underpaint.adapters.certificates import make_chain
from underpaint.core.errors import InputError, MissingDependency, SigningError
from underpaint.core.installing import pip_command
from underpaint.pipelines import marks
from underpaint.pipelines.credentials import Credential, read_credential, sign_picture
from underpaint.pipelines.editing_record import EditRecord
from underpaint.pipelines.finishing import finish
from underpaint.pipelines.picture_file import encode, pixel_digest, read_picture
from underpaint.pipelines.settings import Settings
from underpaint.pipelines.signer import local
from underpaint.pipelines.verification import verify
from underpaint.runtime.claim import Generation, definition

NOW = datetime.now(UTC)
SETTINGS = Settings(
    caption="cat",
    prompt="cat",
    seed=7,
    size="64x64",
    model="m",
    model_sha256="0" * 64,
    version="0",
    watermark=marks.PUBLIC,
)


@pytest.fixture(autouse=True)
def keys(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("UNDERPAINT_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


def drawn() -> Image.Image:
    image = Image.new("RGBA", (64, 64))
    ImageDraw.Draw(image).ellipse((8, 8, 56, 56), fill=(200, 120, 60, 255))
    return finish(np.asarray(image), SETTINGS, "onnx")


def signed(signer: c2pa.Signer, image: Image.Image | None = None) -> bytes:
    image = image or drawn()
    return sign_picture(encode(image), image.info["underpaint"], signer=signer, mining="notAllowed", when=NOW)


@pytest.fixture
def path(tmp_path) -> Path:
    """A picture that was signed by the key of this computer."""
    path = tmp_path / "cat.png"
    path.write_bytes(signed(local(NOW).signer))
    return path


@pytest.fixture
def stranger(tmp_path) -> tuple[c2pa.Signer, Path]:
    """Another signer, and the file of the root of that one."""
    chain = make_chain(NOW)
    root = tmp_path / "stranger.pem"
    root.write_bytes(b"# a comment: \xc3\xa9\n" + chain.root)
    return c2pa.Signer(algorithm="ed25519", key=chain.key, chain=chain.leaf), root


def credential_of(path: Path, trust: Path | None = None) -> Credential:
    found = verify(path, trust).credential
    assert found is not None
    return found


def test_a_signed_picture_holds_and_names_its_model(path):
    found = verify(path)
    credential = credential_of(path)
    assert (found.verdict, found.contradictions) == ("as drawn", ()) and credential.holds
    assert credential.trust == "this computer" and credential.claim is not None
    generation = credential.claim.generation
    assert generation is not None and found.settings is not None
    assert (generation.model, generation.model_sha256) == ("m", "0" * 64)
    assert generation.pixel_sha256 == found.settings.pixel_sha256
    assert any("the same computer, not who" in text for text in found.unsaid)


def test_an_unsigned_picture_has_none(tmp_path):
    (tmp_path / "x.png").write_bytes(encode(drawn()))
    found = verify(tmp_path / "x.png")
    assert found.credential is None and any("not signed" in text for text in found.unsaid)


def test_a_stranger_is_unknown_until_the_user_lists_the_root(path, stranger):
    signer, root = stranger
    path.write_bytes(signed(signer))
    assert credential_of(path).trust == "unknown" and verify(path).verdict == "as drawn"
    assert any("leads to none that you trust" in text for text in verify(path).unsaid)
    assert credential_of(path, root).trust == "listed" and verify(path, root).verdict == "as drawn"


def test_where_signers_count_others_are_not_as_drawn(path, stranger, tmp_path):
    _, root = stranger
    assert verify(path, root).verdict == "unknown" and credential_of(path, root).trust == "this computer"
    (tmp_path / "x.png").write_bytes(encode(drawn()))
    assert verify(tmp_path / "x.png", root).verdict == "unknown"
    with pytest.raises(InputError, match="holds no certificate"):
        verify(path, path.with_name("x.png"))


def test_a_changed_pixel_breaks_the_credential_though_settings_follow(path):
    box = path.read_bytes()
    image = read_picture(path)
    image.putpixel((30, 30), (0, 0, 0, 255))
    changed = image.info["underpaint"].model_copy(update={"pixel_sha256": pixel_digest(image)})
    image.info["underpaint"] = changed
    path.write_bytes(moved(box, encode(image)))
    found = verify(path)
    assert found.verdict == "changed" and found.pixels_unchanged is True
    assert "the file was changed after it was signed; the pixels are others now" in found.contradictions


def test_changed_settings_break_it_too_and_the_pixels_are_told_to_be_the_same(path):
    box = path.read_bytes()
    image = drawn()
    image.info["underpaint"] = image.info["underpaint"].model_copy(update={"prompt": "another"})
    path.write_bytes(moved(box, encode(image)))
    found = verify(path)
    assert found.verdict == "changed" and found.pixels_unchanged is True
    assert "the file was changed after it was signed; the pixels are still those" in found.contradictions


def moved(signed: bytes, other: bytes) -> bytes:
    """Put the credential of a file behind the header of another."""
    place = signed.index(b"caBX") - 4
    length = int.from_bytes(signed[place : place + 4], "big") + 12
    return other[:33] + signed[place : place + length] + other[33:]


def test_a_stripped_picture_is_known_by_its_mark(path, tmp_path):
    with Image.open(path) as image:
        image.save(tmp_path / "stripped.png")
    found = verify(tmp_path / "stripped.png")
    assert found.credential is None and found.settings is None
    assert found.watermark is not None and found.watermark.found and found.verdict == "changed"


def with_credential(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change the credential of a file, and the checksum with it."""
    place = data.index(b"caBX")
    end = place + 4 + int.from_bytes(data[place - 4 : place], "big")
    box = change(data[place + 4 : end])
    head = len(box).to_bytes(4, "big") + b"caBX"
    return data[: place - 4] + head + box + zlib.crc32(b"caBX" + box).to_bytes(4, "big") + data[end + 4 :]


def test_a_tampered_claim_is_told_and_not_repeated(path):
    path.write_bytes(with_credential(path.read_bytes(), lambda box: box.replace(b"0" * 64, b"1" * 64)))
    found = verify(path)
    assert found.verdict == "changed" and credential_of(path).claim is None
    assert any("hashedURI.mismatch" in text for text in found.contradictions)


def test_a_damaged_credential_is_told(path):
    path.write_bytes(with_credential(path.read_bytes(), lambda box: box[: len(box) // 2]))
    found = verify(path)
    assert found.verdict == "changed" and any("cannot be read" in text for text in found.contradictions)


def test_a_signature_over_other_pixels_or_settings_is_found(path, stranger):
    image = drawn()
    settings = image.info["underpaint"]
    generation = Generation(
        model="m", model_sha256="0" * 64, settings_sha256="1" * 64, pixel_sha256="2" * 64, size="64x64"
    )
    made = definition(generation, version="0", engine="onnx", when=NOW, mining="allowed")
    path.write_bytes(c2pa.sign(encode(image), "image/png", made, stranger[0]))
    found = verify(path, stranger[1])
    assert credential_of(path).holds and settings.pixel_sha256 != "2" * 64
    assert found.verdict == "changed"
    assert {"the C2PA credential was made for other pixels", "the C2PA credential was made for other settings"} <= set(
        found.contradictions
    )


def test_words_that_the_library_accepts_and_the_standard_does_not_are_found(path, stranger):
    image = drawn()
    generation = Generation(
        model="m", model_sha256="0" * 64, settings_sha256="1" * 64, pixel_sha256="2" * 64, size="64x64"
    )
    made = definition(generation, version="0", engine="onnx", when=NOW, mining="allowed")
    made["assertions"][0]["data"]["actions"].append({"action": "c2pa.invented"})
    path.write_bytes(c2pa.sign(encode(image), "image/png", made, stranger[0]))
    assert any("c2pa.invented" in text for text in verify(path).contradictions)


@pytest.mark.parametrize(("suffix", "options"), [("jpg", {"quality": 80}), ("webp", {"lossless": True})])
def test_other_formats_are_signed_too_and_known_by_their_credential_alone(tmp_path, suffix, options):
    image, path = drawn(), tmp_path / f"cat.{suffix}"
    image.convert("RGB").save(path, **options)
    signer = local(NOW).signer
    settings = image.info["underpaint"]
    path.write_bytes(sign_picture(path.read_bytes(), settings, signer=signer, mining="allowed", when=NOW))
    found = verify(path)
    assert (found.verdict, found.contradictions, found.settings) == ("as drawn", (), None)
    generation = credential_of(path).generation
    assert generation is not None and generation.model == "m"
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)
    assert verify(path).verdict == "changed"


def test_another_programs_credential_is_read_and_not_judged(tmp_path, stranger):
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (64, 64), "red").save(path)
    made = {
        "claim_generator_info": [{"name": "a \x1b[31mcamera", "version": "1"}],
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {
                    "actions": [
                        {
                            "action": "c2pa.created",
                            "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
                        }
                    ]
                },
            }
        ],
    }
    path.write_bytes(c2pa.sign(path.read_bytes(), "image/jpeg", made, stranger[0]))
    found = verify(path)
    assert (found.verdict, found.contradictions) == ("unknown", ()) and credential_of(path).holds
    assert any("camera" in text for text in found.unsaid) and not any("\x1b" in text for text in found.unsaid)


def test_a_credential_that_lies_elsewhere_is_not_fetched_and_left_open(tmp_path):
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="http://127.0.0.1:9/c2pa"/>'
        b"</rdf:RDF></x:xmpmeta>"
    )
    path = tmp_path / "remote.jpg"
    Image.new("RGB", (64, 64)).save(path, xmp=packet)
    found = verify(path)
    assert (found.verdict, found.contradictions) == ("unknown", ()) and not credential_of(path).holds
    assert any("nothing is fetched" in text for text in found.unsaid)


def test_without_the_library_a_credential_is_left_open_unless_signers_count(path, stranger, monkeypatch):
    monkeypatch.setitem(sys.modules, "c2pa", None)
    c2pa_library.library.cache_clear()
    try:
        found = verify(path)
        assert found.verdict == "as drawn" and found.credential is None
        assert any("whether its C2PA credential holds" in text and pip_command("c2pa") in text for text in found.unsaid)
        with pytest.raises(MissingDependency):
            verify(path, stranger[1])
    finally:
        monkeypatch.undo()
        c2pa_library.library.cache_clear()


def test_what_is_not_finished_or_of_another_format_is_not_signed():
    signer, finished = local(NOW).signer, drawn().info["underpaint"]
    with pytest.raises(SigningError, match="draw it first"):
        sign_picture(encode(drawn()), SETTINGS, signer=signer, mining="allowed", when=NOW)
    with pytest.raises(SigningError, match="only PNG, JPEG and WebP"):
        sign_picture(b"GIF89a", finished, signer=signer, mining="allowed", when=NOW)


def test_files_without_a_credential_are_not_handed_to_the_library(tmp_path):
    assert read_credential(b"GIF89a c2pa") is None and read_credential(encode(drawn())) is None


def test_a_signed_edit_holds(tmp_path):
    image = Image.new("RGBA", (64, 64), (200, 120, 60, 255))
    record = EditRecord(picture_sha256="1" * 64, strength=0.5)
    edited = finish(np.asarray(image), SETTINGS.model_copy(update={"edit": record}), "torch")
    (tmp_path / "edit.png").write_bytes(signed(local(NOW).signer, edited))
    found = verify(tmp_path / "edit.png")
    assert (found.verdict, found.contradictions) == ("as drawn", ())
    assert found.credential is not None and found.credential.holds
