"""Options for models of diffusers, which every command that draws has; they become a part of the model's address."""

from __future__ import annotations

import argparse
from typing import Any

from underpaint.core.errors import InputError

NAMES = ("scheduler", "size", "negative", "variant", "dtype")


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of diffusers models."""
    group = parser.add_argument_group("for a model of diffusers (docs/diffusers.md)")
    group.add_argument("--scheduler", metavar="NAME", help="euler, dpmpp-2m, unipc, ...; a wrong one lists them")
    group.add_argument(
        "--lora", action="append", metavar="FILE[:SCALE]", help="low-rank weights, safetensors; may be repeated"
    )
    group.add_argument("--size", metavar="WxH", help="size of the pictures, as 512x512")
    group.add_argument("--negative", metavar="TEXT", help="what shall not be drawn")
    group.add_argument("--variant", metavar="NAME", help="which weights of several, as fp16")
    group.add_argument("--dtype", metavar="TYPE", help="float32 (default), float16 or bfloat16")
    group.add_argument("--allow-pickle", action="store_true", help="open weights that are pickles, which can run code")


def model_of(args: argparse.Namespace, model: str | None) -> str | None:
    """Return the model's address with the options given, or the name as it is if there are none.

    Args:
        args: The parsed arguments.
        model: The model as the user named it.

    Raises:
        InputError: There are options, and no model is named, its address has options already, or a value is wrong.
    """
    given: dict[str, Any] = {name: getattr(args, name) for name in NAMES if getattr(args, name) is not None}
    given |= {"lora": tuple(args.lora)} if args.lora else {}
    given |= {"allow_pickle": True} if args.allow_pickle else {}
    if not given:
        return model
    from underpaint.adapters.diffusers.options import MARK, Options, write_address

    words = ", ".join(f"--{name.replace('_', '-')}" for name in given)
    if model is None:
        raise InputError(
            f"{words}: only pipelines of diffusers take this, and a model of ours draws in its own size; leave it out, "
            "or name such a pipeline with -m"
        )
    if MARK in model:
        raise InputError(f"{model!r:.200} has options already; add {words} to them, or leave those out")
    return write_address(model, Options.parse(given, source="options"))


def words_of(args: argparse.Namespace) -> list[str]:
    """Return the options given, as they were typed."""
    words = [word for name in NAMES if getattr(args, name) is not None for word in (f"--{name}", getattr(args, name))]
    words += [word for one in args.lora or () for word in ("--lora", one)]
    return words + (["--allow-pickle"] if args.allow_pickle else [])
