"""Loading a diffusers model: from its folder alone, from safetensors, with every weight."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from underpaint.adapters.diffusers.inspecting import Facts
from underpaint.adapters.diffusers.locating import EXTRA
from underpaint.adapters.diffusers.options import Options
from underpaint.adapters.diffusers.schedulers import make_scheduler
from underpaint.adapters.require import require
from underpaint.core.errors import ArtifactError, InputError

FAILURES = (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, ImportError, SafetensorError)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep diffusers and transformers from logging, warning and drawing bars; what goes wrong is raised."""
    loggers = [require(f"{name}.utils.logging", extra=EXTRA) for name in ("diffusers", "transformers")]
    levels = [one.get_verbosity() for one in loggers]
    drawn = [one.is_progress_bar_enabled() for one in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in loggers:
            one.set_verbosity(one.CRITICAL)
            one.disable_progress_bar()
        try:
            yield
        finally:
            for one, level, bar in zip(loggers, levels, drawn, strict=True):
                one.set_verbosity(level)
                if bar:
                    one.enable_progress_bar()


def first_line(error: Exception) -> str:
    """Return the beginning of what an error says, or its kind if it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


def load_model(facts: Facts, options: Options, device: torch.device) -> Any:
    """Load a model.

    Args:
        facts: What ``inspect_model`` returned.
        options: How; the same that it was given.
        device: Where the networks shall lie.

    Returns:
        The pipeline of diffusers, for drawing.

    Raises:
        InputError: The scheduler or the low-rank weights do not fit.
        ArtifactError: Something is missing or damaged.
        MissingDependency: A package is not installed.
    """
    diffusers = require("diffusers", extra=EXTRA)
    with quiet():
        pipeline = _from_folder(diffusers, facts, options)
        if options.scheduler is not None:
            pipeline.scheduler = make_scheduler(diffusers, options.scheduler, pipeline.scheduler)
        if facts.lora:
            _add_lora(pipeline, facts)
        pipeline.to(device)
    pipeline.set_progress_bar_config(disable=True)
    for module in networks_of(pipeline).values():
        module.eval().requires_grad_(False)
    return pipeline


def networks_of(pipeline: Any) -> dict[str, nn.Module]:
    """Return the networks of a pipeline by component name."""
    return {name: part for name, part in pipeline.components.items() if isinstance(part, nn.Module)}


def _from_folder(diffusers: Any, facts: Facts, options: Options) -> Any:
    try:
        pipeline = getattr(diffusers, facts.class_name).from_pretrained(
            str(facts.folder),
            local_files_only=True,
            use_safetensors=None if options.allow_pickle else True,
            variant=facts.variant,
            torch_dtype=getattr(torch, options.dtype),
        )
    except FAILURES as error:
        raise ArtifactError(
            f"{facts.folder} cannot be loaded ({first_line(error)}); fetch the folder again, whole, or install what is "
            "missing"
        ) from None
    for name, module in networks_of(pipeline).items():
        lacking = [key for key, value in module.state_dict().items() if value.is_meta]
        if lacking:
            raise ArtifactError(
                f"{facts.folder / name} lacks {len(lacking)} weights, the first {lacking[0]}; fetch the folder again"
            )
    return pipeline


def _add_lora(pipeline: Any, facts: Facts) -> None:
    """Merge low-rank weights into the networks."""
    require("peft", extra=EXTRA)
    if not hasattr(pipeline, "load_lora_weights"):
        raise InputError(f"{facts.class_name} takes no low-rank weights; leave --lora out")
    names = [f"lora_{index}" for index in range(len(facts.lora))]
    for name, (path, _) in zip(names, facts.lora, strict=True):
        try:
            pipeline.load_lora_weights(
                str(path.parent.resolve()), weight_name=path.name, adapter_name=name, use_safetensors=True
            )
        except FAILURES as error:
            raise InputError(
                f"{path} does not fit {facts.class_name} ({first_line(error)}); take weights made for this model"
            ) from None
    held = {name for adapters in pipeline.get_list_adapters().values() for name in adapters}
    for name, (path, _) in zip(names, facts.lora, strict=True):
        if name not in held:
            raise InputError(f"{path} holds no weights for {facts.class_name}; take ones made for this model")
    pipeline.set_adapters(names, adapter_weights=[scale for _, scale in facts.lora])
    pipeline.fuse_lora(adapter_names=names)
    pipeline.unload_lora_weights()
