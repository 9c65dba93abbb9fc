"""Schedulers by name: which class of diffusers stands behind a name, and which models it fits.

A model that learned noise and one that learned the velocity of a flow need different schedulers; of the many names
that draw with the former, a few have a counterpart for the latter.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any

from underpaint.core.errors import InputError


@dataclass(frozen=True)
class Scheduler:
    """A class of diffusers and what differs from the model's own scheduler settings.

    Args:
        name: The class.
        settings: Settings that the name stands for.
    """

    name: str
    settings: dict[str, Any] = field(default_factory=dict)


FLOW_SIGMAS = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}

SCHEDULERS: dict[str, Scheduler] = {
    "ddim": Scheduler("DDIMScheduler"),
    "ddpm": Scheduler("DDPMScheduler"),
    "deis": Scheduler("DEISMultistepScheduler"),
    "dpmpp-2m": Scheduler("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++", "solver_order": 2}),
    "dpmpp-2m-karras": Scheduler(
        "DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++", "solver_order": 2, "use_karras_sigmas": True}
    ),
    "dpmpp-2m-sde": Scheduler("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++", "solver_order": 2}),
    "euler": Scheduler("EulerDiscreteScheduler"),
    "euler-a": Scheduler("EulerAncestralDiscreteScheduler"),
    "heun": Scheduler("HeunDiscreteScheduler"),
    "lcm": Scheduler("LCMScheduler"),
    "pndm": Scheduler("PNDMScheduler", {"skip_prk_steps": True}),
    "tcd": Scheduler("TCDScheduler"),
    "unipc": Scheduler("UniPCMultistepScheduler"),
}
"""For models that learned noise."""

FLOW_SCHEDULERS: dict[str, Scheduler] = {
    "dpmpp-2m": Scheduler(
        "DPMSolverMultistepScheduler", {**FLOW_SIGMAS, "algorithm_type": "dpmsolver++", "solver_order": 2}
    ),
    "euler": Scheduler("FlowMatchEulerDiscreteScheduler"),
    "heun": Scheduler("FlowMatchHeunDiscreteScheduler"),
    "unipc": Scheduler("UniPCMultistepScheduler", FLOW_SIGMAS),
}
"""For models that learned a flow."""


def is_flow(settings: dict[str, Any]) -> bool:
    """Tell from the settings of a model's own scheduler whether the model learned a flow."""
    own = str(settings.get("_class_name", ""))
    return own.startswith("FlowMatch") or bool(settings.get("use_flow_sigmas"))


def check_scheduler(name: str, settings: dict[str, Any]) -> Scheduler:
    """Return what stands behind a name.

    Args:
        name: As the user wrote it.
        settings: Those of the model's own scheduler.

    Raises:
        InputError: There is no such name, or it does not fit the model.
    """
    flow = is_flow(settings)
    table = FLOW_SCHEDULERS if flow else SCHEDULERS
    if name in table:
        return table[name]
    if name in SCHEDULERS:
        raise InputError(
            f"the scheduler {name!r} does not fit this model, which learned a flow; choose one of {', '.join(table)}"
        )
    raise InputError(f"there is no scheduler {name!r:.60}; choose one of {', '.join(table)}")


def make_scheduler(diffusers: Any, name: str, own: Any) -> Any:
    """Return a scheduler with the settings that a model's own one has in common with it.

    Args:
        diffusers: The package.
        name: Key of ``SCHEDULERS``.
        own: The model's own scheduler.

    Raises:
        InputError: The name is unknown or does not fit.
    """
    settings = {**own.config, "_class_name": type(own).__name__}
    chosen = check_scheduler(name, settings)
    kind = getattr(diffusers, chosen.name)
    _check_shifting(name, kind, settings)
    carried = {key: value for key, value in own.config.items() if key in inspect.signature(kind).parameters}
    if is_flow(settings) and "flow_shift" in inspect.signature(kind).parameters:
        carried["flow_shift"] = settings.get("flow_shift", settings.get("shift", 1.0))
    if is_flow(settings) and "shift" in inspect.signature(kind).parameters:
        carried["shift"] = settings.get("shift", settings.get("flow_shift", 1.0))
    return kind(**carried | chosen.settings)


def _check_shifting(name: str, kind: Any, settings: dict[str, Any]) -> None:
    """Refuse a scheduler that cannot take the times which a model with dynamic shifting hands over."""
    taken = inspect.signature(kind.set_timesteps).parameters
    if settings.get("use_dynamic_shifting") and not {"sigmas", "mu"} <= taken.keys():
        raise InputError(
            f"the scheduler {name!r} does not fit this model, which shifts its times by the size of the picture; "
            "leave it out, or choose euler or unipc"
        )
