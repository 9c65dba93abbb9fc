"""The card of an extractor: what turns pictures into features, said so exactly that equal cards give equal features.

The digest of the card is the extractor's identity; numbers made under different cards are never compared. A card lies
beside its weights as ``extractor.json``, and a file whose SHA-256 differs from its card is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, JsonValue, field_validator, model_validator

from underpaint.core.artifact import hash_file, storage_errors
from underpaint.core.config import Config, canonical_json, parse_json
from underpaint.core.errors import ArtifactError, InputError

CARD = "extractor.json"
SCHEMA = "underpaint.extractor/1"
NO_WEIGHTS = "0" * 64
"""``weights_sha256`` of an extractor that has no weights at all."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$")]
Byte = Annotated[int, Field(ge=0, le=255)]
Positive = Annotated[FiniteFloat, Field(gt=0)]


class Resize(Config):
    """How a picture is brought to the network's size.

    Args:
        library: ``pillow`` rounds to 8 bits as Pillow does on RGB; ``pillow_float`` resizes each channel without
            rounding; ``tensorflow1`` is ``resize_bilinear(align_corners=False)`` of TensorFlow 1 on floats.
        filter: The filter.
        antialias: Whether the filter widens when it shrinks a picture; Pillow always does, TensorFlow 1 never.
        fit: ``stretch`` to a square, or ``crop``: the shorter side becomes ``edge``, then the center is cut out.
        edge: Length of the shorter side before cropping; None for the input's size.
    """

    library: Literal["pillow", "pillow_float", "tensorflow1"] = "pillow"
    filter: Literal["bicubic", "bilinear", "box", "lanczos"] = "bicubic"
    antialias: bool = True
    fit: Literal["stretch", "crop"] = "stretch"
    edge: Annotated[int, Field(ge=1, le=4096)] | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.antialias != (self.library != "tensorflow1"):
            raise ValueError("Pillow always filters against aliasing and TensorFlow 1 never does; set antialias so")
        if self.library == "tensorflow1" and (self.filter, self.fit) != ("bilinear", "stretch"):
            raise ValueError("tensorflow1 knows the filter 'bilinear' and the fit 'stretch' only")
        if self.edge is not None and self.fit != "crop":
            raise ValueError("edge has a meaning with the fit 'crop' only")
        return self


class InputSpec(Config):
    """What the network takes.

    Args:
        size: Side of its square pictures in pixels.
        color_order: ``rgb`` or ``bgr`` on ``alpha_background``, or ``rgba``: premultiplied color, then alpha.
        range: What the values 0 and 255 become.
        mean: Subtracted after that, a number a channel; None for nothing.
        std: Divided by after that; None for nothing.
        resize: How a picture comes to this size.
        alpha_background: The 8-bit color behind transparent pixels; None with ``rgba``.
    """

    size: Annotated[int, Field(ge=1, le=4096)]
    color_order: Literal["rgb", "bgr", "rgba"] = "rgb"
    range: tuple[FiniteFloat, FiniteFloat] = (0.0, 1.0)
    mean: tuple[FiniteFloat, ...] | None = None
    std: tuple[Positive, ...] | None = None
    resize: Resize = Resize()
    alpha_background: tuple[Byte, Byte, Byte] | None = (255, 255, 255)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return len(self.color_order)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.color_order == "rgba") != (self.alpha_background is None):
            raise ValueError("alpha_background belongs to rgb and bgr; with rgba it must be null")
        if any(values is not None and len(values) != self.channels for values in (self.mean, self.std)):
            raise ValueError(f"mean and std need one number for each of the {self.channels} channels")
        if self.resize.edge is not None and self.resize.edge < self.size:
            raise ValueError(f"edge must be at least the size {self.size}, got {self.resize.edge}")
        if self.range[0] >= self.range[1]:
            raise ValueError("range must rise")
        return self


class FeatureAffine(Config):
    """A fixed standardization of features: ``(raw[kept] - mean) / std``.

    Args:
        mean: Mean of each kept dimension over the reference.
        std: Its standard deviation.
        kept: Indices of the raw dimensions that are kept; None for all.
        reference_digest: What identifies the pictures that mean and deviation were measured on.
    """

    mean: tuple[FiniteFloat, ...]
    std: tuple[Positive, ...]
    kept: tuple[Annotated[int, Field(ge=0)], ...] | None = None
    reference_digest: str

    @model_validator(mode="after")
    def _equal_lengths(self) -> Self:
        if len(self.mean) != len(self.std) or (self.kept is not None and len(self.kept) != len(self.mean)):
            raise ValueError("mean, std and kept need one entry for each kept dimension")
        return self


class ExtractorCard(Config):
    """Everything that decides the features of an extractor, and what is known about it.

    Args:
        schema_: The version of this form, ``schema`` in JSON.
        name: Short name; a part of every metric id.
        version: Version of the extractor.
        weights_sha256: SHA-256 of the weights file, or of the tensors where none is stored.
        license: SPDX expression; ``NOASSERTION`` if unknown.
        source: Where it comes from.
        task: What it is for.
        dim: Number of features.
        layers: Where the features are taken.
        input: What the network takes.
        feature_affine: A fixed standardization of the features; None for none.
        unit_norm: Whether features have length 1.
        dtype: Precision of the arithmetic.
        runtime: What computes it.
        classes: Head to the names of its classes, in the order of its probabilities.
        trained_on: Digests or names of what it was trained on.
        validation: What was measured on it: accuracy, confusion, calibration error, sensitivity.
        known_blind_spots: What it does not see.
    """

    schema_: Literal["underpaint.extractor/1"] = Field(default=SCHEMA, alias="schema")
    name: Name
    version: str = "1"
    weights_sha256: Sha256
    license: str
    source: str
    task: Literal["features", "classifier", "dual_encoder"]
    dim: Annotated[int, Field(ge=1)]
    layers: tuple[str, ...]
    input: InputSpec
    feature_affine: FeatureAffine | None = None
    unit_norm: bool = False
    dtype: Literal["float32"] = "float32"
    runtime: str = "torch"
    classes: dict[str, tuple[str, ...]] = {}
    trained_on: tuple[str, ...] = ()
    validation: dict[str, JsonValue] = {}
    known_blind_spots: tuple[str, ...] = ()

    @field_validator("validation")
    @classmethod
    def _finite(cls, values: dict[str, JsonValue]) -> dict[str, JsonValue]:
        canonical_json(values)
        return values

    @model_validator(mode="after")
    def _same_width(self) -> Self:
        if self.feature_affine is not None and len(self.feature_affine.mean) != self.dim:
            raise ValueError(f"feature_affine describes {len(self.feature_affine.mean)} features, dim is {self.dim}")
        return self

    @property
    def identity(self) -> str:
        """SHA-256 of the card's canonical JSON; what may be compared has the same."""
        return self.digest()

    @property
    def key(self) -> str:
        """``name:first8``, the part of a metric id after ``@``."""
        return f"{self.name}:{self.identity[:8]}"

    def to_json(self) -> str:
        """Return the card as indented JSON, with the key ``schema``."""
        return self.model_dump_json(by_alias=True, indent=2) + "\n"


def read_card(path: Path) -> ExtractorCard:
    """Read a card.

    Args:
        path: ``extractor.json``, or the folder that holds it.

    Raises:
        ArtifactError: It is missing, no strict JSON, has unknown or missing keys, or a value out of range.
    """
    path = path / CARD if path.is_dir() else path
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing: an extractor needs a card; make or download it again") from None
    except (ValueError, OSError) as error:
        raise ArtifactError(f"{path} is damaged ({error}); make or download the extractor again") from None
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        found = values.get("schema") if isinstance(values, dict) else type(values).__name__
        raise ArtifactError(f"{path} is no card: its schema is {found!r:.60}, {SCHEMA!r} is needed")
    try:
        return ExtractorCard.parse(values, source=str(path))
    except InputError as error:
        raise ArtifactError(f"{error}; correct the card") from None


def write_card(card: ExtractorCard, folder: Path) -> Path:
    """Write ``extractor.json`` into a folder and return its path."""
    path = folder / CARD
    with storage_errors(path):
        path.write_text(card.to_json(), encoding="utf-8")
    return path


def check_weights(card: ExtractorCard, path: Path) -> None:
    """Compare a weights file with its card.

    Raises:
        ArtifactError: The file is missing, cut off or changed.
    """
    if not path.is_file():
        raise ArtifactError(f"{path} is missing, the weights of {card.name}; make or download the extractor again")
    found = hash_file(path)
    if found != card.weights_sha256:
        raise ArtifactError(
            f"{path} ({path.stat().st_size} bytes) has the SHA-256 {found[:12]}…, its card says "
            f"{card.weights_sha256[:12]}…: the file is cut off or was changed; download it again, whole"
        )
