from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from underpaint.core.artifact import Manifest, verify
from underpaint.core.attributes import labels_of
from underpaint.core.errors import ArtifactError, DataError, InputError, LicenseRefused, UnreadableImage
from underpaint.core.samples import read_samples
from underpaint.pipelines.generator import Generator, load_opened
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.picture_file import read_picture, read_settings
from underpaint.pipelines.settings import Settings
from underpaint.stages.data.checking.run import check_data
from underpaint.stages.data.synthetic.real import RealData, open_real
from underpaint.stages.data.synthetic.run import KEPT, run, settings_of
from underpaint.stages.train.dataset import refuse_evaluation_sources, require_trainable


def never() -> Generator:
    raise AssertionError("the model must not be loaded")


def test_a_drawn_data_set_is_sound_and_can_be_trained_on(drawn: tuple[Path, Manifest], tmp_path: Path) -> None:
    folder, manifest = drawn
    report = check_data(folder, cache=tmp_path, jobs=1).report
    assert verify(folder, kind="dataset").digest == manifest.digest == report.dataset
    assert report.sound
    refuse_evaluation_sources(folder)
    require_trainable(folder, image_size=32, batch_size=2, styles=("flat", "noto"))


def test_every_picture_is_the_one_its_settings_draw(drawn: tuple[Path, Manifest], model: Model) -> None:
    folder, _ = drawn
    samples = read_samples(folder)
    lines = [json.loads(line) for line in (folder / "drawn.jsonl").read_text().splitlines()]
    assert [line["file"] for line in lines] == [sample.file for sample in samples]
    assert [line["labels"] for line in lines] == [labels_of(sample) for sample in samples]
    settings = [Settings.parse(line["settings"], source="drawn.jsonl") for line in lines]
    assert [read_settings(folder / sample.file) for sample in samples] == settings
    assert [(s.caption, s.style, s.icon) for s in samples] == [(m.caption, m.style, f"seed-{m.seed}") for m in settings]
    again = list(load_opened(model).draw(settings[:3]))
    stored = [read_picture(folder / sample.file) for sample in samples[:3]]
    assert [image.tobytes() for image in again] == [image.tobytes() for image in stored]


def test_ids_are_unique_within_a_style_and_shared_by_styles(drawn: tuple[Path, Manifest]) -> None:
    samples = read_samples(drawn[0])
    assert len({(sample.style, sample.id) for sample in samples}) == len(samples)
    groups = {
        sample.caption: {other.group for other in samples if other.caption == sample.caption} for sample in samples
    }
    assert all(len(found) == 1 for found in groups.values())
    assert len(set.union(*groups.values())) == len(groups)


def test_the_card_says_that_a_model_drew_it_and_which(drawn: tuple[Path, Manifest], model: Model) -> None:
    folder, manifest = drawn
    card = json.loads((folder / "croissant.json").read_text())
    assert card["rai:hasSyntheticData"] is True
    assert card["prov:wasDerivedFrom"] == [{"@id": f"pkg:generic/underpaint/{model.name}@{model.digest}"}]
    assert card["prov:wasGeneratedBy"]["prov:label"] == "underpaint synthesize"
    assert {entry["@id"] for entry in card["distribution"]} >= {"drawn.jsonl", "pictures"}
    assert manifest.parents == {"model": model.digest}
    for paper in ("DATASHEET.md", "NOTICE"):
        assert "synthetic" in (folder / paper).read_text().lower()


def test_the_same_model_and_wishes_give_the_same_digest(
    drawn: tuple[Path, Manifest], synthesize: Callable[..., Manifest], tmp_path: Path
) -> None:
    assert synthesize(tmp_path / "again", cache=tmp_path / "empty", batch_size=3).digest == drawn[1].digest


def test_what_is_kept_is_not_drawn_again(
    drawn: tuple[Path, Manifest], synthesize: Callable[..., Manifest], tmp_path: Path
) -> None:
    assert synthesize(tmp_path / "again", load=never).digest == drawn[1].digest


def test_interrupted_work_goes_on_where_it_was(
    drawn: tuple[Path, Manifest],
    synthesize: Callable[..., Manifest],
    model: Model,
    planned: list[Settings],
    tmp_path: Path,
) -> None:
    cache = tmp_path / "cache"

    def interrupted(progress: object) -> None:
        if getattr(progress, "task", "") == "draw" and getattr(progress, "done", 0) >= 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(tmp_path / "out", cache=cache, report=interrupted)
    kept = {path: path.stat().st_mtime_ns for path in (cache / KEPT).rglob("*.png")}
    assert 5 <= len(kept) < len(planned) and not (tmp_path / "out").exists()
    assert synthesize(tmp_path / "out", cache=cache).digest == drawn[1].digest
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_a_kept_picture_with_other_pixels_is_refused(
    drawn: tuple[Path, Manifest], synthesize: Callable[..., Manifest], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    synthesize(tmp_path / "first", cache=cache)
    path = min((cache / KEPT).rglob("*.png"))
    with Image.open(path) as image:
        texts, changed = dict(image.info), np.array(image)  # pyright: ignore[reportArgumentType]
    changed[0, 0, 0] ^= 1
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("parameters", texts["parameters"])
    Image.fromarray(changed).save(path, pnginfo=info)
    with pytest.raises(UnreadableImage, match="delete it"):
        synthesize(tmp_path / "second", cache=cache)


def test_settings_of_other_wishes_are_refused(model: Model, planned: list[Settings], tmp_path: Path) -> None:
    config = settings_of(model, planned, "tiny")
    with pytest.raises(InputError, match="other wishes"):
        run(config, model, planned[1:], tmp_path / "out", load=never)


def test_a_license_that_weights_may_not_carry_is_refused(model: Model, planned: list[Settings], tmp_path: Path) -> None:
    config = settings_of(model, planned, "tiny", license="CC-BY-NC-4.0")
    with pytest.raises(LicenseRefused, match="non-commercial"):
        run(config, model, planned, tmp_path / "out", load=never)
    with pytest.raises(InputError, match="license"):
        settings_of(model, planned, "tiny", license="free for all")


def test_a_synthetic_data_set_is_no_real_one(drawn: tuple[Path, Manifest]) -> None:
    with pytest.raises(DataError, match="itself synthetic"):
        open_real(drawn[0])


def real_data(folder: Path, captions: dict[str, str]) -> RealData:
    """Return the samples of a drawn data set as if they were real ones with other captions and splits."""
    samples = read_samples(folder)[: len(captions)]
    return RealData(
        folder=folder,
        digest="1" * 64,
        samples=[
            sample.model_copy(update={"caption": caption, "split": split})
            for sample, (caption, split) in zip(samples, captions.items(), strict=True)
        ],
        credits=("Drawings by Somebody, CC-BY-4.0",),
    )


def test_what_real_data_hold_out_is_no_training_picture_and_credits_go_along(
    drawn: tuple[Path, Manifest], synthesize: Callable[..., Manifest], tmp_path: Path
) -> None:
    real = real_data(drawn[0], {"cat": "test_concept", "red apple": "train"})
    manifest = synthesize(tmp_path / "out", real=real, load=never)
    splits = {sample.caption: sample.split for sample in read_samples(tmp_path / "out")}
    assert splits["a cat"] == "test_concept"
    assert "train" in splits.values() and "validation" in splits.values()
    assert manifest.figures["credits"] == list(real.credits)
    assert manifest.parents["data"] == real.digest
    assert json.loads((tmp_path / "out" / "croissant.json").read_text())["creditText"] == list(real.credits)
    assert not manifest.figures["privacy"]["applicable"]
    assert check_data(tmp_path / "out", cache=tmp_path, jobs=1).report.sound


def test_a_style_that_real_data_hold_out_of_a_caption_is_left_out(
    drawn: tuple[Path, Manifest], synthesize: Callable[..., Manifest], tmp_path: Path
) -> None:
    real = real_data(drawn[0], {"cat": "test_style"})
    hidden = replace(real, samples=[real.samples[0].model_copy(update={"style": "flat"})])
    manifest = synthesize(tmp_path / "out", real=hidden, load=never)
    assert manifest.figures["dropped"]["held-out"] == 2
    assert {sample.style for sample in read_samples(tmp_path / "out") if sample.caption == "a cat"} == {"noto"}


def test_a_damaged_picture_is_found_by_the_check(drawn: tuple[Path, Manifest], tmp_path: Path) -> None:
    copy = Path(shutil.copytree(drawn[0], tmp_path / "copy"))
    sample = read_samples(copy)[0]
    (copy / sample.file).write_bytes((copy / read_samples(copy)[1].file).read_bytes())
    with pytest.raises(ArtifactError, match="differs from its manifest"):
        check_data(copy, cache=tmp_path, jobs=1)
