from __future__ import annotations

import pytest
import torch
from torch import Tensor

from underpaint.models.attention import Block
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig, TextStates
from underpaint.models.transformer import Condition, ScaleTransformer, TransformerConfig

SCHEDULE = (1, 2, 3, 4)
SIZES = [side * side for side in SCHEDULE]
CHANNELS = 4


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def transformer(stir) -> ScaleTransformer:
    config = TransformerConfig(
        schedule=SCHEDULE, n_logits=7, width=16, depth=3, heads=2, num_styles=2, text_width=8, latent_channels=CHANNELS
    )
    network = ScaleTransformer(config)
    stir(network)
    return network


@pytest.fixture
def text() -> TextStates:
    mask = torch.tensor([[True] * 5, [True, True, False, False, False], [True, True, True, True, False]])
    return TextStates(noise(3, 5, 8, seed=1), mask, noise(3, 8, seed=2))


STYLE = torch.tensor([0, 1, 2])


def seen_of(seed: int = 3) -> list[Tensor]:
    return [noise(3, size, CHANNELS, seed=seed + size) for size in SIZES[1:]]


def step_by_step(
    transformer: ScaleTransformer, condition: Condition, seen: list[Tensor], start: int = 0, cache=None
) -> tuple[Tensor, Tensor]:
    cache = transformer.read_text(condition) if cache is None else cache
    logits, hidden = [], []
    for scale in range(start, len(SCHEDULE)):
        one, states, cache = transformer.draw_scale(condition, cache, seen[scale - 1] if scale else None, scale)
        logits.append(one)
        hidden.append(states)
    return torch.cat(logits, dim=1), torch.cat(hidden, dim=1)


@torch.no_grad()
@pytest.mark.parametrize("drop", [None, torch.tensor([True, False, True])], ids=["captions", "some dropped"])
def test_drawing_scale_by_scale_with_a_cache_gives_the_logits_of_one_pass(transformer, text, drop):
    condition, seen = transformer.condition(text, STYLE, drop), seen_of()
    logits, hidden = transformer(condition, seen)
    cached_logits, cached_hidden = step_by_step(transformer, condition, seen)
    assert logits.shape == (3, sum(SIZES), 7) and logits.std() > 0.1
    torch.testing.assert_close(cached_logits, logits, atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(cached_hidden, hidden, atol=2e-5, rtol=1e-4)


@torch.no_grad()
def test_a_condition_that_is_ready_draws_the_same_to_the_bit_as_one_that_is_not_and_so_does_its_half(transformer, text):
    condition, seen = transformer.condition(text, STYLE), seen_of()
    ready = transformer.ready(condition)
    assert len(ready.changes) == len(transformer.blocks) and not condition.changes
    part = [s[:2] for s in seen]
    for one, other, given in ((condition, ready, seen), (condition.half(2), ready.half(2), part)):
        for plain, prepared in zip(
            step_by_step(transformer, one, given), step_by_step(transformer, other, given), strict=True
        ):
            assert torch.equal(plain, prepared)


def test_a_block_without_a_modulation_has_no_change():
    with pytest.raises(ValueError, match="not modulated"):
        Block(8, 2, modulated=False).change(torch.zeros(1, 6, 8), torch.float32)


@torch.no_grad()
def test_dropping_half_of_the_batch_from_the_cache_changes_nothing_for_the_other_half(transformer, text):
    condition, seen = transformer.condition(text, STYLE), seen_of()
    whole, _ = step_by_step(transformer, condition, seen)
    cache = transformer.read_text(condition)
    for scale in range(2):
        _, _, cache = transformer.draw_scale(condition, cache, seen[scale - 1] if scale else None, scale)
    c = condition
    part = Condition(c.prefix[:2], c.mask[:2], c.start[:2], c.modulation[:2], c.head[:2])
    sliced = [(k[:2], v[:2]) for k, v in cache]
    logits, _ = step_by_step(transformer, part, [s[:2] for s in seen], start=2, cache=sliced)
    torch.testing.assert_close(logits, whole[:2, sum(SIZES[:2]) :], atol=2e-5, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("scale", [1, 2, 3])
def test_what_a_scale_reads_changes_that_scale_and_later_ones_only(transformer, text, scale):
    condition, seen = transformer.condition(text, STYLE), seen_of()
    changed = list(seen)
    changed[scale - 1] = changed[scale - 1] + 1.0
    before, _ = transformer(condition, seen)
    after, _ = transformer(condition, changed)
    first = sum(SIZES[:scale])
    assert torch.equal(before[:, :first], after[:, :first])
    for later, part in enumerate((before - after).split(SIZES, dim=1)):
        assert bool((part.abs().amax(dim=(1, 2)) > 1e-4).all()) == (later >= scale)


@torch.no_grad()
def test_one_token_of_a_scale_is_seen_by_the_whole_scale(transformer, text):
    condition, seen = transformer.condition(text, STYLE), seen_of()
    changed = list(seen)
    changed[1] = changed[1].clone()
    changed[1][:, -1] += 3.0
    difference = (transformer(condition, seen)[0] - transformer(condition, changed)[0]).abs().amax(dim=(0, 2))
    assert (difference[5:14] > 1e-5).all() and (difference[:5] == 0).all()


@torch.no_grad()
def test_a_padded_text_position_changes_nothing(transformer, text):
    changed = torch.where(text.mask[..., None], text.tokens, text.tokens + 100.0)
    seen = seen_of()
    before, _ = transformer(transformer.condition(text, STYLE), seen)
    after, _ = transformer(transformer.condition(TextStates(changed, text.mask, text.pooled), STYLE), seen)
    assert torch.equal(before, after)
    shorter = TextStates(text.tokens[1:2, :2], text.mask[1:2, :2], text.pooled[1:2])
    alone, _ = transformer(transformer.condition(shorter, STYLE[1:2]), [s[1:2] for s in seen])
    torch.testing.assert_close(alone, before[1:2], atol=2e-5, rtol=1e-4)


@torch.no_grad()
def test_every_real_text_position_matters(transformer, text):
    condition, seen = transformer.condition(text, STYLE), seen_of()
    before, _ = transformer(condition, seen)
    for position in range(5):
        tokens = text.tokens.clone()
        tokens[:, position] += 1.0
        after, _ = transformer(transformer.condition(TextStates(tokens, text.mask, text.pooled), STYLE), seen)
        changed = (before - after).abs().amax(dim=(1, 2)) > 1e-5
        assert torch.equal(changed, text.mask[:, position])


@torch.no_grad()
def test_text_states_in_the_blocks_do_not_depend_on_the_picture(transformer, text):
    condition = transformer.condition(text, STYLE)
    states: list[list[Tensor]] = []
    for seed in (3, 30):
        kept: list[Tensor] = []
        hooks = [b.register_forward_hook(lambda *call, kept=kept: kept.append(call[2][0])) for b in transformer.blocks]
        transformer(condition, seen_of(seed))
        for hook in hooks:
            hook.remove()
        states.append(kept)
    for first, second in zip(*states, strict=True):
        torch.testing.assert_close(first[:, :5], second[:, :5], atol=0, rtol=0)
        assert not torch.equal(first[:, 5:], second[:, 5:])


@torch.no_grad()
def test_a_dropped_caption_leaves_no_trace_but_its_length(transformer, text):
    drop, seen = torch.tensor([True, True, True]), seen_of()
    other = TextStates(noise(3, 5, 8, seed=8), text.mask, noise(3, 8, seed=9))
    one, _ = transformer(transformer.condition(text, STYLE, drop), seen)
    two, _ = transformer(transformer.condition(other, STYLE, drop), seen)
    kept, _ = transformer(transformer.condition(other, STYLE, ~drop), seen)
    assert torch.equal(one, two) and not torch.allclose(one, kept, atol=1e-2)


@torch.no_grad()
def test_the_style_matters_and_has_a_row_for_none(transformer, text):
    assert transformer.any_style == 2
    seen = seen_of()
    drawn = [transformer(transformer.condition(text, torch.full((3,), s)), seen)[0] for s in range(3)]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert not torch.allclose(drawn[i], drawn[j], atol=1e-3)


def test_the_mask_is_that_of_a_slow_double_loop(transformer, text):
    scale_of = [None] * 5 + [i for i, size in enumerate(SIZES) for _ in range(size)]
    mask = transformer.mask(text.mask)
    for b in range(3):
        for i, row in enumerate(scale_of):
            for j, column in enumerate(scale_of):
                is_text = column is None
                expected = bool(text.mask[b, j]) if is_text else row is not None and column <= row
                assert bool(mask[b, i, j]) == expected, (b, i, j)


def test_spans_tile_the_sequence(transformer):
    spans = [transformer.span(scale) for scale in range(4)]
    assert spans == [(0, 1), (1, 5), (5, 14), (14, 30)]


@torch.no_grad()
def test_samples_of_a_batch_do_not_meet(transformer, text):
    seen = seen_of()
    whole, _ = transformer(transformer.condition(text, STYLE), seen)
    for b in range(3):
        one = TextStates(text.tokens[b : b + 1], text.mask[b : b + 1], text.pooled[b : b + 1])
        alone, _ = transformer(transformer.condition(one, STYLE[b : b + 1]), [s[b : b + 1] for s in seen])
        torch.testing.assert_close(alone, whole[b : b + 1], atol=2e-5, rtol=1e-4)


def gradients(transformer: ScaleTransformer, text: TextStates, generator: torch.Generator | None) -> list[Tensor]:
    transformer.train().zero_grad()
    logits, hidden = transformer(transformer.condition(text, STYLE), seen_of(), generator)
    (logits.square().mean() + hidden.sin().mean()).backward()
    return [p.grad.clone() for p in transformer.parameters() if p.grad is not None]


def test_checkpointing_gives_the_same_gradients(transformer, text):
    plain = gradients(transformer, text, None)
    transformer.use_checkpointing = True
    for one, two in zip(plain, gradients(transformer, text, None), strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-5)


def test_checkpointing_drops_the_same_paths(transformer, text):
    for block in transformer.blocks:
        block.drop_path = 0.5
    plain = gradients(transformer, text, torch.Generator().manual_seed(5))
    undropped = gradients(transformer, text, None)
    assert not all(torch.allclose(a, b) for a, b in zip(plain, undropped, strict=True))
    transformer.use_checkpointing = True
    for one, two in zip(plain, gradients(transformer, text, torch.Generator().manual_seed(5)), strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-5)


def test_every_parameter_gets_a_gradient_once_nothing_is_zero(transformer, text):
    transformer.train()
    drop = torch.tensor([True, False, False])
    transformer(transformer.condition(text, STYLE, drop), seen_of())[0].square().mean().backward()
    missing = [n for n, p in transformer.named_parameters() if p.grad is None or not p.grad.any()]
    assert missing == []


def test_fresh_weights_predict_almost_uniformly():
    config = TransformerConfig(schedule=SCHEDULE, n_logits=64, width=64, depth=2, heads=2, text_width=8)
    network = ScaleTransformer(config).eval()
    text = TextStates(noise(2, 3, 8), torch.ones(2, 3, dtype=torch.bool), noise(2, 8))
    seen = [noise(2, size, 16) for size in SIZES[1:]]
    with torch.no_grad():
        logits, _ = network(network.condition(text, torch.tensor([0, 4])), seen)
    entropy = torch.distributions.Categorical(logits=logits).entropy()
    assert entropy.min() > 0.97 * torch.tensor(64.0).log()


@pytest.fixture
def text_encoder(stir) -> TextEncoder:
    encoder = TextEncoder(TextEncoderConfig(vocab_size=11, width=16, depth=2, heads=2, max_tokens=6))
    encoder.table.copy_(noise(11, 16, seed=4).to(torch.float16))
    encoder.weight.copy_(torch.linspace(0.2, 1.0, 11))
    stir(encoder)
    return encoder


@torch.no_grad()
def test_a_padded_id_changes_no_text_state(text_encoder):
    ids = torch.tensor([[3, 4, 5, 0, 0, 0]])
    mask = ids > 0
    other = torch.where(mask, ids, 9)
    before, after = text_encoder(ids, mask), text_encoder(other, mask)
    assert torch.equal(before.tokens[:, :3], after.tokens[:, :3]) and torch.equal(before.pooled, after.pooled)
    short = text_encoder(ids[:, :3], mask[:, :3])
    torch.testing.assert_close(short.tokens, before.tokens[:, :3], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(short.pooled, before.pooled, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_words_their_order_and_their_weights_matter(text_encoder):
    mask = torch.ones(1, 3, dtype=torch.bool)
    base = text_encoder(torch.tensor([[3, 4, 5]]), mask).pooled
    for ids in ([3, 4, 6], [5, 4, 3]):
        assert not torch.allclose(text_encoder(torch.tensor([ids]), mask).pooled, base, atol=1e-3)
    text_encoder.weight[4] = 0.9
    assert not torch.allclose(text_encoder(torch.tensor([[3, 4, 5]]), mask).pooled, base, atol=1e-3)


def test_the_text_table_is_frozen(text_encoder):
    names = {name for name, _ in text_encoder.named_parameters()}
    assert "table" not in names and "weight" not in names
    assert {"table", "weight"} <= set(text_encoder.state_dict())
