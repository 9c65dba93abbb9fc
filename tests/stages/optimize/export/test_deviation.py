from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from underpaint.core.tensor_spec import TensorSpec
from underpaint.pipelines.exported_folder import PICTURE
from underpaint.pipelines.noise import NoiseStream
from underpaint.runtime.engine import EngineName
from underpaint.stages.optimize.export.deviation import Deviation, Yardstick, by_scale, forced, unforced

STREAMS = (
    NoiseStream(name="tokens-1", kind="gumbel", shape=(1, 7)),
    NoiseStream(name="tokens-2", kind="gumbel", shape=(4, 7)),
    NoiseStream(name="residual", kind="normal", shape=(3, 2, 2)),
)
SCORES = ("first", "second", "third")


class Choosing:
    """A graph that chooses one token, then four that depend on it, and paints the sum of its choices.

    Args:
        error: Added to the logits of the second scale, to make another graph of it.
        shade: Added to all pixels.
    """

    name: EngineName = "onnx"
    inputs: Mapping[str, TensorSpec] = {}
    outputs = (PICTURE, *SCORES)

    def __init__(self, error: float = 0.0, shade: int = 0) -> None:
        self._error = error * np.random.default_rng(5).standard_normal((1, 4, 7))
        self._table = np.random.default_rng(6).standard_normal((7, 1, 4, 7))
        self._shade = shade

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        first = feeds["tokens-1"]
        (token,) = first.argmax(axis=-1)[0]
        second = feeds["tokens-2"] + self._table[token] + self._error
        value = 10 * token + second.argmax(axis=-1).sum() + self._shade
        picture = np.full((1, 8, 8, 4), 255, np.uint8)
        picture[..., :3] = value
        return {PICTURE: picture, "first": first, "second": second[:, :3], "third": second[:, 3:]}


def feeds(number: int) -> list[dict[str, np.ndarray]]:
    return [{stream.name: stream.draw([seed]) for stream in STREAMS} for seed in range(number)]


def test_scores_are_put_together_by_stream_in_the_order_of_the_choices():
    outputs = Choosing().run(feeds(1)[0])
    found = by_scale(outputs, SCORES, STREAMS)
    assert list(found) == ["tokens-1", "tokens-2"]
    assert np.array_equal(found["tokens-2"], np.concatenate([outputs["second"], outputs["third"]], axis=1))


@pytest.mark.parametrize("watched", [SCORES[:2], (*SCORES, "first"), (), ("second", "first", "third")])
def test_scores_that_are_not_those_of_the_streams_are_left_out_altogether(watched: tuple[str, ...]):
    assert by_scale(Choosing().run(feeds(1)[0]), watched, STREAMS) == {}


def test_a_graph_is_made_to_choose_any_tokens_and_what_it_would_have_chosen_is_read():
    rng = np.random.default_rng(1)
    for given in feeds(20):
        own = Choosing().run(given)
        wanted = {name: rng.integers(0, 7, (1, n)) for name, n in (("tokens-1", 1), ("tokens-2", 4))}
        made = by_scale(Choosing().run(forced(given, wanted)), SCORES, STREAMS)
        assert all(np.array_equal(made[name].argmax(axis=-1), chosen) for name, chosen in wanted.items())
        same_start = {"tokens-1": own["first"].argmax(axis=-1), "tokens-2": wanted["tokens-2"]}
        read = by_scale(Choosing().run(forced(given, same_start)), SCORES, STREAMS)["tokens-2"]
        due = by_scale(own, SCORES, STREAMS)["tokens-2"].argmax(axis=-1)
        assert np.array_equal(unforced(read, wanted["tokens-2"]), due)


def test_forcing_leaves_what_was_given_as_it_was():
    given = feeds(1)[0]
    before = {name: array.copy() for name, array in given.items()}
    forced(given, {"tokens-1": np.array([[3]])})
    assert all(np.array_equal(given[name], before[name]) for name in given)


def test_a_graph_is_as_near_as_can_be_to_itself():
    yardstick = Yardstick(Choosing(), feeds(5), SCORES, STREAMS)
    assert yardstick.measure(Choosing()) == Deviation(changed=(0.0, 0.0), levels=0.0)


def test_tokens_and_levels_are_told_apart():
    """Other tokens of one scale change no pixel, since they are forced; other pixels change no token."""
    yardstick = Yardstick(Choosing(), feeds(200), SCORES, STREAMS)
    wrong = yardstick.measure(Choosing(error=0.5))
    assert wrong.levels == 0.0 and wrong.changed[0] == 0.0 < wrong.changed[1] and wrong.tokens == wrong.changed[1] / 2
    worse = yardstick.measure(Choosing(error=2.0))
    assert wrong.changed[1] < worse.changed[1] <= 1.0
    assert yardstick.measure(Choosing(shade=8)) == Deviation(changed=(0.0, 0.0), levels=8 * 3 / 4)


def test_a_graph_that_chooses_nothing_is_measured_by_its_pixels():
    found = Yardstick(Choosing(), feeds(3), (), STREAMS).measure(Choosing(shade=4))
    assert found == Deviation(changed=(), levels=3.0) and found.tokens == 0.0
