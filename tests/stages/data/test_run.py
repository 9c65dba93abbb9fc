from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from underpaint.core.artifact import MANIFEST, Manifest, read_manifest, seal
from underpaint.core.errors import ArtifactError, DataError, InputError, LicenseRefused, StorageError, UnreadableImage
from underpaint.core.progress import Progress
from underpaint.core.samples import SAMPLES, Sample, read_samples, write_samples
from underpaint.stages.data import run as stage
from underpaint.stages.data.audit import Audit, check_pictures, refuse_pictures
from underpaint.stages.data.checking.run import check_data
from underpaint.stages.data.clean import Dropped
from underpaint.stages.data.config import DataConfig
from underpaint.stages.data.drawing import Drawing
from underpaint.stages.data.join import check_stated
from underpaint.stages.data.look import look_at
from underpaint.stages.data.picture import read_picture
from underpaint.stages.data.sources import NPM_EVIDENCE

SPLITS = {"train": 9258, "test_concept": 601, "validation": 279, "test_style": 321, "test_composition": 960}
CAPTIONS = {"train": 3067, "test_concept": 160, "validation": 73, "test_style": 197, "test_composition": 368}
LEVELS = {
    "cell": (149, 50),
    "role_tone": (135, 45),
    "role_untoned_only": (450, 150),
    "mirror": (104, 34),
    "tone_pair": (76, 76),
    "color_shape": (18, 6),
    "expression_cat": (12, 3),
    "clock": (16, 4),
}


@pytest.fixture(scope="module")
def audit(built: tuple[Path, Manifest]) -> Audit:
    return Audit.model_validate_json((built[0] / "audit.json").read_text())


@pytest.mark.network
def test_as_many_drawings_are_joined_as_on_record(drawings: list[Drawing]) -> None:
    counts = {style: sum(d.style == style for d in drawings) for style in ("cartoon", "flat", "gradient", "line-art")}
    assert counts == {"cartoon": 3682, "flat": 3139, "gradient": 3120, "line-art": 1594}
    assert len({d.name for d in drawings}) == 3682


@pytest.mark.network
def test_splits_have_the_sizes_on_record(samples: list[Sample]) -> None:
    assert {split: sum(s.split == split for s in samples) for split in SPLITS} == SPLITS
    assert {split: len({s.caption for s in samples if s.split == split}) for split in SPLITS} == CAPTIONS


@pytest.mark.network
def test_the_composition_benchmark_has_the_levels_on_record(samples: list[Sample]) -> None:
    held_out = [s for s in samples if s.split == "test_composition"]
    found = {
        level: (sum(s.level == level for s in held_out), len({s.caption for s in held_out if s.level == level}))
        for level in {s.level for s in held_out}
    }
    assert found == LEVELS


@pytest.mark.network
def test_the_audit_has_the_figures_on_record(audit: Audit) -> None:
    assert audit.dropped_by_rule == {"color": 82, "duplicate": 34}
    assert (audit.groups, audit.clusters) == (1452, 1395)
    assert audit.leakage.leaks == ()
    assert audit.representation.factorial >= 177
    assert audit.captions.shared == audit.captions.hidden == audit.captions.not_canonical == ()
    assert {item.name for item in audit.dropped if item.style == "cartoon"} >= {"man astronaut", "woman astronaut"}


@pytest.mark.network
def test_a_held_out_concept_shows_in_no_other_split(samples: list[Sample]) -> None:
    for split in ("test_concept", "validation"):
        inside = {s.cluster for s in samples if s.split == split}
        assert not inside & {s.cluster for s in samples if s.split != split}
    held_out = {s.caption for s in samples if s.split == "test_composition"}
    assert not held_out & {s.caption for s in samples if s.split != "test_composition"}


@pytest.mark.network
def test_weights_of_the_variants_add_up_to_one(samples: list[Sample]) -> None:
    sums: dict[tuple[str, str, str], float] = {}
    for s in samples:
        sums[s.group, s.style, s.split] = sums.get((s.group, s.style, s.split), 0) + s.weight
    assert all(abs(total - 1) < 1e-3 for total in sums.values())


@pytest.mark.network
def test_the_package_must_state_the_license_on_record(packages: dict[str, Path]) -> None:
    for evidence in NPM_EVIDENCE:
        check_stated(evidence, packages[evidence.source])
    with pytest.raises(LicenseRefused, match="read its license anew"):
        check_stated(NPM_EVIDENCE[0].model_copy(update={"stated": "MIT"}), packages[NPM_EVIDENCE[0].source])
    with pytest.raises(LicenseRefused, match="svg/LICENSE"):
        moved = NPM_EVIDENCE[0].model_copy(update={"stated_url": "https://github.com/googlefonts/noto-emoji/LICENSE"})
        check_stated(moved, packages[NPM_EVIDENCE[0].source])


@pytest.mark.network
def test_the_finished_set_is_sound(built: tuple[Path, Manifest], tmp_path: Path) -> None:
    folder, manifest = built
    report = check_data(folder, cache=tmp_path).report
    assert report.sound
    assert (report.dataset, report.pictures, report.warnings) == (manifest.digest, 11419, ())
    with Image.open(folder / "contact_sheet.png") as sheet:
        assert sheet.width > 1000


def test_the_same_drawings_twice_give_the_same_digest(
    make_small: Callable[..., tuple[Path, Manifest]], made_drawings: list[Drawing]
) -> None:
    one, other = make_small(made_drawings), make_small(made_drawings)
    assert one[1].digest == other[1].digest
    assert one[1].files == other[1].files


def test_another_drawing_gives_another_digest(
    make_small: Callable[..., tuple[Path, Manifest]], made_drawings: list[Drawing]
) -> None:
    first = make_small(made_drawings)[1].digest
    changed = [
        d if i else replaced(d, svg=d.svg.replace("</svg>", '<path d="M0 0h9v9z"/></svg>'))
        for i, d in enumerate(made_drawings)
    ]
    assert make_small(changed)[1].digest != first


def replaced(drawing: Drawing, **changes: str) -> Drawing:
    return Drawing(**{**drawing.__dict__, **changes})


def test_a_hostile_drawing_is_left_out_and_listed(
    make_small: Callable[..., tuple[Path, Manifest]], made_drawings: list[Drawing]
) -> None:
    bad = replaced(
        made_drawings[0], svg=made_drawings[0].svg.replace("</svg>", '<image href="file:///etc/passwd"/></svg>')
    )
    folder, manifest = make_small([bad, *made_drawings[1:]])
    assert manifest.figures["dropped"] == {"unreadable": 1}
    (dropped,) = (Dropped.model_validate(item) for item in json.loads((folder / "audit.json").read_text())["dropped"])
    assert (dropped.icon, dropped.rule) == (bad.icon, "unreadable")
    assert "<image>" in dropped.detail
    assert len(read_samples(folder)) == len(made_drawings) - 1


def test_too_many_hostile_drawings_stop_the_build(
    make_small: Callable[..., tuple[Path, Manifest]], made_drawings: list[Drawing]
) -> None:
    bad = [replaced(d, svg=d.svg.replace("</svg>", "<script/></svg>")) for d in made_drawings[:5]]
    with pytest.raises(UnreadableImage, match=r"5 of 60 drawings cannot be rendered.*thing-0"):
        make_small([*bad, *made_drawings[5:]])


def test_one_picture_under_two_captions_is_refused(small: Path) -> None:
    samples = read_samples(small)
    samples[0] = samples[0].model_copy(update={"sha256_pixels": samples[1].sha256_pixels})
    look = look_at([read_picture(small / sample.file) for sample in samples])
    with pytest.raises(DataError, match="one picture, two captions"):
        refuse_pictures(check_pictures(samples, look))


def test_a_changed_pixel_is_found_even_if_the_manifest_is_forged(small: Path, tmp_path: Path) -> None:
    sample = read_samples(small)[0]
    with Image.open(small / sample.file) as image:
        changed = image.copy()
    changed.putpixel((3, 3), (1, 2, 3, 4))
    changed.save(small / sample.file)
    with pytest.raises(ArtifactError, match=sample.file.replace(".", r"\.")):
        check_data(small, cache=tmp_path, jobs=1)
    honest = read_manifest(small)
    (small / MANIFEST).unlink()
    config = DataConfig.parse(honest.config, source="the tests")
    seal(small, kind=honest.kind, stage=honest.stage, config=config, parents=honest.parents)
    checked = check_data(small, cache=tmp_path, jobs=1)
    assert not checked.report.sound
    (found,) = (suspect for suspect in checked.suspects if suspect.check == "unreadable")
    assert found.file == sample.file and "other pixels" in found.reason


def test_a_truncated_picture_is_found(small: Path, tmp_path: Path) -> None:
    path = small / read_samples(small)[0].file
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ArtifactError, match="differs from its manifest"):
        check_data(small, cache=tmp_path, jobs=1)


def test_changed_samples_are_found(small: Path, tmp_path: Path) -> None:
    write_samples(small, read_samples(small)[1:])
    with pytest.raises(ArtifactError, match=SAMPLES.replace(".", r"\.")):
        check_data(small, cache=tmp_path, jobs=1)


def test_inputs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="reads no artifacts"):
        stage.run(DataConfig(), {"data": tmp_path}, tmp_path / "out")


def test_an_existing_folder_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")
    with pytest.raises(StorageError, match="exists already"):
        stage.run(DataConfig(), {}, tmp_path)
    assert (tmp_path / "mine").read_text() == "keep"


def test_debian_drawings_are_not_enlarged() -> None:
    with pytest.raises(InputError, match="128 pixels"):
        DataConfig.parse({"source": "debian", "size": 256}, source="test")


Make = Callable[..., tuple[Path, Manifest]]


def test_everything_after_the_writing_is_announced(
    make_small: Callable[..., tuple[Path, Manifest]], made_drawings: list[Drawing]
) -> None:
    reports: list[Progress] = []
    make_small(made_drawings, report=reports.append)
    tasks = list(dict.fromkeys(report.task for report in reports))
    assert tasks[tasks.index("write") + 1 :] == [
        "check captions, splits and pictures",
        "write card, datasheet and audit",
        "hash the files",
    ]


@pytest.mark.parametrize("moment", ["compare", "write"])
def test_an_interrupted_build_leaves_nothing_behind(
    make_small: Make, made_drawings: list[Drawing], tmp_path: Path, moment: str
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.task == moment:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_small(made_drawings, tmp_path / "out", interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_error_and_leaves_nothing_behind(
    make_small: Make, made_drawings: list[Drawing], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(StorageError, match="disk is full"):
        make_small(made_drawings, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
