"""What all tests share: one thread for the mathematics, a callable command line, and a tiny model of real parts."""

from __future__ import annotations

import fcntl
import json
import os
import runpy
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from torch import nn

    from underpaint.models.text_tokenizer import TextTokenizer
    from underpaint.pipelines.flow import FlowPipeline
    from underpaint.pipelines.hybrid import HybridPipeline

os.environ.setdefault("OMP_NUM_THREADS", "1")


OF_SEVERAL_PROCESSES = {"chromium", "start_server"}
"""Fixtures of tests whose course depends on how a machine shares its cores among a test, a server and a browser."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first, so that several processes end at about the same time.

    They take files in this order since pyproject.toml says ``--no-loadscope-reorder``; otherwise those of most tests.
    What a server and a browser do together is tried once more before it counts as failed; the summary tells of it.
    """
    for item in items:
        if OF_SEVERAL_PROCESSES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.flaky(reruns=1))
    slow = {
        item.path for item in items if item.get_closest_marker("slow") and not item.get_closest_marker("exhaustive")
    }
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def keys_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of keys for the tests, so that the user's own is neither read nor written; nothing is signed by it."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "signing.json").write_text('{"sign": false}', encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNDERPAINT_KEYS", str(folder))
        yield folder


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Make a folder once for all test processes, which do not change it: ``made_once("model", lambda folder: ...)``."""
    own = tmp_path_factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        folder, done = root / "made-once" / name, root / "made-once" / f"{name}.done"
        folder.parent.mkdir(exist_ok=True)
        with (folder.parent / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                fill(folder)
                done.touch()
        return folder

    return make


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A command that has run: its exit code and what it wrote."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@pytest.fixture
def underpaint(capfd: pytest.CaptureFixture[str]) -> Callable[..., Finished]:
    """Run the command line in this process: ``underpaint("show", "cat.png").code``."""
    from underpaint.cli.app import main

    def call(*arguments: object) -> Finished:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Finished(code=code, stdout=captured.out, stderr=captured.err)

    return call


def build_huge_png(width: int, height: int) -> bytes:
    """Return a small PNG whose header promises a picture of a size, which its pixels do not fill."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1_000_000), 9)), (b"IEND", b""))
    parts = [struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.fixture(scope="session")
def huge_png() -> Callable[[int, int], bytes]:
    """Return ``build_huge_png``."""
    return build_huge_png


WORDS = (
    "a",
    "an",
    "the",
    "red",
    "green",
    "blue",
    "apple",
    "cat",
    "dog",
    "smiling",
    "with",
    "sunglasses",
    "and",
    ",",
    ".",
)


def build_tiny_tokenizer() -> TextTokenizer:
    """Build a tokenizer that knows ``WORDS``."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    from underpaint.models.text_tokenizer import TextTokenizer

    vocabulary = {word: index for index, word in enumerate(["[PAD]", "[UNK]", *WORDS])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return TextTokenizer.from_json(tokenizer.to_str())


def wake(modules: Sequence[nn.Module]) -> None:
    """Fill what starts at zero with noise, since zeros would hide mistakes."""
    import torch

    with torch.no_grad():
        for module in modules:
            for name, value in module.state_dict().items():
                if value.is_floating_point() and "norm" not in name and not value.any():
                    value.normal_(std=0.5)


def build_tiny_flow(*, few_step: bool = False, seed: int = 0) -> FlowPipeline:
    """Build a flow pipeline of the real classes with random weights: pictures of 32 pixels in two styles."""
    from underpaint.learning.seeding import initialized_by
    from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
    from underpaint.models.flow_transformer import FlowTransformer, FlowTransformerConfig
    from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
    from underpaint.pipelines.flow import FlowConfig, FlowPipeline

    tokenizer, width = build_tiny_tokenizer(), 32
    with initialized_by(seed):
        encoder = TextEncoder(TextEncoderConfig(vocab_size=tokenizer.vocab_size, width=width, depth=1, heads=2))
        sizes = FlowTransformerConfig(
            side=4, width=width, depth=2, heads=2, num_styles=2, text_width=width, step_length=few_step
        )
        network, autoencoder = FlowTransformer(sizes), Autoencoder(AutoencoderConfig(widths=(8, 16, 16)))
        wake([encoder, network, autoencoder])
    counts = (4, 2, 1) if few_step else None
    return FlowPipeline(
        text_tokenizer=tokenizer,
        text_encoder=encoder.eval(),
        autoencoder=autoencoder.eval(),
        flow_transformer=network.eval(),
        config=FlowConfig(styles=("flat", "noto"), steps=4, step_counts=counts, guidance=0.0 if few_step else 1.5),
    )


@pytest.fixture(scope="session")
def make_tiny_flow() -> Callable[..., FlowPipeline]:
    """Return ``build_tiny_flow``."""
    return build_tiny_flow


def build_tiny_pipeline(*, refined: bool = True, seed: int = 0) -> HybridPipeline:
    """Build a pipeline of the real classes with random weights: pictures of 32 pixels in two styles."""
    from underpaint.learning.seeding import initialized_by
    from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
    from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
    from underpaint.models.residual import ResidualConfig, ResidualRefiner
    from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
    from underpaint.models.transformer import ScaleTransformer, TransformerConfig
    from underpaint.pipelines.hybrid import HybridConfig, HybridPipeline

    tokenizer = build_tiny_tokenizer()
    schedule, width = (1, 2, 4), 32
    with initialized_by(seed):
        quantizer = MultiScaleQuantizer(QuantizerConfig(schedule=schedule, codebook_size=32))
        text_config = TextEncoderConfig(vocab_size=tokenizer.vocab_size, width=width, depth=1, heads=2)
        text_encoder = TextEncoder(text_config)
        transformer = ScaleTransformer(
            TransformerConfig(
                schedule=schedule,
                n_logits=quantizer.codes.n_logits,
                width=width,
                depth=2,
                heads=2,
                num_styles=2,
                text_width=width,
            )
        )
        residual = ResidualRefiner(ResidualConfig(width=16, depth=1, hidden_width=width)) if refined else None
        networks = [text_encoder, quantizer, transformer, Autoencoder(AutoencoderConfig(widths=(8, 16, 16)))]
        wake([*networks, *([residual] if residual else [])])
    return HybridPipeline(
        text_tokenizer=tokenizer,
        text_encoder=text_encoder.eval(),
        autoencoder=networks[-1].eval(),  # pyright: ignore[reportArgumentType]
        quantizer=quantizer.eval(),
        transformer=transformer.eval(),
        residual=residual.eval() if residual else None,
        config=HybridConfig(
            styles=("flat", "noto"),
            guidance_shape=(0.5, 1.0, 0.0),
            temperatures=(1.0, 1.0, 0.7),
            residual_steps=2 if refined else None,
        ),
    )


def save_tiny(folder: Path, *, refined: bool = True, seed: int = 0) -> Path:
    """Save a tiny pipeline as an artifact and return its folder."""
    from underpaint.core.config import Config
    from underpaint.pipelines.saved import save_pipeline

    class Made(Config):
        by: str = "the tests"

    save_pipeline(build_tiny_pipeline(refined=refined, seed=seed), folder, stage="test", config=Made(), parents={})
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a saved tiny model; do not change it, copy it."""
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


def export_tiny(tiny_model: Path, out: Path, *, edit: bool) -> None:
    from underpaint.core.progress import silent
    from underpaint.pipelines.opening import open_model
    from underpaint.stages.optimize.export.config import ExportConfig
    from underpaint.stages.optimize.export.run import export

    export(ExportConfig(edit=edit), open_model(tiny_model), out, silent)


@pytest.fixture(scope="session")
def tiny_export(tiny_model: Path, made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """The folder of the tiny model's graph; do not change it, copy it."""
    return made_once("tiny-onnx", lambda out: export_tiny(tiny_model, out, edit=False))


@pytest.fixture(scope="session")
def tiny_edit_export(tiny_model: Path, made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """The folder of the tiny model's graphs that draw and edit; do not change it, copy it."""
    return made_once("tiny-edit-onnx", lambda out: export_tiny(tiny_model, out, edit=True))


@pytest.fixture(scope="session")
def make_tiny_model() -> Callable[..., Path]:
    """Save another tiny model: ``make_tiny_model(folder, refined=False, seed=1)``."""
    return save_tiny


@pytest.fixture(scope="session")
def tiny_diffusers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what builds a tiny pipeline of diffusers, by its name in ``tiny_diffusers.py``, once a session."""
    root = tmp_path_factory.mktemp("diffusers")
    builders: dict[str, Callable[[str, Path], Path]] = {}

    def folder(name: str) -> Path:
        if not builders:
            builders["build"] = runpy.run_path(str(Path(__file__).with_name("tiny_diffusers.py")))["build"]
        return root / name if (root / name).exists() else builders["build"](name, root / name)

    return folder


@pytest.fixture(scope="session")
def doubled_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny model with a decoder that paints twice the side; do not change it, copy it."""
    import torch

    from underpaint.core.config import Config
    from underpaint.models.autoencoder import with_doubling
    from underpaint.pipelines.model_folder import open_model
    from underpaint.pipelines.saved import load_pipeline, save_pipeline

    class Made(Config):
        by: str = "the tests"

    pipeline: Any = load_pipeline(open_model(tiny_model), torch.device("cpu"))
    pipeline.autoencoder = with_doubling(pipeline.autoencoder, 8).eval()
    out = tmp_path_factory.mktemp("models") / "doubled"
    save_pipeline(pipeline, out, stage="test", config=Made(), parents={"model": "0" * 64})
    return out


@pytest.fixture
def sharing_model(tiny_model: Path, doubled_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the doubled model, shipped beside the tiny one, with which it shares all but the autoencoder."""
    from underpaint.pipelines import model_folder
    from underpaint.pipelines.sharing import save_sharing

    shipped = tmp_path / "shipped"
    monkeypatch.setattr(model_folder, "SHIPPED", shipped)
    shutil.copytree(tiny_model, shipped / model_folder.DEFAULT_MODEL)
    lender = model_folder.open_model(model_folder.DEFAULT_MODEL)
    save_sharing(model_folder.open_model(doubled_model), lender, shipped / "doubled")
    return shipped / "doubled"
