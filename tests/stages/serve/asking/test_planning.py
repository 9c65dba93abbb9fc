"""Laws of requests: complete settings with fixed seeds, and every mistake with the name of its field."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from underpaint.core.errors import FieldError
from underpaint.pipelines.settings import SEED_MAX
from underpaint.stages.serve.asking.planning import owner_of, wish_of
from underpaint.stages.serve.asking.request import GenerationRequest
from underpaint.stages.serve.engine.catalog import Catalog, open_catalog


@pytest.fixture(scope="module")
def catalog(tiny_model) -> Catalog:
    return Catalog(
        [
            open_catalog({"stickers": None}).default,
            open_catalog({"tiny": str(tiny_model)}, engine="torch").default,
        ]
    )


def asked(**fields: Any) -> GenerationRequest:
    return GenerationRequest(**{"prompt": "A  Red Apple", **fields})


def test_the_pictures_of_a_request_have_seeds_in_a_row(catalog):
    wish = wish_of(asked(n=3, seed=7, style="flat"), catalog, watermark="cosines-1/public")
    assert [order.settings.seed for order in wish.orders] == [7, 8, 9]
    first = wish.settings
    assert (first.prompt, first.caption, first.style) == ("A  Red Apple", "a red apple", "flat")
    assert (first.size, first.watermark, first.background) == ("64x64", "cosines-1/public", "transparent")
    assert first.model_sha256 == wish.served.model.digest


def test_a_seed_that_is_missing_is_drawn(catalog):
    assert wish_of(asked(), catalog).settings.seed != wish_of(asked(), catalog).settings.seed


def test_null_is_the_same_as_leaving_a_field_out(catalog):
    optional = [name for name in GenerationRequest.model_fields if name != "prompt"]
    nulls = wish_of(asked(**{**dict.fromkeys(optional), "seed": 1}), catalog)
    assert nulls == wish_of(asked(seed=1), catalog)


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"model": "nothing"}, "model", "model_not_found"),
        ({"size": "128x128"}, "size", "unsupported_size"),
        ({"style": "vivid"}, "style", "invalid_value"),
        ({"moderation": "low"}, "moderation", "unsupported_parameter"),
        ({"negative_prompt": "ugly"}, "negative_prompt", "unsupported_parameter"),
        ({"sampler": "euler"}, "sampler", "unsupported_parameter"),
        ({"quality": "high"}, "quality", "unsupported_parameter"),
        ({"quality": "medium", "steps": 2}, "quality", "invalid_value"),
        ({"steps": 9}, "steps", "invalid_value"),
        ({"output_format": "jpeg", "background": "transparent"}, "background", "invalid_value"),
        ({"output_compression": 50}, "output_compression", "invalid_value"),
        ({"n": 2, "seed": SEED_MAX}, "seed", "invalid_value"),
        ({"prompt": "   "}, "prompt", "invalid_value"),
        ({"prompt": "a\0b"}, "prompt", "invalid_value"),
        ({"prompt": "x" * 401}, "prompt", "invalid_value"),
    ],
)
def test_what_cannot_be_done_names_its_field(catalog, fields, param, code):
    with pytest.raises(FieldError) as refused:
        wish_of(asked(**fields), catalog)
    assert (refused.value.param, refused.value.code) == (param, code)


def test_without_a_model_the_size_chooses_who_draws_and_the_first_draws_any(catalog):
    who = {size: wish_of(asked(size=size), catalog).served.name for size in (None, "auto", "64x64", "32x32")}
    assert who == {None: "stickers", "auto": "stickers", "64x64": "stickers", "32x32": "tiny"}
    assert wish_of(asked(size="32x32"), catalog).settings.size == "32x32"


def test_a_size_that_is_not_drawn_is_told_with_those_there_are_and_who_draws_it(catalog):
    def told(catalog: Catalog, **fields: Any) -> str:
        with pytest.raises(FieldError) as refused:
            wish_of(asked(**fields), catalog)
        return str(refused.value)

    assert told(catalog, size="1x1") == (
        "no model here draws pictures of this size, got size '1x1'; use auto, 64x64 or 32x32"
    )
    assert told(catalog, size="32x32", model="stickers") == (
        "stickers draws pictures of 64x64 alone, got size '32x32'; use auto or 64x64, or the model tiny"
    )
    alone = Catalog([catalog.default])
    assert told(alone, size="32x32") == "stickers draws pictures of 64x64 alone, got size '32x32'; use auto or 64x64"


@pytest.mark.parametrize("fields", [{"n": "2"}, {"n": 2.0}, {"n": True}, {"stream": 1}, {"seed": "7"}, {"other": 1}])
def test_values_of_another_kind_are_not_read_as_if_they_were_right(fields):
    with pytest.raises(ValidationError):
        asked(**fields)


def test_quality_is_a_number_of_steps_by_name(catalog):
    presets = {"low": 1, "high": 4}
    steps = {
        quality: wish_of(asked(model="tiny", quality=quality), catalog, presets=presets).settings.steps
        for quality in ("auto", "medium", "standard", "low", "high", "hd")
    }
    assert steps == {"auto": 2, "medium": 2, "standard": 2, "low": 1, "high": 4, "hd": 4}


def test_a_release_names_a_model_too(catalog):
    assert wish_of(asked(model=catalog.default.release), catalog).served.name == "stickers"


def test_a_jpeg_is_opaque_and_words_beyond_the_alphabet_of_the_reader_are_counted(catalog):
    wish = wish_of(asked(prompt="red apple " * 1000, output_format="jpeg", output_compression=80), catalog)
    assert wish.settings.background == "#ffffff"
    assert wish.words_cut + len(wish.settings.caption.split()) == 2000
    assert len(wish.settings.caption) <= 400 and wish.orders[0].compression == 80


def test_users_of_a_key_are_told_apart_and_their_names_not_kept():
    assert owner_of("key", None) == "key"
    assert owner_of("key", "ann") != owner_of("key", "ben")
    assert "ann@example.org" not in owner_of("key", "ann@example.org")


def test_all_mistakes_of_a_request_are_told_together_with_the_field_of_the_first(catalog):
    fields = {"size": "1x1", "style": "vivid", "sampler": "euler", "steps": 3, "quality": "high", "n": 2}
    fields |= {"seed": SEED_MAX, "output_format": "jpeg", "background": "transparent", "prompt": "a\0b"}
    with pytest.raises(FieldError) as caught:
        wish_of(asked(**fields), catalog)
    assert (caught.value.param, caught.value.code) == ("size", "unsupported_size")
    message = str(caught.value)
    words = (
        "7 mistakes: ",
        "pictures of this size",
        "no sampler",
        "NUL",
        "vivid",
        "seeds",
        "steps or quality",
        "transparent;",
    )
    assert all(each in message for each in words), message
