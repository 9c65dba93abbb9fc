from __future__ import annotations

import pytest
import torch

from underpaint.learning.seeding import initialized_by
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig, TextStates

CONFIG = TextEncoderConfig(vocab_size=12, width=16, depth=2, heads=2, max_tokens=8)
IDS = torch.tensor([[3, 5, 7, 0], [4, 0, 0, 0], [9, 2, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0]], dtype=torch.bool)


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    with initialized_by(0):
        encoder = TextEncoder(CONFIG)
    generator = torch.Generator().manual_seed(1)
    encoder.table.copy_(torch.randn(12, 16, generator=generator))
    encoder.weight.copy_(torch.rand(12, generator=generator) + 0.1)
    for parameter in encoder.parameters():  # a fresh block is the identity, so words would not meet
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator)
    return encoder.eval().requires_grad_(False)


def test_padding_changes_neither_the_words_nor_the_whole(encoder):
    longer = torch.nn.functional.pad(IDS, (0, 3), value=11), torch.nn.functional.pad(MASK, (0, 3))
    short, long = encoder(IDS, MASK), encoder(*longer)
    torch.testing.assert_close(long.tokens[:, :4][MASK], short.tokens[MASK])
    torch.testing.assert_close(long.pooled, short.pooled)


def test_a_text_in_a_batch_is_the_text_alone(encoder):
    together = encoder(IDS, MASK)
    for row in range(len(IDS)):
        alone = encoder(IDS[row : row + 1], MASK[row : row + 1])
        torch.testing.assert_close(together.pooled[row : row + 1], alone.pooled)
        torch.testing.assert_close(together.tokens[row][MASK[row]], alone.tokens[0][MASK[row]])


def test_the_order_of_words_matters(encoder):
    turned = encoder(IDS[:1, [2, 1, 0, 3]], MASK[:1])
    assert not torch.allclose(turned.pooled, encoder(IDS[:1], MASK[:1]).pooled, atol=1e-4)


def test_words_that_were_looked_up_give_the_same_states(encoder):
    looked_up, whole = encoder.read(encoder.look_up(IDS, MASK)), encoder(IDS, MASK)
    assert torch.equal(looked_up.tokens, whole.tokens) and torch.equal(looked_up.pooled, whole.pooled)


def test_table_and_frequencies_are_no_parameters_but_are_saved():
    encoder = TextEncoder(CONFIG)
    assert not {"table", "weight"} & {name for name, _ in encoder.named_parameters()}
    assert {"table", "weight"} <= encoder.state_dict().keys()
    states = encoder.train()(IDS, MASK)
    (states.pooled.sum() + states.tokens.sum()).backward()
    assert encoder.table.grad is None and encoder.position_embedding.grad is not None


def test_a_dropped_text_says_nothing_but_how_long_it_is(encoder):
    null = torch.arange(16.0)
    states = encoder(IDS, MASK)
    dropped = states.without(torch.tensor([True, False, True]), null)
    assert torch.equal(dropped.mask, MASK)
    assert torch.equal(dropped.tokens[[0, 2]], null.expand(2, 4, 16)) and torch.equal(dropped.pooled[0], null)
    assert torch.equal(dropped.tokens[1], states.tokens[1]) and torch.equal(dropped.pooled[1], states.pooled[1])
    assert states.without(None, null) is states


def test_a_guided_batch_holds_every_text_twice_and_drops_the_second_half(encoder):
    states, style = encoder(IDS, MASK), torch.tensor([1, 0, 2])
    both, styles, drop = states.with_and_without(style, 4)
    assert isinstance(both, TextStates) and styles.tolist() == [1, 0, 2, 4, 4, 4]
    assert drop.tolist() == [False] * 3 + [True] * 3
    for part in ("tokens", "mask", "pooled"):
        first, second = getattr(both, part).chunk(2)
        assert torch.equal(first, getattr(states, part)) and torch.equal(second, first)
