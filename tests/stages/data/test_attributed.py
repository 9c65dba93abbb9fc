from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from underpaint.core.artifact import Manifest
from underpaint.core.errors import DataError, InputError, LicenseRefused
from underpaint.core.samples import Sample, read_samples
from underpaint.stages.data import run as stage
from underpaint.stages.data.attributed import ADDED_STYLES, ATTRIBUTED, TWEMOJI, TWEMOJI_CREDIT
from underpaint.stages.data.audit import Audit
from underpaint.stages.data.card_check import card_problems, refuse_card
from underpaint.stages.data.checking.run import check_data
from underpaint.stages.data.config import DataConfig
from underpaint.stages.data.drawing import Drawing
from underpaint.stages.data.join import check_stated
from underpaint.stages.data.license import gate
from underpaint.stages.data.license_classes import LICENSES
from underpaint.stages.data.packages import fetch
from underpaint.stages.data.sources import NPM_EVIDENCE, STYLES

EVIDENCE = (*NPM_EVIDENCE, ATTRIBUTED["twemoji"].evidence)
DEFAULT = '{"dataset":"stickers","source":"npm","size":64,"weights_license":"Apache-2.0"}'
SPLITS = {"train": 2960, "test_concept": 160, "validation": 73, "test_style": 93, "test_composition": 368}


@pytest.fixture(scope="module")
def with_twemoji(packages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """The whole npm data set with Twemoji at 32 px; read only."""
    assert packages
    folder = tmp_path_factory.mktemp("attributed") / "stickers"
    return folder, stage.run(DataConfig(size=32, attributed=("twemoji",)), {}, folder)


@pytest.fixture
def credited(
    make_small: Callable[..., tuple[Path, Manifest]], credited_drawings: list[Drawing], tmp_path: Path
) -> tuple[Path, Manifest]:
    """A small data set with made-up drawings of the added style, to be changed."""
    return make_small(credited_drawings, tmp_path / "credited", evidence=EVIDENCE)


def test_default_settings_are_those_of_before_twemoji_could_be_asked_for() -> None:
    config = DataConfig()
    assert config.model_dump_json() == DEFAULT
    assert config.digest() == "b19874f3de0e15b1e6bbcd84316a61dbe0a082d18aeea5dcf489cbc81fbeff01"
    asked = DataConfig(attributed=("twemoji",))
    assert asked.digest() != config.digest()
    assert DataConfig.parse(asked.model_dump(mode="json"), source="test") == asked


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"source": "debian", "attributed": ("twemoji",)}, "twemoji comes from npm"),
        ({"attributed": ("twemoji", "twemoji")}, "name it once"),
        ({"attributed": ("openmoji",)}, "'twemoji'"),
    ],
)
def test_what_cannot_be_added_is_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        DataConfig.parse(settings, source="test")


def test_what_is_added_is_no_default_style() -> None:
    assert not ADDED_STYLES & {style.style for style in STYLES}
    assert all(added.style.package.key == added.evidence.source for added in ATTRIBUTED.values())


def test_whoever_owes_attribution_without_a_text_has_a_credit() -> None:
    for evidence in EVIDENCE:
        terms = LICENSES[evidence.stated]
        assert bool(evidence.credit) == (terms.attribution and not terms.notice), evidence.source


def test_attribution_may_enter_weights_and_is_owed() -> None:
    duties = gate(EVIDENCE, "Apache-2.0")
    assert duties.license == "Apache-2.0 AND CC-BY-4.0 AND MIT AND Unicode-3.0"
    assert TWEMOJI.key in duties.attribution
    assert duties.evaluation_only == duties.waivers == ()


@pytest.mark.parametrize("column", ["upstream", "verified"])
def test_twemoji_needs_all_three_columns(column: str) -> None:
    with pytest.raises(LicenseRefused, match=f"license_{column} is empty"):
        gate([EVIDENCE[-1].model_copy(update={column: None})], "Apache-2.0")


def test_every_paper_of_the_set_holds_the_credit(credited: tuple[Path, Manifest]) -> None:
    folder, manifest = credited
    for paper in ("NOTICE", "DATASHEET.md", "croissant.json", "attribution.json"):
        assert TWEMOJI_CREDIT in (folder / paper).read_text(encoding="utf-8"), paper
    owed = json.loads((folder / "attribution.json").read_text())["obligations_on_weights"]
    assert owed["hand_on_these_credits"] == [TWEMOJI_CREDIT] == manifest.figures["credits"]
    assert "Attribution needed, on weights too" in (folder / "DATASHEET.md").read_text()
    assert "https://spdx.org/licenses/CC-BY-4.0" in json.loads((folder / "croissant.json").read_text())["license"]


def test_papers_without_twemoji_do_not_speak_of_it(small: Path) -> None:
    for paper in ("NOTICE", "DATASHEET.md", "croissant.json", "attribution.json"):
        text = (small / paper).read_text(encoding="utf-8").lower()
        assert not [word for word in ("twemoji", "attribution needed", "credit") if word in text], paper


def test_a_card_that_lost_the_credit_is_refused(credited: tuple[Path, Manifest]) -> None:
    path = credited[0] / "croissant.json"
    card = json.loads(path.read_text())
    assert card_problems(credited[0]) == []
    del card["creditText"]
    path.write_text(json.dumps(card))
    with pytest.raises(DataError, match=r"creditText is None, but attribution\.json asks for"):
        refuse_card(credited[0])


@pytest.mark.network
def test_the_package_states_the_license_on_record(packages: dict[str, Path]) -> None:
    from underpaint.core.cache import cache_folder

    assert packages
    evidence, archive = ATTRIBUTED["twemoji"].evidence, fetch(TWEMOJI, cache_folder())
    check_stated(evidence, archive)
    with pytest.raises(LicenseRefused, match="read its license anew"):
        check_stated(evidence.model_copy(update={"stated": "MIT"}), archive)


@pytest.mark.exhaustive
@pytest.mark.network
@pytest.mark.slow
def test_no_default_picture_changes_when_twemoji_is_added(
    samples: list[Sample], with_twemoji: tuple[Path, Manifest]
) -> None:
    assert [s for s in read_samples(with_twemoji[0]) if s.style not in ADDED_STYLES] == samples


@pytest.mark.exhaustive
@pytest.mark.network
@pytest.mark.slow
def test_twemoji_follows_its_concepts(samples: list[Sample], with_twemoji: tuple[Path, Manifest]) -> None:
    added = [s for s in read_samples(with_twemoji[0]) if s.style in ADDED_STYLES]
    assert {split: sum(s.split == split for s in added) for split in SPLITS} == SPLITS
    closed = {s.cluster: s.split for s in samples if s.split in ("test_concept", "validation")}
    cartoon = {s.id: s for s in samples if s.style == "cartoon"}
    for sample in added:
        if sample.cluster in closed:
            assert sample.split == closed[sample.cluster]
        if sample.id in cartoon:
            assert sample.cluster == cartoon[sample.id].cluster
            levels = {sample.level, cartoon[sample.id].level} - {"hide_twemoji", "hide_noto", ""}
            assert len(levels) < 2


@pytest.mark.exhaustive
@pytest.mark.network
@pytest.mark.slow
def test_the_set_with_twemoji_is_sound_and_says_what_it_left_out(
    with_twemoji: tuple[Path, Manifest], tmp_path: Path
) -> None:
    folder, manifest = with_twemoji
    assert manifest.parents[TWEMOJI.purl] == TWEMOJI.sha256
    audit = Audit.model_validate_json((folder / "audit.json").read_text())
    assert audit.dropped_by_rule == {"color": 82, "duplicate": 61, "flag": 262, "twin": 1}
    assert [item.name for item in audit.dropped if item.rule == "twin"] == ["open file folder"]
    assert audit.leakage.leaks == ()
    assert (audit.groups, audit.clusters) == (1452, 1395)
    report = check_data(folder, cache=tmp_path).report
    assert report.sound
    assert (report.dataset, report.pictures, report.warnings) == (manifest.digest, 15073, ())
