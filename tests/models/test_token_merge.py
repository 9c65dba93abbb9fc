from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from underpaint.models.token_merge import MergedAttention, grid_of, match

GRID = (4, 6)
TOKENS = 24


@pytest.fixture
def x() -> Tensor:
    return torch.randn(2, TOKENS, 8, generator=torch.Generator().manual_seed(1))


class Recorder(nn.Module):
    """Stands where attention does; answers with twice what it got."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def forward(self, hidden_states: Tensor, **_: object) -> Tensor:
        self.seen.append(hidden_states.shape[1])
        return 2 * hidden_states


def merged_by_loops(x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The same for one picture, token by token: what attention reads, and for every token the row of its answer."""
    targets = [r * GRID[1] + c for r in range(0, GRID[0], 2) for c in range(0, GRID[1], 2)]
    sources = [place for place in range(TOKENS) if place not in targets]
    best = []
    for source in sources:
        likeness = [float(torch.cosine_similarity(x[source], x[target], dim=0)) for target in targets]
        best.append((max(likeness), likeness.index(max(likeness))))
    order = sorted(range(len(sources)), key=lambda i: -best[i][0])
    gone, kept = order[:count], order[count:]
    groups = {index: [target] for index, target in enumerate(targets)}
    row = {sources[i]: n for n, i in enumerate(kept)} | {t: len(kept) + n for n, t in enumerate(targets)}
    for i in gone:
        groups[best[i][1]].append(sources[i])
        row[sources[i]] = len(kept) + best[i][1]
    means = [x[group].mean(dim=0) for group in groups.values()]
    return torch.stack([*(x[sources[i]] for i in kept), *means]), torch.tensor([row[place] for place in range(TOKENS)])


@pytest.mark.parametrize("count", [0, 5, 18])
def test_merging_is_what_loops_over_tokens_say(x: Tensor, count: int) -> None:
    merging = match(x, GRID, count)
    merged = merging.merge(x)
    for index in range(len(x)):
        expected, rows = merged_by_loops(x[index], count)
        torch.testing.assert_close(merged[index], expected)
        torch.testing.assert_close(merging.unmerge(merged)[index], expected[rows])


def test_merging_nothing_is_the_identity(x: Tensor) -> None:
    merging = match(x, GRID, 0)
    assert torch.equal(merging.unmerge(merging.merge(x)), x)


def test_equal_tokens_lose_nothing(x: Tensor) -> None:
    """Every cell of 2 x 2 tokens is of one color, so all but the targets can go."""
    cells = x[:, :6].view(2, 2, 1, 3, 1, 8).expand(-1, -1, 2, -1, 2, -1).reshape(2, TOKENS, 8)
    merging = match(cells, GRID, 18)
    assert merging.merge(cells).shape[1] == 6
    torch.testing.assert_close(merging.unmerge(merging.merge(cells)), cells)


def test_attention_sees_fewer_tokens_and_answers_all(x: Tensor) -> None:
    attention = Recorder()
    answer = MergedAttention(attention, 0.5, 16, 6 / 4)(x)
    assert attention.seen == [12] and answer.shape == x.shape


def test_what_is_small_masked_or_looks_elsewhere_is_left_alone(x: Tensor) -> None:
    attention = Recorder()
    for share, least, given in (
        (0.5, 25, {}),
        (0.0, 16, {}),
        (0.5, 16, {"encoder_hidden_states": x}),
        (0.5, 16, {"attention_mask": torch.zeros(2, TOKENS)}),
    ):
        assert torch.equal(MergedAttention(attention, share, least, 6 / 4)(x, **given), 2 * x)
    assert attention.seen == [TOKENS] * 4


def test_tokens_that_make_no_grid_have_none() -> None:
    assert grid_of(24, 1.5) == (4, 6) and grid_of(64, 1.0) == (8, 8)
    assert grid_of(23, 1.0) is None
