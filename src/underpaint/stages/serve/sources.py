"""Where a server's settings come from: options, else the environment, else a file, else the defaults."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from underpaint.core.config import parse_json, problems_of
from underpaint.core.errors import InputError
from underpaint.stages.serve.config import DEFAULT_MODEL, ServeConfig

PREFIX = "UNDERPAINT_SERVE_"
LISTS = ("allowed_hosts",)
TRACES = re.compile(r"https?://[^\s@]{1,500}")


def read_config(
    options: Mapping[str, Any], environ: Mapping[str, str], file: Path | None = None
) -> tuple[ServeConfig, dict[str, str]]:
    """Return the settings, and where each of them comes from.

    Args:
        options: What the command line says; None for what it does not.
        environ: Environment variables; those that begin with ``UNDERPAINT_SERVE_`` count.
        file: A TOML file.

    Raises:
        InputError: A setting is unknown or out of range, or the file cannot be read.
    """
    given: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for source, values in (
        (str(file), _from_file(file) if file else {}),
        ("the environment", _from_environment(environ)),
        ("options", {name: value for name, value in options.items() if value is not None}),
    ):
        given |= values
        sources |= dict.fromkeys(values, source)
    if "models" in given:
        given["models"] = named(given["models"])
    _check_secrets(given)
    where = ", ".join(dict.fromkeys(sources.values())) or "defaults"
    try:
        config = ServeConfig.model_validate(given)
    except ValidationError as error:
        raise InputError(f"{problems_of(error)}; settings come from {where}") from None
    return config, {name: sources.get(name, "default") for name in ServeConfig.model_fields}


def _check_secrets(given: Mapping[str, Any]) -> None:
    """Refuse secrets that cannot be used, without showing them.

    Raises:
        InputError: The key is too short, or the address of the job queue or of the collector is none.
    """
    key, jobs, traces = given.get("api_key"), given.get("jobs"), given.get("traces")
    if key is not None and not (isinstance(key, str) and 16 <= len(key) <= 200 and key.isascii() and key.isprintable()):
        raise InputError("api_key must be 16 to 200 printable characters; make one with: openssl rand -hex 24")
    if jobs is not None and not str(jobs).startswith(("postgresql://", "postgres://")):
        raise InputError("jobs must be the address of a PostgreSQL database, as postgresql://user@host/name")
    if traces is not None and not TRACES.fullmatch(str(traces)):
        raise InputError(
            "traces must be the address of a collector without a password, as http://localhost:4318/v1/traces; what it "
            "asks for in headers stands in OTEL_EXPORTER_OTLP_HEADERS"
        )


def named(models: Any) -> Any:
    """Return served names and addresses from a list of ``NAME=ADDRESS``; what is no such list comes back as it is.

    Args:
        models: A list, or a text with commas between; an entry without ``=`` is its own name.

    Raises:
        InputError: Two models have one name.
    """
    entries = models.split(",") if isinstance(models, str) else models
    if isinstance(entries, Mapping) or not all(isinstance(entry, str) for entry in entries):
        return models
    found: dict[str, str | None] = {}
    for entry in entries:
        name, _, address = entry.strip().partition("=")
        if not address:
            name, address = (Path(name).name or name), name
        if name in found:
            raise InputError(f"two models are called {name!r:.60}; give them names: --model NAME=ADDRESS")
        found[name] = None if address == DEFAULT_MODEL else address
    return found


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the path") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} is no TOML file ({error}); write one setting a line, as port = 8080") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable in sorted(environ):
        if variable.startswith(PREFIX):
            name = variable.removeprefix(PREFIX).lower()
            values[name] = _value(name, environ[variable])
    return values


def _value(name: str, text: str) -> Any:
    if name in LISTS:
        return [part.strip() for part in text.split(",") if part.strip()]
    if text.startswith("{"):
        try:
            return parse_json(text)
        except ValueError as error:
            raise InputError(
                f"{PREFIX}{name.upper()} is no JSON ({error}); write an object, or another value"
            ) from None
    return None if text == "" else text
