from __future__ import annotations

import json

import pytest

from underpaint.core.errors import InputError
from underpaint.pipelines.editing_record import EditRecord
from underpaint.pipelines.settings import SEED_MAX, Settings
from underpaint.pipelines.sticker_record import StickerRecord
from underpaint.pipelines.upscaling_record import UpscaleRecord

FULL = Settings(
    prompt="A smiling Cat ☃",
    caption="a smiling cat snowman",
    style="flat",
    seed=7,
    guidance=1.5,
    temperature=1.0,
    steps=2,
    size="64x64",
    background="#ffcc00",
    model="stickers-64",
    model_sha256="0" * 64,
    version="0.1.0",
    pixel_sha256="a" * 64,
)


def changed(**values: object) -> str:
    return json.dumps(json.loads(FULL.to_json()) | values)


def test_settings_survive_json():
    assert Settings.from_json(FULL.to_json(), source="x") == FULL
    assert "☃" in FULL.to_json()


def test_the_identity_is_what_decides_the_pixels():
    same = {"prompt": "other words", "model": "renamed", "engine": "onnx", "version": "9", "pixel_sha256": None}
    for field, value in same.items():
        assert FULL.model_copy(update={field: value}).identity == FULL.identity, field
    different = {
        "caption": "dog",
        "style": None,
        "seed": 8,
        "guidance": 2.0,
        "temperature": 0.5,
        "steps": 3,
        "size": "32x32",
        "background": "transparent",
        "model_sha256": "1" * 64,
        "watermark": "cosines-1/public",
        "edit": EditRecord(picture_sha256="1" * 64, strength=0.5),
        "sticker": StickerRecord(picture_sha256="1" * 64, size="32x32", place="slack", item="emoji"),
        "upscale": UpscaleRecord(picture_sha256="1" * 64, size="32x32", upscaler="u", upscaler_sha256="2" * 64),
    }
    for field, value in different.items():
        assert FULL.model_copy(update={field: value}).identity != FULL.identity, field
    assert {*same, *different, "schema_version"} == set(Settings.model_fields)


def test_the_request_carries_what_the_pipeline_needs():
    request = FULL.request
    assert (request.caption, request.style, request.seed) == ("a smiling cat snowman", "flat", 7)
    assert (request.guidance, request.temperature, request.steps) == (1.5, 1.0, 2)


OLD = (
    '{"schema_version": 1, "prompt": "A smiling Cat ☃", "caption": "a smiling cat snowman", "style": "flat", "seed": 7,'
    ' "guidance": 1.5, "temperature": 1.0, "steps": 2, "size": "64x64", "background": "#ffcc00", "model":'
    ' "stickers-64", "model_sha256": "0000000000000000000000000000000000000000000000000000000000000000", "version":'
    ' "0.1.0", "pixel_sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'
)
"""What version 1 wrote, before there were engines and watermarks."""


def test_pictures_of_the_first_version_are_still_read():
    old = Settings.from_json(OLD, source="x")
    assert old == FULL and (old.engine, old.watermark) == (None, None)
    assert Settings.from_json(old.to_json(), source="x") == old


def test_a_reader_of_the_first_version_sees_by_the_number_that_it_cannot_read_what_is_written_now():
    unknown_to_it = json.loads(FULL.to_json()).keys() - json.loads(OLD).keys()
    assert unknown_to_it == {"engine", "watermark"} and json.loads(FULL.to_json())["schema_version"] == 2


def test_the_identity_outlives_the_version_of_the_record():
    assert FULL.identity.startswith('{"background":"#ffcc00","caption":"a smiling cat snowman","guidance":1.5,')
    assert json.loads(FULL.identity)["schema_version"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not written by underpaint"),
        ("Steps: 20, Sampler: Euler a, Seed: 1", "not written by underpaint"),
        ("[]", "not written by underpaint"),
        ("{}", "not written by underpaint"),
        ('{"seed": 1, "seed": 2}', "not written by underpaint"),
        ("[" * 100_000, "not written by underpaint"),
        (changed(seed=float("nan")), "not written by underpaint"),
        (changed(schema_version=3), "settings of version 3 cannot be read, only those of 1 and 2; update underpaint"),
        (changed(extra=1), "extra"),
        (changed(seed=-1), "seed"),
        (changed(seed=SEED_MAX + 1), "seed"),
        (changed(size="64"), "size"),
        (changed(size="100000x1"), "size"),
        (changed(background="red; rm -rf"), "background"),
        (changed(model_sha256="xyz"), "model_sha256"),
        (changed(guidance=1e9), "guidance"),
        (changed(caption=""), "caption"),
    ],
)
def test_foreign_or_impossible_settings_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        Settings.from_json(text, source="x.png")


def test_only_an_edit_may_have_no_words():
    record = EditRecord(picture_sha256="1" * 64, strength=0.5)
    wordless = Settings.parse(FULL.model_dump() | {"prompt": "", "caption": "", "edit": record}, source="x")
    assert Settings.from_json(wordless.to_json(), source="x") == wordless
    with pytest.raises(InputError, match="caption must have at least 1 character"):
        Settings.from_json(changed(caption=""), source="x")


def test_settings_of_before_there_were_edits_are_written_as_they_were():
    assert "edit" not in json.loads(FULL.to_json())
