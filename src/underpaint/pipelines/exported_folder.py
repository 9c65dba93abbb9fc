"""An exported model as a folder: a graph that an engine runs, and where its weights lie; without torch.

    edge.json                        what the graph is fed with and what it can do (``Edge``)
    graphs/<name>/model.onnx         the graph without its weights (ONNX), or model.xml and model.bin (OpenVINO)
    graphs/<name>/constants.safetensors   weights that no component has, such as quantized ones
    <component>/                     what is read of the model's components; files equal to those of the model
    manifest.json                    kind "exported"; its parent is the model

The components may also lie in the model that comes with underpaint, if the digests agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from underpaint.adapters.graph_engine import REMEDY
from underpaint.core.artifact import MANIFEST, Manifest, verify
from underpaint.core.config import Config, is_none, parse_json
from underpaint.core.errors import ArtifactError, InputError
from underpaint.pipelines import model_folder
from underpaint.pipelines.channel_layout import ChannelLayout
from underpaint.pipelines.loop import Loop
from underpaint.pipelines.model_folder import INDEX as MODEL_INDEX
from underpaint.pipelines.model_folder import TOKENIZER, Index, Model, open_lender
from underpaint.pipelines.noise import NoiseStream
from underpaint.runtime.engine import EngineName

KIND = "exported"
EDGE = "edge.json"
GRAPHS = "graphs"
CONSTANTS = "constants.safetensors"
SCHEMA = 1
AGAIN = REMEDY

Precision = Literal["f32", "bf16", "int8", "int8_bf16"]
"""Of the arithmetic: 32 bits, bfloat16, or 8 bits in products with one of both in everything else."""
WORDS, WEIGHT, MASK, STYLE, GUIDANCE, TEMPERATURE = "words", "weight", "mask", "style", "guidance", "temperature"
"""Names of a graph's inputs besides the streams of noise."""
PICTURE = "picture"
"""Name of the output: ``[B, H, H, 4]`` uint8, straight alpha."""
TEXT_PARTS = ("text_encoder", "text_tokenizer")
"""Components that are read outside the graph."""


class Source(Config):
    """Where an array of the graph lies among the components.

    Args:
        component: The component.
        name: Name of the tensor in its file of weights.
        transposed: Whether the graph wants it with its two axes exchanged.
    """

    component: str
    name: str
    transposed: bool = False


class EditGraph(Config):
    """A second graph of a hybrid model, which edits pictures.

    Args:
        graph: Name of its folder.
        schedule: Sides of the model's scales, coarse to fine.
        sources: As ``Edge.sources``.
    """

    graph: str = Field(pattern=r"^[\w.-]+$")
    schedule: tuple[int, ...]
    sources: dict[str, Source] = {}


class Edge(Config):
    """What ``edge.json`` says.

    Args:
        engine: What runs the graph.
        precision: Of the arithmetic: ``f32`` draws the model's own pictures, any other its own.
        model: Name of the model.
        model_sha256: Digest of the model; empty where an optimization made the graph, whose pictures are its own.
        pipeline: Class of the model's pipeline.
        image_size: Side of the pictures in pixels.
        batch: Pictures that the graph draws at once.
        graph: Name of the graph's folder.
        styles: Names of the styles, in the order of the style embedding.
        max_tokens: Longest text.
        guidance: Default strength of guidance; None where the graph has no such input.
        steps: Steps of the diffusion part, which are unrolled; None if there is none.
        streams: The noise, in the order of the graph's inputs.
        sources: Array of the graph to its place among the components; what is missing here lies in ``constants``.
        layout: The kind of processor that the graph was laid out for; None runs on any.
        loop: For a pipeline of diffusers, of which only the networks are graphs; its steps are free.
        edit: For a hybrid model, the graph that edits; None without.
    """

    schema_version: Literal[1] = SCHEMA
    engine: EngineName
    precision: Precision
    model: str
    model_sha256: str
    pipeline: str
    image_size: int = Field(ge=1, le=4096)
    batch: int = Field(ge=1)
    graph: str = Field(pattern=r"^[\w.-]+$")
    styles: tuple[str, ...]
    max_tokens: int = Field(ge=1)
    guidance: float | None
    steps: int | None
    streams: tuple[NoiseStream, ...]
    sources: dict[str, Source] = {}
    layout: ChannelLayout | None = None
    loop: Loop | None = None
    edit: EditGraph | None = Field(default=None, exclude_if=is_none)

    @property
    def pictures_of(self) -> str:
        """Digest of the model whose very pictures the graph draws; empty where it draws its own."""
        return self.model_sha256 if self.precision == "f32" else ""


@dataclass(frozen=True, kw_only=True)
class ExportedModel(Model):
    """An exported model that has not been loaded.

    Args:
        edge: What it says about its graph.
    """

    edge: Edge

    @property
    def digest(self) -> str:
        """What identifies the pictures: the model's digest if they are the model's own, else that of this folder."""
        return self.edge.pictures_of or self.manifest.digest

    @property
    def steps(self) -> str | None:
        """The sampling setting that says how many steps it takes; None if it takes none."""
        return None if self.edge.steps is None else "steps"

    @property
    def size(self) -> str:
        """Size of its pictures, as ``64x64``."""
        return super().size if self.edge.loop is None else f"{self.edge.loop.width}x{self.edge.loop.height}"

    @property
    def parts(self) -> tuple[str, ...]:
        """The components that are read when it draws."""
        return tuple(sorted({*TEXT_PARTS, *(source.component for source in self.edge.sources.values())}))

    def has_file(self, file: str, graph: str | None = None) -> bool:
        """Tell whether a graph, the one that draws by default, has a file of this name."""
        return f"{GRAPHS}/{graph or self.edge.graph}/{file}" in self.manifest.files

    def graph_file(self, file: str, graph: str | None = None) -> tuple[Path, str]:
        """Return path and recorded hash of a file of a graph.

        Args:
            file: Its name.
            graph: The graph's folder; None for the one that draws.

        Raises:
            ArtifactError: There is no such file.
        """
        name = f"{GRAPHS}/{graph or self.edge.graph}/{file}"
        if not self.has_file(file, graph):
            raise ArtifactError(f"{self.folder / MANIFEST} does not list {name}: the export is incomplete; {AGAIN}")
        return self.folder / name, self.manifest.files[name].sha256


def has_eight_bits(precision: Precision) -> bool:
    """Tell whether products have 8 bits, which ranges are found for."""
    return precision.startswith("int8")


def has_bfloat16(precision: Precision) -> bool:
    """Tell whether what has no 8 bits is computed in bfloat16."""
    return precision.endswith("bf16")


def is_exported(folder: Path) -> bool:
    """Tell whether a folder looks like an exported model."""
    return (folder / EDGE).is_file()


def open_exported(folder: Path) -> ExportedModel:
    """Read what an exported model says about itself; graph and weights are read later.

    Raises:
        ArtifactError: It is incomplete, damaged, of another version, or the model that it refers to is missing.
    """
    if not (folder / MANIFEST).is_file():
        raise ArtifactError(f"{folder} is no finished export: it has no {MANIFEST}; {AGAIN}")
    manifest = verify(folder, kind=KIND, only=(EDGE,))
    edge = read_edge(folder / EDGE)
    shared = _shared_with(folder, edge, manifest)
    if shared is None:
        verify(folder, only=(f"text_tokenizer/{TOKENIZER}",) if edge.loop is None else (MODEL_INDEX,))
    return ExportedModel(
        name=edge.model if edge.precision == "f32" else folder.resolve().name,
        folder=folder,
        manifest=manifest,
        index=index_of(edge, manifest, source=str(folder / EDGE)),
        components=components_in(manifest),
        shared=shared,
        edge=edge,
    )


def index_of(edge: Edge, manifest: Manifest, *, source: str) -> Index:
    """Return what the index of a model would say that draws as a graph does."""
    sampling = {"styles": list(edge.styles), "guidance": edge.guidance, "steps": edge.steps}
    values = {
        "_class_name": edge.pipeline,
        "_underpaint_version": manifest.versions.get("underpaint", ""),
        "image_size": edge.image_size,
        "sampling": sampling,
    }
    return Index.parse(values, source=source)


def components_in(manifest: Manifest) -> tuple[str, ...]:
    """Return the components that have files beside the graphs."""
    return tuple(sorted({name.split("/")[0] for name in manifest.files if "/" in name} - {GRAPHS}))


def read_edge(path: Path) -> Edge:
    """Read an ``edge.json``, without a look at what lies beside it.

    Raises:
        ArtifactError: It is damaged or of another version.
    """
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ArtifactError(f"{path} is damaged ({error}); {AGAIN}") from None
    version = values.get("schema_version") if isinstance(values, dict) else None
    if version != SCHEMA:
        raise ArtifactError(
            f"{path} has the version {version!r:.20}, and only version {SCHEMA} can be run here; update underpaint, or "
            f"{AGAIN}"
        )
    try:
        return Edge.parse(values, source=str(path))
    except InputError as error:
        raise ArtifactError(f"{error}; {AGAIN}") from None


def _shared_with(folder: Path, edge: Edge, manifest: Manifest) -> Model | None:
    """Return the model that came with underpaint in which the components lie; None where the folder has them.

    Raises:
        ArtifactError: Neither has them.
    """
    if edge.loop is not None or any(name.startswith("text_encoder/") for name in manifest.files):
        return None
    return open_lender(edge.model, edge.model_sha256, folder, AGAIN)


def shipped_exports() -> dict[str, Path]:
    """Return name and folder of the exported models that came with the package."""
    return {path.name: path for path in sorted(model_folder.SHIPPED.glob("*")) if is_exported(path)}
