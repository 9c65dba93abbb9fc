"""The settings of a server: one value for each thing that may differ from place to place."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from underpaint.core.config import Config
from underpaint.runtime.energy import WATTS_PER_CORE
from underpaint.stages.serve.security.throttle_config import ThrottleConfig

SECRET = ("api_key", "jobs")
"""Settings that are not shown."""
DEFAULT_MODEL = "stickers-64"
MOST_WATTS = 1000.0


def state_folder() -> Path:
    """Return where a server keeps its state unless told otherwise: ``underpaint/serve`` in the user's state folder."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state).expanduser() / "underpaint" / "serve"


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class ServeConfig(Config):
    """Settings of ``underpaint serve``.

    Args:
        host: Address to listen on; another than this machine's own needs ``keys`` or ``api_key``.
        port: Port to listen on; 0 for any that is free.
        models: Served name to address, as ``underpaint generate -m`` takes it; the first is the default.
        engine: What computes.
        device: ``cpu``, ``cuda``, ...; null for the CPU.
        threads: CPU threads of each model.
        state: Folder for jobs, pictures and files.
        jobs: PostgreSQL address of the job queue, ``postgresql://...``; null for a file in ``state``.
        memory_mb: Memory that loaded models may hold together; null for any.
        watermark: Whose key marks the pixels.
        sign: Whether finished pictures are signed, with the key of ``underpaint generate``.
        quality: Steps of the qualities ``low``, ``medium`` and ``high``.
        keys: File of the keys of callers, as ``underpaint keys`` writes it.
        api_key: A single key of an operator; without it and ``keys`` everybody on this machine is let in.
        policy: Decides about prompts: ``default``, ``none``, or a file.
        throttle: How much a key of ``keys`` may ask for that says nothing of its own.
        allowed_hosts: More names under which the server may be called.
        backlog_s: Device-seconds of requests that may wait.
        batch_backlog_s: Device-seconds of jobs and batches that may wait.
        open_per_key: Pictures that one caller may wait for at once.
        max_batch_s: Longest batch.
        silence_s: An engine that says nothing for so long is ended.
        drain_s: How long a server that is stopped lets running work end.
        keep_alive_s: Longest silence of a stream of events.
        url_valid_s: How long the address of a picture is valid.
        keep_pictures_s: How long pictures are kept.
        keep_files_s: How long files and batches are kept.
        gallery_mb: Disk that the gallery of one caller may take, in MB; 0 for no gallery: pictures are then kept for
            ``keep_pictures_s`` alone.
        keep_deleted_s: How long the gallery's bin keeps what was deleted.
        watts_per_core: Least and most power of a busy core, for the energy of a picture where nothing counts it.
        price_per_kwh: Price of electricity; null to say nothing of money.
        currency: Of the price, as in ISO 4217.
        max_body_bytes: Largest JSON body.
        max_upload_bytes: Largest uploaded file.
        log: Lines for people, or JSON.
        traces: Address of a collector of OpenTelemetry, ``http://host:4318/v1/traces``; null to trace nothing.
    """

    host: str = Field(default="127.0.0.1", min_length=1, max_length=253)
    port: int = Field(default=8080, ge=0, le=65535)
    models: Mapping[str, str | None] = Field(default={DEFAULT_MODEL: None}, min_length=1)
    engine: Literal["auto", "torch", "onnx", "openvino"] = "auto"
    device: str | None = None
    threads: int = Field(default=1, ge=1, le=256)
    state: Path = Field(default_factory=state_folder)
    jobs: str | None = None
    memory_mb: int | None = Field(default=None, ge=1)
    watermark: Literal["public", "own", "none"] = "public"
    sign: bool = False
    quality: Mapping[Literal["low", "medium", "high"], int] = {}
    keys: Path | None = None
    api_key: str | None = None
    policy: str = Field(default="default", min_length=1)
    throttle: ThrottleConfig = ThrottleConfig()
    allowed_hosts: tuple[str, ...] = ()
    backlog_s: float = Field(default=120.0, gt=0)
    batch_backlog_s: float = Field(default=86400.0, gt=0)
    open_per_key: int = Field(default=100, ge=1)
    max_batch_s: float = Field(default=10.0, gt=0)
    silence_s: float = Field(default=300.0, gt=0)
    drain_s: float = Field(default=30.0, ge=0)
    keep_alive_s: float = Field(default=15.0, gt=0)
    url_valid_s: float = Field(default=3600.0, gt=0)
    keep_pictures_s: float = Field(default=7 * 86400.0, gt=0)
    keep_files_s: float = Field(default=30 * 86400.0, gt=0)
    gallery_mb: float = Field(default=1000.0, ge=0, allow_inf_nan=False)
    keep_deleted_s: float = Field(default=30 * 86400.0, gt=0)
    watts_per_core: tuple[float, float] = WATTS_PER_CORE
    price_per_kwh: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    max_body_bytes: int = Field(default=2**20, ge=1024)
    max_upload_bytes: int = Field(default=200 * 2**20, ge=1024)
    log: Literal["text", "json"] = "text"
    traces: str | None = None

    @field_validator("watts_per_core")
    @classmethod
    def _watts_rise(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0.0 < value[0] <= value[1] <= MOST_WATTS:
            raise ValueError(f"the watts of a core go from the least to the most, above 0 (got {value})")
        return value

    @field_validator("models")
    @classmethod
    def _names_can_be_written(cls, value: Mapping[str, str | None]) -> Mapping[str, str | None]:
        for name in value:
            if not name or len(name) > 100 or not name.isascii() or not name.isprintable() or set(name) & set(" /?#="):
                raise ValueError(f"a model is served under a short name of letters, digits, - and . (got {name!r:.60})")
        return value

    @model_validator(mode="after")
    def _strangers_need_a_key(self) -> Self:
        if not is_loopback(self.host) and self.api_key is None and self.keys is None:
            raise ValueError(
                f"whoever reaches {self.host} could draw here; make a key with underpaint keys create NAME and give "
                "its file with --keys, set one with UNDERPAINT_SERVE_API_KEY, or listen on 127.0.0.1"
            )
        return self

    def shown(self) -> dict[str, Any]:
        """Return the settings for people and logs: secrets are told to be there, and no more."""
        values = self.model_dump(mode="json")
        return {name: "(set)" if name in SECRET and value is not None else value for name, value in values.items()}
