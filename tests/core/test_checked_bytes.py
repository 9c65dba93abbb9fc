from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from underpaint.core.checked_bytes import read_checked
from underpaint.core.errors import ArtifactError


def test_a_file_is_read_if_its_hash_is_right(tmp_path: Path):
    path = tmp_path / "graph.onnx"
    path.write_bytes(b"graph")
    digest = hashlib.sha256(b"graph").hexdigest()
    assert (
        read_checked(path, sha256=digest, remedy="again") == read_checked(path, sha256=None, remedy="again") == b"graph"
    )
    with pytest.raises(ArtifactError, match=rf"SHA-256 {digest[:12]}… where 000000000000… is due: .*; again"):
        read_checked(path, sha256="0" * 64, remedy="again")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path):
    with pytest.raises(ArtifactError, match="nothing is missing; again"):
        read_checked(tmp_path / "nothing", sha256=None, remedy="again")
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_checked(tmp_path, sha256=None, remedy="again")
