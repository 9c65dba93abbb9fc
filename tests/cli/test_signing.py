from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from underpaint.adapters import c2pa_library
from underpaint.adapters.certificates import make_chain
from underpaint.core.installing import pip_command
from underpaint.pipelines.picture_file import read_picture, save


@pytest.fixture(autouse=True)
def keys(tmp_path, monkeypatch) -> Path:
    """A folder of keys that does not exist yet."""
    monkeypatch.setenv("UNDERPAINT_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


@pytest.fixture
def generate(underpaint, tiny_model, tmp_path):
    def call(*arguments: object):
        return underpaint("generate", "a cat", "--seed", 7, "-m", tiny_model, "--out", tmp_path / "out", *arguments)

    return call


@pytest.fixture
def picture(tmp_path) -> Path:
    return tmp_path / "out" / "underpaint-a-cat-7.png"


@pytest.fixture
def own(tmp_path) -> tuple[Path, Path, Path]:
    """A key, its certificate, and the root of that."""
    chain = make_chain(datetime.now(UTC))
    files = tmp_path / "own.key", tmp_path / "own.pem", tmp_path / "own-root.pem"
    for file, data in zip(files, (chain.key, chain.leaf, chain.root), strict=True):
        file.write_bytes(data)
        file.chmod(0o600)
    return files


@pytest.fixture
def without_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "c2pa", None)
    c2pa_library.library.cache_clear()
    yield
    monkeypatch.undo()
    c2pa_library.library.cache_clear()


def test_a_picture_is_signed_by_a_key_that_is_made_once_and_said_to_be(generate, underpaint, picture, keys):
    first = generate("-n", 2, "--json")
    assert first.json["signing"] == {
        "signed": 2,
        "key": str(keys / "signing.pem"),
        "self_made": True,
        "reason": None,
    }
    assert first.stderr.count("the same computer, not who uses it") == 1
    found = underpaint("verify", "--json", picture)
    assert (
        found.code == 0 and found.json["credential"]["holds"] and found.json["credential"]["trust"] == "this computer"
    )
    assert found.json["credential"]["claim"]["generation"]["model"] == "tiny"
    assert generate("--seed", 9, "--out", picture.parent).stderr == ""


def test_a_picture_that_lies_there_is_not_signed_again(generate, picture):
    generate()
    written = picture.read_bytes()
    assert generate("--json").json["signing"]["signed"] == 0 and picture.read_bytes() == written


def test_no_sign_signs_nothing_and_makes_no_key(generate, underpaint, picture, keys):
    assert generate("--no-sign", "--json").json["signing"] is None and not keys.exists()
    assert b"caBX" not in picture.read_bytes() and underpaint("verify", picture).code == 0
    assert "no C2PA credential" in underpaint("verify", picture).stdout


def test_settings_can_say_that_nothing_is_signed(generate, picture, keys):
    keys.mkdir()
    (keys / "signing.json").write_text('{"sign": false}')
    finished = generate("--json")
    assert finished.stderr == "" and finished.json["signing"]["reason"] == "the settings say so"
    assert b"caBX" not in picture.read_bytes()


def test_a_key_of_ones_own_is_trusted_through_its_root_alone(generate, underpaint, picture, own, keys):
    key, certificate, root = own
    assert generate("--sign-key", key, "--sign-cert", certificate).code == 0 and not keys.exists()
    assert underpaint("verify", "--trust", root, picture).code == 0
    stranger = root.with_name("stranger.pem")
    stranger.write_bytes(make_chain(datetime.now(UTC)).root)
    finished = underpaint("verify", "--trust", stranger, picture)
    assert finished.code == 2 and "its root is not trusted here" in finished.stdout
    assert underpaint("verify", picture).code == 0


def test_a_changed_picture_leaves_with_3_though_its_credential_is_gone(generate, underpaint, picture, tmp_path):
    generate()
    image = read_picture(picture)
    image.putpixel((0, 0), (1, 2, 3, 255))
    stripped = save(image, tmp_path / "stripped.png")
    assert underpaint("verify", stripped).code == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--sign-key", "x.key"), "go together"),
        (("--sign-cert", "x.pem"), "go together"),
        (("--sign-key", "x.key", "--sign-cert", "x.pem", "--no-sign"), "means nothing with --no-sign"),
        (("--sign-key", "x.key", "--sign-cert", "x.pem"), "x.key cannot be read"),
    ],
)
def test_options_that_cannot_be_meant_leave_with_2_before_anything_is_drawn(generate, picture, options, message):
    finished = generate(*options)
    assert finished.code == 2 and message in finished.stderr and not picture.exists()


def test_a_wrong_key_leaves_with_2_and_one_that_others_may_read_with_6(generate, picture, own):
    key, certificate, root = own
    finished = generate("--sign-key", key, "--sign-cert", root)
    assert finished.code == 2 and "not that of the certificate" in finished.stderr and not picture.exists()
    key.chmod(0o644)
    assert generate("--sign-key", key, "--sign-cert", certificate).code == 6


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("signing.json", "{", "holds no settings"),
        ("signing.json", json.dumps({"key": "none.key", "certificate": "none.pem"}), "none.key cannot be read"),
        ("signing.pem", "damaged", "is not as underpaint wrote it"),
    ],
)
def test_what_cannot_sign_never_costs_a_picture(generate, picture, keys, name, text, message):
    keys.mkdir()
    (keys / name).write_text(text)
    (keys / name).chmod(0o600)
    finished = generate("-n", 2, "--json")
    assert finished.code == 0 and finished.json["signing"]["signed"] == 0
    assert finished.stderr.count("not signed") == 1 and message in finished.stderr
    with Image.open(picture) as image:
        image.load()


def test_without_the_extra_the_first_drawing_reads_as_a_success(generate, picture, keys, without_library):
    finished = generate()
    assert finished.code == 0 and picture.exists() and finished.stderr == "" and not keys.exists()
    reason = generate("--seed", 8, "--json").json["signing"]["reason"]
    assert pip_command("c2pa") in reason


def test_without_the_extra_settings_that_name_a_key_are_told_and_the_picture_is_kept(
    generate, picture, own, keys, without_library
):
    keys.mkdir()
    (keys / "signing.json").write_text(json.dumps({"key": str(own[0]), "certificate": str(own[1])}))
    finished = generate("-n", 2)
    assert finished.code == 0 and picture.exists()
    assert finished.stderr.count("not signed") == 1 and pip_command("c2pa") in finished.stderr


def test_without_the_extra_a_key_that_was_asked_for_is_refused(generate, picture, own, without_library):
    finished = generate("--sign-key", own[0], "--sign-cert", own[1])
    assert finished.code == 5 and pip_command("c2pa") in finished.stderr and not picture.exists()
