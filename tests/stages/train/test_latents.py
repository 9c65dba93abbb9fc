from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from underpaint.core.artifact import read_manifest, seal, staging, verify
from underpaint.core.errors import ArtifactError, DataError
from underpaint.core.progress import Progress
from underpaint.core.samples import read_samples, write_samples
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component
from underpaint.stages.train import latents
from underpaint.stages.train.augment import shift
from underpaint.stages.train.conditions import STYLES
from underpaint.stages.train.config import LatentsEncoding
from underpaint.stages.train.latents import load_latents
from underpaint.stages.train.latents_state import EncodedSoFar
from underpaint.stages.train.pictures import load_pictures


@pytest.fixture(scope="module")
def autoencoder(trained_tokenizer: Path) -> Autoencoder:
    return load_component(trained_tokenizer / "autoencoder", Autoencoder, AutoencoderConfig)


def close(one: torch.Tensor, two: torch.Tensor) -> bool:
    return torch.allclose(one.float(), two.float(), atol=5e-3, rtol=5e-3)


@torch.no_grad()
def test_the_first_version_is_the_picture_itself_and_the_others_are_shifted_ones(encoded, shapes, autoencoder):
    train, _ = load_latents(encoded)
    pictures = load_pictures(shapes, ("train",))
    assert train.samples == pictures.samples and train.values.shape == (96, 3, 8, 4, 4)
    assert train.values.dtype == torch.float16
    batch = pictures.batch(torch.arange(6))
    assert close(train.values[:6, 0], autoencoder.encode(batch))
    moves = torch.tensor([(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)])
    for row in range(6):
        moved = autoencoder.encode(shift(batch[row : row + 1].expand(9, -1, -1, -1), moves))
        for version in (1, 2):
            assert any(close(train.values[row, version], one) for one in moved)


@torch.no_grad()
def test_held_out_pictures_are_kept_apart_and_encoded_as_they_are(encoded, shapes, autoencoder):
    _, held_out = load_latents(encoded)
    assert {name: len(part) for name, part in held_out.items()} == {"validation": 28, "test_concept": 4}
    for split, part in held_out.items():
        pictures = load_pictures(shapes, (split,))
        assert part.samples == pictures.samples and part.values.shape[1] == 1
        assert close(part.values[:, 0], autoencoder.encode(pictures.batch(torch.arange(len(pictures)))))


def test_choosing_draws_by_weight_and_takes_every_version(encoded):
    train, _ = load_latents(encoded)
    train.weights[:] = 0.0
    train.weights[[3, 8]] = torch.tensor([1.0, 4.0])
    index, z = train.choose(3000, torch.Generator().manual_seed(0))
    assert set(index.tolist()) == {3, 8} and z.dtype == torch.float32
    assert float((index == 8).float().mean()) == pytest.approx(0.8, abs=0.03)
    for version in range(3):
        same = (z[index == 8] == train.values[8, version].float()).flatten(1).all(1)
        assert float(same.float().mean()) == pytest.approx(1 / 3, abs=0.05)


def test_what_is_measured_is_every_sample_once_unshifted_and_with_the_same_random_numbers(encoded):
    train, _ = load_latents(encoded)
    parts, again = ([*train.in_order()] for _ in range(2))
    assert [len(z) for _, z, _ in parts] == [64, 32]
    assert [sample for samples, _, _ in parts for sample in samples] == train.samples
    assert torch.equal(torch.cat([z for _, z, _ in parts]), train.values[:, 0].float())
    draws, same = ([float(torch.rand((), generator=generator)) for *_, generator in one] for one in (parts, again))
    assert draws == same and draws[0] != draws[1]


def test_the_same_work_gives_the_same_artifact(encoded, shapes, trained_tokenizer, tmp_path):
    again = latents.run(LatentsEncoding(variants=3, reach=1), shapes, trained_tokenizer, tmp_path / "again")
    assert again.digest == read_manifest(encoded).digest


SETTINGS = LatentsEncoding(variants=3, reach=1)


@pytest.fixture
def small_files(monkeypatch) -> None:
    """Batches of 16 pictures, two a file: the 96 to train with make three files, the 32 held out make one."""
    monkeypatch.setattr(latents, "AT_ONCE", 16)
    monkeypatch.setattr(latents, "BATCHES_A_FILE", 2)


def encode_until(done: int | None, shapes: Path, tokenizer: Path, folder: Path, settings=SETTINGS) -> list[int]:
    """Encode and return where each batch began; Ctrl-C comes at a number of pictures."""
    began: list[int] = []

    def report(progress: Progress) -> None:
        if progress.task == "encode pictures" and progress.done != progress.total:
            if progress.done == done:
                raise KeyboardInterrupt
            began.append(progress.done)

    latents.run(settings, shapes, tokenizer, folder / "out", report, work=folder / "work")
    return began


def interrupted(done: int, shapes: Path, tokenizer: Path, folder: Path) -> set[str]:
    """Interrupt an encoding at a number of pictures; returns the names of the files that it leaves."""
    with pytest.raises(KeyboardInterrupt):
        encode_until(done, shapes, tokenizer, folder)
    assert not (folder / "out").exists()
    return {path.name for path in (folder / "work").iterdir()}


@pytest.mark.usefixtures("small_files")
def test_an_interrupted_encoding_goes_on_and_ends_bit_for_bit_as_a_whole_one(shapes, trained_tokenizer, tmp_path):
    whole = latents.run(SETTINGS, shapes, trained_tokenizer, tmp_path / "whole")
    files = {f"encoded-train-{number:05d}.safetensors" for number in (0, 1)}
    assert interrupted(80, shapes, trained_tokenizer, tmp_path) == files
    began = encode_until(None, shapes, trained_tokenizer, tmp_path)
    assert min(began[:6]) == 64 and len(began) == 2 * 3 + 2  # the last file of three versions, and what is held out
    assert verify(tmp_path / "out").digest == whole.digest
    same = [(folder / latents.FILE).read_bytes() for folder in (tmp_path / "out", tmp_path / "whole")]
    assert same[0] == same[1]


@pytest.mark.usefixtures("small_files")
def test_what_was_encoded_with_other_settings_or_by_another_tokenizer_is_encoded_anew(
    shapes, trained_tokenizer, tmp_path
):
    interrupted(80, shapes, trained_tokenizer, tmp_path)
    other = SETTINGS.model_copy(update={"seed": 1})
    assert encode_until(None, shapes, trained_tokenizer, tmp_path, other)[0] == 0
    assert verify(tmp_path / "out").digest == latents.run(other, shapes, trained_tokenizer, tmp_path / "a").digest
    here = torch.device("cpu")
    kept = EncodedSoFar(tmp_path / "kept", SETTINGS, {"dataset": "a", "tokenizer": "b"}, here)
    rows = torch.zeros(4, 3, 8, 4, 4, dtype=torch.float16)
    kept.write("train", 0, rows)
    read = kept.read("train", 0, 4)
    assert read is not None and torch.equal(read, rows)
    for parents in ({"dataset": "c", "tokenizer": "b"}, {"dataset": "a", "tokenizer": "c"}):
        assert EncodedSoFar(tmp_path / "kept", SETTINGS, parents, here).read("train", 0, 4) is None
    assert kept.read("train", 0, 5) is None and kept.read("train", 1, 4) is None


@pytest.mark.usefixtures("small_files")
def test_a_damaged_file_is_encoded_anew_and_a_begun_one_is_not_read(shapes, trained_tokenizer, tmp_path):
    interrupted(80, shapes, trained_tokenizer, tmp_path)
    damaged = tmp_path / "work" / "encoded-train-00000.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-2])
    damaged.with_name("encoded-train-00002.partial").write_bytes(b"begun")
    assert encode_until(None, shapes, trained_tokenizer, tmp_path)[:7:6] == [0, 64]
    whole = latents.run(SETTINGS, shapes, trained_tokenizer, tmp_path / "whole")
    assert verify(tmp_path / "out").digest == whole.digest


def test_the_artifact_names_its_parents(encoded, shapes, trained_tokenizer):
    parents = {"dataset": read_manifest(shapes).digest, "tokenizer": read_manifest(trained_tokenizer).digest}
    assert verify(encoded, kind="latents").parents == parents


def test_a_style_that_the_models_do_not_know_is_refused(encoded, tmp_path):
    with staging(tmp_path / "other") as folder:
        write_samples(folder, [s.model_copy(update={"style": "oil"}) for s in read_samples(encoded)])
        shutil.copyfile(encoded / latents.FILE, folder / latents.FILE)
        seal(folder, kind="latents", stage="train", config=LatentsEncoding(), parents={})
    with pytest.raises(DataError, match="has the styles oil"):
        load_latents(tmp_path / "other", STYLES)
    assert {sample.style for sample in load_latents(tmp_path / "other")[0].samples} == {"oil"}


def test_another_artifact_is_refused(shapes, tmp_path):
    with pytest.raises(ArtifactError, match="'latents' artifact is needed"):
        load_latents(shapes)
    with pytest.raises(ArtifactError, match="'tokenizer' artifact is needed"):
        latents.run(LatentsEncoding(), shapes, shapes, tmp_path / "out")
