from __future__ import annotations

import json
from pathlib import Path

import pytest

from underpaint.core.errors import DataError
from underpaint.stages import train
from underpaint.stages.data.license import obligations
from underpaint.stages.data.notices import attribution
from underpaint.stages.data.sources import Evidence
from underpaint.stages.train.dataset import obligations_of
from underpaint.stages.train.owed import with_credits


def source(name: str, credit: str) -> Evidence:
    return Evidence(
        source=name,
        purl=f"pkg:generic/{name}@1",
        role="pictures",
        author=name,
        stated="CC-BY-4.0",
        upstream=None,
        verified=None,
        sha256="0" * 64,
        credit=credit,
    )


def data(folder: Path, *credit: str) -> Path:
    sources = [source(words.lower(), words) for words in credit] or [source("nobody", "")]
    folder.mkdir()
    paper = attribution(sources, obligations(sources), {})
    (folder / "attribution.json").write_text(json.dumps(paper), encoding="utf-8")
    return folder


def test_what_a_data_set_asks_for_is_what_a_model_hands_on(tmp_path: Path) -> None:
    one, other = data(tmp_path / "one", "Ann", "Ben"), data(tmp_path / "other", "Ben", "Cleo")
    assert obligations_of(one).credits == ("Ann", "Ben")
    assert with_credits({"loss": 1.0}, one, other) == {"loss": 1.0, "credits": ["Ann", "Ben", "Cleo"]}


def test_credits_of_the_model_that_was_the_start_stay(tmp_path: Path) -> None:
    one = data(tmp_path / "one", "Ann")
    assert with_credits({"credits": ["Dora"]}, one)["credits"] == ["Dora", "Ann"]
    assert with_credits({}, one, start={"credits": ["Dora", "Ann"]})["credits"] == ["Dora", "Ann"]


def test_who_owes_nobody_says_nothing(tmp_path: Path) -> None:
    assert with_credits({"loss": 1.0}, data(tmp_path / "one"), tmp_path / "without") == {"loss": 1.0}


def test_an_attribution_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "attribution.json").write_text("[]")
    with pytest.raises(DataError, match=r"attribution\.json cannot be read"):
        obligations_of(tmp_path)


def test_every_pipeline_that_is_made_tells_its_credits() -> None:
    files = [path.read_text(encoding="utf-8") for path in Path(train.__path__[0]).rglob("*.py")]
    makers = [text for text in files if "return made_pipeline(" in text]
    assert len(makers) == 4 and all("with_credits(" in text for text in makers)
