"""Answers to durable jobs whose pictures are kept no longer."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from underpaint.core.errors import FieldError
from underpaint.stages.serve.answering.jobs import _picture
from underpaint.stages.serve.store import PictureStore

IMAGE = {"pixel_sha256": "a" * 64, "output_format": "png"}


@pytest.mark.parametrize("goes", ["before it is looked for", "between looking and reading"])
def test_a_picture_that_is_gone_is_an_answer_and_no_defect(tmp_path, monkeypatch, goes):
    store = PictureStore(tmp_path / "pictures")
    path = store.put(b"a picture", IMAGE["pixel_sha256"], "png")
    found = store.find(IMAGE["pixel_sha256"], "png")
    assert found is not None and found[0] == path
    if goes == "between looking and reading":
        monkeypatch.setattr(store, "find", lambda *_asked: found)
    path.unlink()
    desk = SimpleNamespace(service=SimpleNamespace(store=store))
    with pytest.raises(FieldError, match="kept no longer") as caught:
        asyncio.run(_picture(desk, IMAGE, wish=None))  # pyright: ignore[reportArgumentType]
    assert caught.value.code == "image_not_found"
