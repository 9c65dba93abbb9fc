"""Laws of edits in an engine: each is that of the library, and the graph that draws them is loaded once."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import underpaint
from underpaint.pipelines.editing import graph_editor
from underpaint.pipelines.editing.mask import Mask
from underpaint.pipelines.editing.planning import plan_edits
from underpaint.pipelines.editing.reading import Original, read_original
from underpaint.pipelines.editing.request import EditRequest
from underpaint.pipelines.generator import Generator
from underpaint.stages.serve.engine.artist import Artist
from underpaint.stages.serve.engine.edit_input import EditInput
from underpaint.stages.serve.engine.orders import Order, Preview

LEFT = Mask(inside=np.arange(32)[None].repeat(32, 0) < 13)
ASKED = EditRequest(prompt="a dog", seed=7)


@pytest.fixture(scope="module")
def exported(tiny_edit_export: Path) -> Generator:
    return underpaint.load(tiny_edit_export)


def original(color: tuple[int, int, int]) -> Original:
    return read_original(Image.new("RGBA", (32, 32), (*color, 255)), 32)


def order(generator: Generator, picture: Original, mask: Mask | None) -> Order:
    (settings,) = plan_edits(generator.model, picture, ASKED, mask)
    return Order(settings=settings, edit=EditInput.of(picture, mask))


def unseen(_number: int, _preview: Preview) -> None:
    pass


@pytest.mark.slow
def test_a_graph_that_edits_is_loaded_once_and_every_edit_is_of_its_own_picture(exported, monkeypatch):
    loaded: list[object] = []
    load = graph_editor.load_graph
    monkeypatch.setattr(graph_editor, "load_graph", lambda *given: loaded.append(given) or load(*given))
    asked = [(original((200, 30, 30)), None), (original((30, 30, 200)), LEFT), (original((200, 30, 30)), LEFT)]
    artist = Artist(exported)
    orders = [order(exported, *one) for one in asked]
    drawn = {number: finish() for number, finish in artist.draw(orders, lambda _number: False, unseen)}
    assert len(loaded) == 1
    for number, (picture, mask) in enumerate(asked):
        (alone,) = exported.edit(Image.fromarray(picture.pixels), ASKED, mask=mask)
        assert Image.open(io.BytesIO(drawn[number].data)).tobytes() == alone.tobytes()
        assert drawn[number].settings == alone.info["underpaint"]
