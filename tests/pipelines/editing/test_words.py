from __future__ import annotations

import pytest
import torch

from underpaint.models.text_encoder import TextStates
from underpaint.pipelines.editing.words import mixed, states_of
from underpaint.pipelines.editing_record import EditRecord
from underpaint.pipelines.settings import Settings

SETTINGS = Settings(
    prompt="a cat", caption="a cat", seed=7, size="32x32", model="m", model_sha256="0" * 64, version="0"
)


def text(tokens: int, seed: int) -> TextStates:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.arange(6)[None] < tokens
    return TextStates(torch.randn(1, 6, 8, generator=generator), mask, torch.randn(1, 8, generator=generator))


@pytest.mark.parametrize(("share", "whole"), [(0.0, 0), (1.0, 1)])
@pytest.mark.parametrize(("one", "other"), [(2, 5), (5, 2), (3, 3)])
def test_a_share_of_none_or_all_is_one_text_alone(share, whole, one, other):
    texts = text(one, 1), text(other, 2)
    result = mixed(*texts, share=share)
    assert torch.equal(result.mask, texts[whole].mask) and torch.equal(result.pooled, texts[whole].pooled)
    assert torch.equal(result.tokens[result.mask], texts[whole].tokens[texts[whole].mask])


def test_between_them_common_places_are_mixed_and_the_others_are_their_texts_own():
    first, second = text(2, 1), text(5, 2)
    result = mixed(first, second, share=0.25)
    torch.testing.assert_close(result.tokens[:, :2], 0.75 * first.tokens[:, :2] + 0.25 * second.tokens[:, :2])
    torch.testing.assert_close(result.tokens[:, 2:5], second.tokens[:, 2:5])
    torch.testing.assert_close(result.pooled, 0.75 * first.pooled + 0.25 * second.pooled)
    assert result.mask.tolist() == [[True] * 5 + [False]]
    back = mixed(second, first, share=0.75)
    torch.testing.assert_close(result.tokens, back.tokens)


@torch.inference_mode()
def test_without_words_the_text_is_the_learned_null(generator):
    pipeline = generator.networks
    record = EditRecord(picture_sha256="0" * 64, strength=0.5)
    states = states_of(pipeline, SETTINGS.model_copy(update={"caption": "", "edit": record}))
    assert torch.equal(states.pooled[0], pipeline.network.null_embedding) and states.mask.any()


@torch.inference_mode()
def test_words_are_encoded_and_mixed_as_the_settings_say(generator):
    pipeline = generator.networks
    cat, dog = pipeline.encode_text(["a cat"]), pipeline.encode_text(["a red dog"])
    assert torch.equal(states_of(pipeline, SETTINGS).tokens, cat.tokens)
    record = EditRecord(picture_sha256="0" * 64, strength=0.5, mix="a red dog", mix_share=0.3)
    states = states_of(pipeline, SETTINGS.model_copy(update={"edit": record}))
    assert torch.equal(states.pooled, mixed(cat, dog, share=0.3).pooled)
