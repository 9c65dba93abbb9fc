"""What was measured of a model on a machine: times of batches, energy where it is counted, and what machine it was.

It is a file, so that a machine elsewhere can be measured and told of; no machine of another kind is guessed from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from underpaint.core.artifact import seal, staging, verify
from underpaint.core.config import Config, parse_json
from underpaint.core.errors import ArtifactError, InputError
from underpaint.stages.optimize.advise.figure import Figure
from underpaint.stages.optimize.advise.prices import Machine

SCHEMA = "underpaint.measured-speed/1"
KIND, FILE = "measured-speed", "measured.json"
FEWEST = 6
"""Fewest times of pictures drawn alone: an interval of their median needs so many."""
Milliseconds = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Joules = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class Batch(Config):
    """Times of batches of one size.

    Args:
        size: Pictures.
        times_ms: How long each batch took.
    """

    size: int = Field(ge=1)
    times_ms: tuple[Milliseconds, ...] = Field(min_length=1)

    @property
    def mean_ms(self) -> float:
        """The mean time of a batch."""
        return float(np.mean(self.times_ms))


class Power(Config):
    """Power of a machine's counted parts, while it waits and while it draws.

    Args:
        idle: Watts at rest: lower end, value, upper end.
        busy: Watts while one picture after the other is drawn.
        method: Whether the hardware counts energy or its power was read now and then.
        components: What is counted, as ``package-0``; the rest of the machine is not.
        windows: Windows of each kind.
    """

    idle: tuple[Joules, Joules, Joules]
    busy: tuple[Joules, Joules, Joules]
    method: Literal["counter", "sampled"]
    components: tuple[str, ...] = Field(min_length=1)
    windows: int = Field(ge=2)


class Measured(Config):
    """A measurement.

    Args:
        schema_id: Name and version of this format.
        model: Name of the model.
        model_digest: Its digest.
        size: Of the pictures, as ``64x64``.
        engine: What computed: ``torch``, ``onnx`` or ``openvino``.
        device: Kind of device.
        threads: CPU threads.
        host_class: Class of the machine.
        hardware: Name of what computed.
        cores: Physical cores that could be used.
        fingerprint: Digest of the machine's fingerprint.
        noise: What disturbed the measurement; empty if nothing did.
        day: When it was measured.
        batches: Times, sizes rising from 1.
        power: Power; None where nothing counts it.
    """

    schema_id: Literal["underpaint.measured-speed/1"] = SCHEMA
    model: str
    model_digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: str
    engine: str
    device: str
    threads: int = Field(ge=1)
    host_class: str
    hardware: str
    cores: int = Field(ge=1)
    fingerprint: str = Field(pattern=r"^[0-9a-f]{64}$")
    noise: tuple[str, ...] = ()
    day: date
    batches: tuple[Batch, ...] = Field(min_length=1)
    power: Power | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        sizes = [batch.size for batch in self.batches]
        if sizes[0] != 1 or sizes != sorted(set(sizes)) or len(self.batches[0].times_ms) < FEWEST:
            raise ValueError(f"batches must rise from 1, and {FEWEST} pictures must have been drawn alone")
        return self

    @property
    def title(self) -> str:
        """What was measured where, in words."""
        threads = "" if self.device != "cpu" else f", {self.threads} thread{'s' * (self.threads > 1)}"
        return f"{self.hardware}{threads}, {self.engine}, {self.day.isoformat()} ({self.digest()[:8]})"

    def watts(self, which: Literal["idle", "busy"]) -> Figure | None:
        """Return the power while it waits or draws; None where nothing counted it."""
        if self.power is None:
            return None
        low, value, high = getattr(self.power, which)
        method = "counted" if self.power.method == "counter" else "sampled"
        source = f"{which} power: {', '.join(self.power.components)} alone, of {self.title}"
        return Figure(value=value, low=low, high=high, unit="W", method=method, sources=(source,))


def write_measured(measured: Measured, out: Path) -> None:
    """Write a measurement as an artifact.

    Args:
        measured: The measurement.
        out: The new folder.

    Raises:
        StorageError: It exists, or cannot be written.
    """
    with staging(out) as folder:
        (folder / FILE).write_text(measured.model_dump_json(indent=2) + "\n", encoding="utf-8")
        parents = {"model": measured.model_digest}
        seal(folder, kind=KIND, stage="optimize", config=measured, parents=parents)


def read_measured(path: Path) -> Measured:
    """Read a measurement.

    Args:
        path: Its folder, which is verified, or the file ``measured.json`` alone.

    Raises:
        InputError: There is none, or it is none.
        ArtifactError: The folder was changed.
    """
    if path.is_dir():
        verify(path, kind=KIND)
        path = path / FILE
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"there is no measurement {path}; make one on that machine: underpaint advise MODEL --measure-only"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no measurement ({error}); make one with --measure-only --out DIR") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} is no measurement; make one with --measure-only --out DIR")
    return Measured.parse(values, source=str(path))


def check_model(measured: Measured, digest: str, name: str) -> None:
    """Refuse a measurement of another model.

    Raises:
        ArtifactError: It is one.
    """
    if measured.model_digest != digest:
        raise ArtifactError(
            f"the measurement on {measured.hardware} is of {measured.model} ({measured.model_digest[:12]}), not of "
            f"{name} ({digest[:12]}); measure this model there with --measure-only"
        )


def fits(measured: Measured, machine: Machine) -> bool:
    """Tell whether a measurement is of a machine's kind."""
    return measured.host_class == machine.host_class and machine.cores in (None, measured.cores)


def chosen(machine: Machine, found: Sequence[Measured]) -> Measured | None:
    """Return the measurement of a machine's kind; None if there is none.

    Raises:
        InputError: Several are, and nothing says which.
    """
    fitting = {one.digest(): one for one in found if fits(one, machine)}
    if len(fitting) > 1:
        raise InputError(
            f"{len(fitting)} measurements fit the machine {machine.name!r} of class {machine.host_class}: "
            f"{'; '.join(one.title for one in fitting.values())}; say its cores in the prices file, or leave one out"
        )
    return next(iter(fitting.values()), None)
