from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import features

from underpaint.core.artifact import Manifest
from underpaint.core.errors import DataError, LicenseRefused, SetupError
from underpaint.core.samples import read_samples
from underpaint.stages.data import debian
from underpaint.stages.data import run as stage
from underpaint.stages.data.card_check import card_problems
from underpaint.stages.data.config import DataConfig

ROOT = Path("/")
INSTALLED = all((ROOT / name).is_file() for name in debian.KNOWN)
pytestmark = pytest.mark.skipif(not INSTALLED, reason=f"needs Debian's packages: {debian.INSTALL}")


@pytest.fixture(scope="module")
def files() -> debian.DebianFiles:
    return debian.find_files(ROOT)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """A build that finds no program on its PATH."""
    folder = tmp_path_factory.mktemp("debian")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(folder))
        return folder / "stickers", stage.run(DataConfig(size=32, source="debian"), {}, folder / "stickers")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A root with links to the installed files, to be changed."""
    for name in (
        *debian.KNOWN,
        *(f"usr/share/doc/{p}/copyright" for p in ("fonts-noto-color-emoji", "unicode-cldr-core")),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def test_the_reference_release_has_the_figures_on_record(files: debian.DebianFiles) -> None:
    if not files.is_reference:
        pytest.skip("another release than Debian 12")
    assert len(debian.read_sequences(files)) == 3664
    assert len(debian.join(files)) == 3633


def test_a_build_needs_nothing_but_the_packages(finished: tuple[Path, Manifest]) -> None:
    folder, manifest = finished
    assert manifest.figures["leaks"] == 0
    assert manifest.figures["license"] == "OFL-1.1 AND Unicode-DFS-2016"
    assert "Not applicable" in (folder / "DATASHEET.md").read_text()
    assert card_problems(folder) == []


def test_it_holds_one_style_and_no_national_flags(finished: tuple[Path, Manifest]) -> None:
    samples = read_samples(finished[0])
    assert {sample.style for sample in samples} == {"cartoon"}
    assert {sample.split for sample in samples} == {"train", "validation", "test_concept", "test_composition"}
    assert not [sample.name for sample in samples if sample.name.startswith("flag: ")]


def test_a_sequence_is_one_glyph_and_two_sequences_are_refused(files: debian.DebianFiles) -> None:
    font = debian.ImageFont.truetype(str(ROOT / debian.FONT), debian.FONT_SIZE)
    firefighter = debian.draw_glyph(font, "👩🏽‍🚒", 64)
    assert firefighter.size == (64, 64)
    assert firefighter.tobytes() != debian.draw_glyph(font, "👩", 64).tobytes()
    with pytest.raises(debian.UnreadableImage, match="272 pixels wide"):
        debian.draw_glyph(font, "👩🚒", 64)


def test_transparent_pixels_lend_no_color(files: debian.DebianFiles) -> None:
    canvas = debian.Image.new("RGBA", (136, 136), (0, 255, 0, 0))
    canvas.paste((255, 0, 0, 255), (0, 0, 68, 136))
    pixels = debian.shrink(canvas, 17)
    colors = {color[:3] for _, color in pixels.getcolors() or () if color[3] > 0}  # pyright: ignore[reportIndexIssue]
    assert colors == {(255, 0, 0)}


def test_without_the_packages_the_command_to_install_them_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"apt-get install .*fonts-noto-color-emoji unicode-cldr-core unicode-data"):
        stage.run(DataConfig(source="debian"), {}, tmp_path / "out", debian_root=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_libfribidi_it_fails_instead_of_drawing_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda name: name != "fribidi")
    with pytest.raises(SetupError, match="apt-get install libfribidi0"):
        debian.find_files(ROOT)


def test_a_damaged_name_file_is_named(copied: Path) -> None:
    (copied / debian.NAMES[0]).unlink()
    (copied / debian.NAMES[0]).write_text("<ldml><annotations>")
    with pytest.raises(DataError, match="reinstall unicode-cldr-core"):
        debian.read_names(debian.find_files(copied))


def test_other_releases_make_another_data_set(copied: Path, files: debian.DebianFiles) -> None:
    (copied / debian.NAMES[0]).unlink()
    shutil.copy(ROOT / debian.NAMES[1], copied / debian.NAMES[0])
    other = debian.find_files(copied)
    assert not other.is_reference
    assert debian.evidence_of(other)[1].sha256 != debian.evidence_of(files)[1].sha256


@pytest.mark.parametrize("text", [None, "License: proprietary"])
def test_the_license_must_stand_in_the_copyright_file(copied: Path, text: str | None) -> None:
    path = copied / "usr/share/doc/fonts-noto-color-emoji/copyright"
    path.unlink()
    if text:
        path.write_text(text)
    with pytest.raises(LicenseRefused, match="reinstall the package fonts-noto-color-emoji"):
        debian.evidence_of(debian.find_files(copied))
