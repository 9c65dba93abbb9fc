"""The address of a diffusers model: a folder or a hub's id, and how it shall be loaded, in one string.

    owner/name@revision?scheduler=unipc&lora=style.safetensors:0.8&size=512x768&negative=blurry

One string names the model wherever a model is named, so that whatever opens models can open these.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import parse_qsl, quote

from pydantic import Field, field_validator

from underpaint.core.config import Config
from underpaint.core.errors import InputError

MARK = "?"
LORA = re.compile(r"(?P<file>.+?)(?::(?P<scale>-?\d+(?:\.\d*)?))?")
FLAGS = ("allow_pickle",)


class Options(Config):
    """How a diffusers model is loaded; all of it decides the pictures, so it is a part of the model's identity.

    Args:
        scheduler: Name in ``schedulers.SCHEDULERS``; None for the folder's own.
        lora: Files of low-rank weights, each with ``:scale`` behind it if that is not 1.
        size: Width and height in pixels, as ``512x512``; None for the model's own.
        negative: What shall not be drawn; None for nothing.
        variant: Which of several files of weights, for example ``fp16``; None for the plain ones.
        dtype: Numbers to compute with.
        allow_pickle: Open weights that are pickles, which can run code.
    """

    scheduler: str | None = None
    lora: tuple[str, ...] = ()
    size: str | None = Field(default=None, pattern=r"^[1-9][0-9]{0,3}x[1-9][0-9]{0,3}$")
    negative: str | None = Field(default=None, min_length=1, max_length=2000)
    variant: str | None = Field(default=None, pattern=r"^[a-z]\w*$")
    dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    allow_pickle: bool = False

    @field_validator("lora")
    @classmethod
    def _named(cls, lora: tuple[str, ...]) -> tuple[str, ...]:
        if any(not file_and_scale(one)[0].endswith(".safetensors") for one in lora):
            raise ValueError("low-rank weights are FILE.safetensors, or FILE.safetensors:SCALE")
        return lora

    @property
    def sides(self) -> tuple[int, int] | None:
        """Width and height in pixels, if they are given."""
        if self.size is None:
            return None
        width, height = map(int, self.size.split("x"))
        return width, height

    @property
    def given(self) -> dict[str, str]:
        """What differs from the defaults, but for the low-rank weights, as text."""
        values = self.model_dump(exclude_defaults=True, exclude={"lora"})
        return {key: "1" if value is True else str(value) for key, value in values.items()}


def file_and_scale(lora: str) -> tuple[str, float]:
    """Return the file and the scale that ``FILE`` or ``FILE:SCALE`` names."""
    match = LORA.fullmatch(lora)
    if match is None:
        return lora, 1.0
    return match["file"], float(match["scale"] or 1.0)


def read_address(address: str) -> tuple[str, Options]:
    """Split an address.

    Args:
        address: A folder or a hub's id, and ``?key=value&key=value`` behind it if need be.

    Raises:
        InputError: An option is unknown, doubled, or has an impossible value.
    """
    name, mark, text = address.partition(MARK)
    if not mark:
        return name, Options()
    values: dict[str, object] = {}
    lora: list[str] = []
    for key, value in parse_qsl(text, keep_blank_values=True):
        if key in values:
            raise InputError(f"{address!r:.200} gives {key!r:.40} twice; once is enough")
        if key == "lora":
            lora.append(value)
        elif key in FLAGS:
            values[key] = value in ("", "1", "true")
        else:
            values[key] = value
    return name, Options.parse(values | ({"lora": tuple(lora)} if lora else {}), source=f"{address!r:.200}")


def write_address(name: str, options: Options) -> str:
    """Return the address of a model with options; ``read_address`` splits it again."""
    pairs = [*options.given.items(), *(("lora", one) for one in options.lora)]
    text = "&".join(f"{key}={quote(value, safe='/:,.@ ')}" for key, value in pairs)
    return f"{name}{MARK}{text}" if text else name
