"""Which optional packages and programs are installed, and what each brings to somebody who lacks it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from underpaint.core.installing import pip_command
from underpaint.runtime.findings import Finding
from underpaint.runtime.fingerprint import ENGINES
from underpaint.runtime.installed import version_of

BASE = ("numpy", "pillow", "pydantic")
EMOJI_FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
EMOJI_FONT_INSTALL = (
    "sudo apt-get install --no-install-recommends libfribidi0 fonts-noto-color-emoji unicode-cldr-core unicode-data"
)
NPM_INSTALL = "sudo apt-get install npm"


@dataclass(frozen=True, kw_only=True)
class Feature:
    """What some packages make possible together.

    Args:
        name: What a user calls it.
        packages: What pip calls the packages; each with others that bring the same module.
        extra: The extra of underpaint that brings them; empty for the base.
        brings: What it is good for, as the end of a sentence that begins with *for*.
        needs_gpu: Whether it is of no use without a GPU of NVIDIA.
    """

    name: str
    packages: tuple[tuple[str, ...], ...]
    extra: str
    brings: str
    needs_gpu: bool = False


FEATURES: tuple[Feature, ...] = (
    Feature(
        name="onnx",
        packages=(ENGINES["onnx"],),
        extra="",
        brings="drawing without torch: it starts in a fraction of torch's time and memory",
    ),
    Feature(
        name="openvino",
        packages=(ENGINES["openvino"],),
        extra="openvino",
        brings="drawing many pictures in one process: it starts later than onnx and is faster afterwards",
    ),
    Feature(
        name="torch",
        packages=(ENGINES["torch"],),
        extra="train",
        brings="training, evaluation, GPUs, and drawing with models that were not exported (--engine torch)",
    ),
    Feature(
        name="training",
        packages=(("safetensors",), ("tokenizers",)),
        extra="train",
        brings="training (underpaint train), beside torch",
    ),
    Feature(name="export", packages=(("onnx",),), extra="optimize", brings="underpaint export, beside torch"),
    Feature(
        name="data sets",
        packages=(("resvg_py",), ("imagehash",), ("mlcroissant",), ("license-expression",)),
        extra="data",
        brings="building and checking data sets (underpaint data)",
    ),
    Feature(
        name="parquet",
        packages=(("pyarrow",),),
        extra="folder",
        brings="data sets of your own that lie in parquet files",
    ),
    Feature(
        name="diffusers",
        packages=(("diffusers",), ("transformers",), ("accelerate",), ("peft",)),
        extra="diffusers",
        brings="pipelines of Hugging Face diffusers as models",
    ),
    Feature(
        name="credentials",
        packages=(("c2pa-python",), ("cryptography",)),
        extra="c2pa",
        brings="signing pictures with a C2PA content credential, and verifying one",
    ),
    Feature(
        name="policies",
        packages=(("pyyaml",),),
        extra="evaluate",
        brings="policies of underpaint gate that are written in YAML",
    ),
    Feature(
        name="GPU energy",
        packages=(("nvidia-ml-py",),),
        extra="evaluate",
        brings="the energy that an NVIDIA GPU takes for a picture",
        needs_gpu=True,
    ),
)
"""What can be installed beside the base, the engines first."""


def _base(version: Callable[..., str | None]) -> Finding:
    versions = {name: version(name) for name in BASE}
    absent = [name for name, found in versions.items() if found is None]
    value = ", ".join(f"{name} {found or 'not installed'}" for name, found in versions.items())
    if absent:
        meaning = "nothing can be drawn without them"
        remedy = f"pip install {' '.join(absent)}"
        return Finding(section="software", name="base", value=value, meaning=meaning, state="broken", remedy=remedy)
    return Finding(section="software", name="base", value=value, meaning="what every command needs")


def _feature(feature: Feature, version: Callable[..., str | None]) -> Finding:
    versions = {names[0]: version(*names) for names in feature.packages}
    absent = [name for name, found in versions.items() if found is None]
    meaning = f"for {feature.brings}"
    if not absent:
        value = ", ".join(f"{name} {found}" for name, found in versions.items())
        return Finding(section="software", name=feature.name, value=value, meaning=meaning)
    return Finding(
        section="software",
        name=feature.name,
        value=f"{', '.join(absent)} not installed",
        meaning=meaning,
        state="missing",
        remedy=pip_command(feature.extra),
    )


def _npm(program: str | None) -> Finding:
    meaning = "for the download of the drawings that underpaint data build stickers reads; of no use for drawing"
    if program:
        return Finding(section="software", name="npm", value=program, meaning=meaning)
    return Finding(
        section="software", name="npm", value="not found", meaning=meaning, state="missing", remedy=NPM_INSTALL
    )


def _font(font: Path) -> Finding:
    meaning = "for data sets out of Debian's emoji font (--source debian) alone; contact sheets use the font in Pillow"
    if font.is_file():
        return Finding(section="software", name="emoji font", value=str(font), meaning=meaning)
    return Finding(
        section="software",
        name="emoji font",
        value="not found",
        meaning=meaning,
        state="missing",
        remedy=EMOJI_FONT_INSTALL,
    )


def software_findings(
    version: Callable[..., str | None] = version_of, *, gpu: bool = False, font: Path = EMOJI_FONT
) -> Iterator[Finding]:
    """Look for what underpaint can use beyond its base.

    Args:
        version: Returns the version of the first of some packages that is installed (a test may give its own).
        gpu: Whether there is a GPU of NVIDIA.
        font: Where Debian puts its emoji font.
    """
    yield _base(version)
    yield from (_feature(feature, version) for feature in FEATURES if gpu or not feature.needs_gpu)
    yield _npm(shutil.which("npm"))
    yield _font(font)
