from __future__ import annotations

import hashlib
import json
import struct
import zipfile

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from underpaint.core.errors import ArtifactError, StorageError, UnderpaintError
from underpaint.runtime import weights

SAMPLE = {
    "b.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "a.half": torch.tensor([1.5, -2.0, 0.25], dtype=torch.float16),
    "counter": torch.tensor(7, dtype=torch.int64),
    "flags": torch.tensor([True, False, True]),
    "empty": torch.zeros(0, 4),
}


def build(header: object, data: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def test_what_is_written_is_read_by_us_and_by_the_reference(tmp_path):
    path = tmp_path / "model.safetensors"
    weights.write_weights(path, SAMPLE, {"format": "pt"})
    ours, reference = weights.read_weights(path), load_file(path)
    assert set(ours) == set(reference) == set(SAMPLE)
    for name, tensor in SAMPLE.items():
        assert ours[name].dtype == tensor.dtype
        assert torch.equal(ours[name], tensor) and torch.equal(reference[name], tensor)


def test_what_the_reference_writes_is_read(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file(SAMPLE, path, metadata={"format": "pt"})
    tensors, metadata = weights.parse_weights(path.read_bytes(), source="x")
    assert metadata == {"format": "pt"}
    assert all(torch.equal(tensors[name], tensor) for name, tensor in SAMPLE.items())


def test_equal_tensors_give_equal_bytes_in_any_order(tmp_path):
    first, second = tmp_path / "1", tmp_path / "2"
    weights.write_weights(first, SAMPLE, {"b": "2", "a": "1"})
    weights.write_weights(second, dict(reversed(SAMPLE.items())), {"a": "1", "b": "2"})
    assert first.read_bytes() == second.read_bytes()


def test_views_and_transposes_are_written_as_they_look(tmp_path):
    path = tmp_path / "view"
    matrix = torch.arange(12.0).reshape(3, 4).T[1:]
    weights.write_weights(path, {"m": matrix})
    assert torch.equal(weights.read_weights(path)["m"], matrix)


def test_a_dtype_that_has_no_name_is_refused(tmp_path):
    with pytest.raises(UnderpaintError, match="complex"):
        weights.write_weights(tmp_path / "x", {"c": torch.zeros(1, dtype=torch.complex64)})


def test_a_folder_that_is_a_file_is_a_storage_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="choose another"):
        weights.write_weights(tmp_path / "file" / "x", SAMPLE)


HOSTILE = {
    "empty": (b"", "cut off or empty"),
    "cut header": (build({"a": entry()})[:20], "cut off inside its header"),
    "oversized header": (build(b"", length=2**63), "more than the"),
    "no json": (build(b"not json!"), "no JSON"),
    "bad utf-8": (build(b'{"\xff": 1}'), "no JSON"),
    "deep json": (build(b"[" * 200_000), "no JSON"),
    "nan": (build(b'{"a": NaN}'), "no JSON"),
    "list": (build([]), "no JSON object"),
    "duplicate name": (build(b'{"a": 1, "a": 1}'), "stands twice"),
    "cut data": (build({"a": entry()}, b"\0" * 7), "has"),
    "trailing data": (build({"a": entry()}, b"\0" * 9), "has"),
    "overlap": (build({"a": entry(), "b": entry(offsets=[4, 12])}, b"\0" * 12), "overlap or a hole"),
    "hole": (build({"a": entry(), "b": entry(offsets=[12, 20])}, b"\0" * 20), "overlap or a hole"),
    "place beyond shape": (build({"a": entry(offsets=[0, 12])}, b"\0" * 12), "does not fit"),
    "huge shape": (build({"a": entry(shape=[2**62, 2**62])}), "does not fit"),
    "negative shape": (build({"a": entry(shape=[-1, -2])}, b"\0" * 8), "no list of counts"),
    "float shape": (build({"a": entry(shape=[2.0])}, b"\0" * 8), "no list of counts"),
    "shape no list": (build({"a": entry(shape=2)}, b"\0" * 8), "no list of counts"),
    "reversed offsets": (build({"a": entry(offsets=[8, 0])}, b"\0" * 8), "does not fit"),
    "unknown dtype": (build({"a": entry(dtype="C64")}, b"\0" * 8), "allowed are"),
    "dtype no string": (build({"a": entry(dtype=["F32"])}, b"\0" * 8), "allowed are"),
    "extra key": (build({"a": entry() | {"more": 1}}, b"\0" * 8), "exactly"),
    "metadata no strings": (build({"__metadata__": {"a": 1}}), "metadata"),
    "pickle": (b"\x80\x04\x95" + b"\0" * 40, "pickle"),
    "zip": (b"PK\x03\x04" + b"\0" * 40, "pickle or zip"),
    "lfs pointer": (b"version https://git-lfs.github.com/spec/v1\n", "LFS pointer"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_one_clear_error(tmp_path, case):
    data, message = HOSTILE[case]
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match=message) as caught:
        weights.read_weights(path)
    assert str(path) in str(caught.value)


def test_a_real_torch_checkpoint_is_refused_under_our_suffix(tmp_path):
    path = tmp_path / "model.safetensors"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02.")
    with pytest.raises(ArtifactError, match="pickle or zip"):
        weights.read_weights(path)


@pytest.mark.parametrize("start", [b"\x80\x02", b"\x80\x05", b"PK"])
def test_a_header_whose_length_looks_like_a_pickle_is_no_pickle(start):
    (length,) = struct.unpack("<Q", start.ljust(8, b"\0"))
    header = json.dumps({"x": entry()}).encode().ljust(length)
    content = struct.pack("<Q", length) + header + bytes(8)
    assert content.startswith(start)
    tensors, _ = weights.parse_weights(content, source="x")
    assert torch.equal(tensors["x"], torch.zeros(2))


def test_every_truncation_is_refused(tmp_path):
    path = tmp_path / "whole"
    weights.write_weights(path, SAMPLE)
    whole = path.read_bytes()
    for length in range(len(whole)):
        with pytest.raises(ArtifactError):
            weights.parse_weights(whole[:length], source="cut")


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(ArtifactError, match="is missing"):
        weights.read_weights(tmp_path / "none")
    with pytest.raises(ArtifactError, match="cannot be read"):
        weights.read_weights(tmp_path)


def test_the_hash_is_that_of_the_bytes_that_are_used(tmp_path):
    path = tmp_path / "x"
    weights.write_weights(path, SAMPLE)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert set(weights.read_weights(path, sha256=digest)) == set(SAMPLE)
    with pytest.raises(ArtifactError, match="where 000000000000… is due"):
        weights.read_weights(path, sha256="0" * 64)


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"a": ((2,), torch.float32), "b": ((1,), torch.float32)}, "missing: b"),
        ({}, "unexpected weights: a"),
        ({"a": ((3,), torch.float32)}, r"shape \[2\], its config asks for \[3\]"),
        ({"a": ((2,), torch.int64)}, "dtype torch.float32, its config asks for torch.int64"),
    ],
)
def test_names_shapes_and_dtypes_must_fit(tmp_path, expected, message):
    path = tmp_path / "x"
    weights.write_weights(path, {"a": torch.zeros(2)})
    with pytest.raises(ArtifactError, match=message):
        weights.read_weights(path, expected)


def test_half_precision_becomes_float32_but_not_integers(tmp_path):
    path = tmp_path / "x"
    weights.write_weights(path, {"a": torch.tensor([0.5, 1.5], dtype=torch.float16)})
    loaded = weights.read_weights(path, {"a": ((2,), torch.float32)})["a"]
    assert loaded.dtype == torch.float32 and loaded.tolist() == [0.5, 1.5]
    with pytest.raises(ArtifactError, match="int64"):
        weights.read_weights(path, {"a": ((2,), torch.int64)})


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 2), nn.Embedding(5, 3))


def test_a_module_survives_the_round_trip_whole(tmp_path):
    path, before = tmp_path / "x", network()
    weights.write_weights(path, before.state_dict())
    with weights.skip_initialization():
        after = network()
    assert weights.load_module(after, path) is after
    assert not after.training and not any(p.requires_grad for p in after.parameters())
    for name, value in before.state_dict().items():
        assert torch.equal(after.state_dict()[name], value)


def test_skipping_initialization_draws_no_random_number():
    state = torch.get_rng_state()
    with weights.skip_initialization():
        network()
        assert nn.Parameter(torch.randn(3, 4) * 0.02).shape == (3, 4)
    assert torch.equal(torch.get_rng_state(), state)


def test_numbers_from_a_generator_are_never_skipped():
    seeded = [torch.Generator().manual_seed(3) for _ in range(2)]
    with weights.skip_initialization():
        drawn = torch.randn(5, generator=seeded[0])
    assert torch.equal(drawn, torch.randn(5, generator=seeded[1]))
