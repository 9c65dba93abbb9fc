from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpaint.adapters.mlcroissant import read_records, validate
from underpaint.core.errors import DataError
from underpaint.core.samples import SAMPLES, read_samples
from underpaint.stages.data.card import CARD
from underpaint.stages.data.card_check import card_problems, refuse_card
from underpaint.stages.data.responsible import RAI_FIELDS

Card = dict[str, Any]


@pytest.fixture
def folder(small: Path) -> Path:
    return small


@pytest.fixture
def change(folder: Path) -> Callable[[Callable[[Card], object]], None]:
    """Change the card that lies in the folder."""

    def apply(edit: Callable[[Card], object]) -> None:
        card = json.loads((folder / CARD).read_text())
        edit(card)
        (folder / CARD).write_text(json.dumps(card))

    return apply


def test_the_card_is_valid_for_both(folder: Path) -> None:
    assert card_problems(folder) == []
    assert validate(folder / CARD) == []


def test_all_twenty_rai_fields_are_there(folder: Path) -> None:
    card = json.loads((folder / CARD).read_text())
    assert len(RAI_FIELDS) == 20
    assert all(card[f"rai:{name}"] not in ("", [], None) for name in RAI_FIELDS)


def rename(card: Card, old: str, new: str) -> None:
    card[new] = card.pop(old)


BLIND_SPOTS: dict[str, tuple[Callable[[Card], object], str]] = {
    "a misspelt RAI name": (lambda c: rename(c, "rai:dataBiases", "rai:dataBiasses"), "rai:dataBiasses is no name"),
    "mlcroissant's own spelling of the timeframe": (
        lambda c: rename(c, "rai:dataCollectionTimeframe", "rai:dataCollectionTimeFrame"),
        "rai:dataCollectionTimeframe is missing",
    ),
    "mlcroissant's own spelling of manipulation": (
        lambda c: rename(c, "rai:dataManipulationProtocol", "rai:dataDataManipulationProtocol"),
        "rai:dataManipulationProtocol is missing",
    ),
    "a missing RAI field": (lambda c: c.pop("rai:dataLimitations"), "rai:dataLimitations is missing"),
    "a missing synthetic-data flag": (lambda c: c.pop("rai:hasSyntheticData"), "rai:hasSyntheticData is missing"),
    "an empty RAI field": (lambda c: c.update({"rai:dataCollection": " "}), "rai:dataCollection is empty"),
    "no license": (lambda c: c.pop("license"), "license is missing"),
    "any text as a license": (lambda c: c.update(license="free as in beer"), "free as in beer"),
    "an unknown SPDX page": (lambda c: c.update(license=["https://spdx.org/licenses/Banana"]), "Banana"),
    "another license than the sources'": (
        lambda c: c.update(license=["https://spdx.org/licenses/MIT"]),
        "attribution.json names",
    ),
    "no provenance": (lambda c: c.pop("prov:wasGeneratedBy"), "prov:wasGeneratedBy is missing"),
    "a bad package URL": (lambda c: c.update({"prov:wasDerivedFrom": [{"@id": "noto"}]}), "'noto' is no package URL"),
    "a wrong count": (lambda c: c["variableMeasured"][0].update(value=61), "'samples' is 61, counted 60"),
    "a count that is left out": (lambda c: c["variableMeasured"].pop(), "is None, counted"),
    "a wrong number in words": (lambda c: c.update(description="61 small drawings"), "number of samples, 60"),
    "a wrong size": (lambda c: c["distribution"][0].update(contentSize="1 B"), "contentSize"),
    "a hash of another file": (lambda c: c["distribution"][0].update(sha256="0" * 64), "sha256"),
    "pictures that are not there": (lambda c: c["distribution"][-1].update(includes="images/flat/*.png"), "30 files"),
    "a field that samples lack": (lambda c: c["recordSet"][1]["field"].pop(0), "recordSet samples"),
    "an unknown name": (lambda c: c.update(licence="MIT"), "licence is no name"),
    "http for schema.org": (lambda c: c["@context"].update(sc="http://schema.org/"), "@context"),
    "no RAI conformance": (lambda c: c.update(conformsTo=["http://mlcommons.org/croissant/1.1"]), "conformsTo"),
    "a version that is none": (lambda c: c.update(version="one"), "version"),
    "a date that is none": (lambda c: c.update(datePublished="yesterday"), "datePublished"),
    "an address that is none": (lambda c: c.update(url="here"), "url"),
}


@pytest.mark.parametrize(("edit", "expected"), BLIND_SPOTS.values(), ids=BLIND_SPOTS)
def test_what_is_not_true_is_found(
    folder: Path, change: Callable, edit: Callable[[Card], object], expected: str
) -> None:
    change(edit)
    problems = card_problems(folder)
    assert any(expected in problem for problem in problems), problems
    with pytest.raises(DataError, match="problem"):
        refuse_card(folder)


@pytest.mark.parametrize(
    "spot", ["a misspelt RAI name", "a missing RAI field", "any text as a license", "a wrong count"]
)
def test_mlcroissant_alone_would_let_it_pass(folder: Path, change: Callable, spot: str) -> None:
    change(BLIND_SPOTS[spot][0])
    validate(folder / CARD)


@pytest.mark.parametrize(
    "edit",
    [
        lambda c: c["distribution"][0].pop("sha256"),
        lambda c: c["recordSet"][1]["field"][0]["source"]["fileObject"].update({"@id": "nowhere"}),
        lambda c: c.update({"@type": "sc:Thing"}),
    ],
)
def test_what_mlcroissant_refuses_is_one_data_error(folder: Path, change: Callable, edit: Callable) -> None:
    change(edit)
    with pytest.raises(DataError, match="mlcroissant refuses"):
        validate(folder / CARD)


@pytest.mark.parametrize("text", ["", "[]", "{", '"card"'])
def test_a_broken_card_is_one_data_error(folder: Path, text: str) -> None:
    (folder / CARD).write_text(text)
    with pytest.raises(DataError, match="build the data set again"):
        card_problems(folder)


def test_a_card_laid_out_otherwise_is_a_problem_not_a_crash(folder: Path, change: Callable) -> None:
    change(lambda c: c.update(distribution=["a"], recordSet="b", variableMeasured=3))
    assert card_problems(folder)


def test_a_file_outside_the_data_set_is_not_read(folder: Path, change: Callable) -> None:
    change(lambda c: c["distribution"][0].update(contentUrl="../../../etc/passwd"))
    assert any("is no file of the data set" in problem for problem in card_problems(folder))


def test_changed_samples_do_not_fit_the_card(folder: Path) -> None:
    lines = (folder / SAMPLES).read_text().splitlines(keepends=True)
    (folder / SAMPLES).write_text("".join(lines[:-1]))
    found = " ".join(card_problems(folder))
    assert "counted 59" in found
    assert "sha256" in found


def test_mlcroissant_reads_records_and_pictures_back(folder: Path) -> None:
    samples = {sample.file: sample for sample in read_samples(folder)}
    records = read_records(folder / CARD, "samples", count=100)
    assert {r["samples/file"].decode(): r["samples/caption"].decode() for r in records} == {
        file: sample.caption for file, sample in samples.items()
    }
    (picture,) = read_records(folder / CARD, "pictures_by_path", count=1)
    assert picture["pictures_by_path/path"].decode() in samples
    assert picture["pictures_by_path/image"].size == (32, 32)
    assert len(read_records(folder / CARD, "splits", count=9)) == len({s.split for s in samples.values()})
