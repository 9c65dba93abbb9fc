"""Reading a gate's policy from a YAML, TOML or JSON file."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from underpaint.adapters.yaml import parse_yaml
from underpaint.core.config import parse_json
from underpaint.core.errors import PolicyError
from underpaint.core.policy import Policy, parse_policy
from underpaint.core.written_text import Written
from underpaint.stages.evaluate.catalog.table import METRICS
from underpaint.stages.evaluate.scores.controls import KNOWN_BAD

WRITTEN = Written(kind="policy", example="docs/examples/policy.yaml", error=PolicyError)
PARSERS: dict[str, Callable[[str], Any]] = {
    ".yaml": parse_yaml,
    ".yml": parse_yaml,
    ".toml": tomllib.loads,
    ".json": parse_json,
}
KNOWN = (*METRICS, "fd_pca<k>", "vendi_q<q>")
"""Names of metrics that a policy may speak of."""


def _check_looks(policy: Policy, source: str) -> None:
    """Refuse a required number whose name changes from look to look, since more pictures allow more dimensions."""
    changing = [rule.id for rule in policy.metrics if rule.tier == "required" and rule.metric.startswith("fd_pca")]
    if policy.looks > 1 and changing:
        raise PolicyError(
            f"{source}: {changing[0]!r} is required with looks: {policy.looks}, but its dimensions grow with "
            "the number of pictures, so that each look has another metric; ask for fd or kid, or write looks: 1"
        )


def _check_controls(policy: Policy, source: str) -> None:
    for name in policy.controls.known_bad:
        if name not in KNOWN_BAD:
            near = difflib.get_close_matches(name, KNOWN_BAD, n=1, cutoff=0.0)[0]
            raise PolicyError(
                f"{source}: controls.known_bad: there is no control {name!r:.60}; did you mean {near!r}? Known are "
                f"{', '.join(KNOWN_BAD)}"
            )


def read_policy(path: Path) -> Policy:
    """Read and check a policy.

    Args:
        path: A file that ends in ``.yaml``, ``.yml``, ``.toml`` or ``.json``.

    Raises:
        PolicyError: The file cannot be read, or is no sound policy; the message names the file, the key and what is
            allowed.
        MissingDependency: It is YAML, and PyYAML is not installed.
    """
    parse = PARSERS.get(path.suffix.lower())
    if parse is None:
        raise PolicyError(f"{path}: a policy ends in {', '.join(PARSERS)}, got {path.suffix!r}")
    try:
        values = parse(WRITTEN.read(path))
    except ValueError as error:
        raise PolicyError(f"{path} is no valid {path.suffix[1:].upper()}: {error}") from None
    policy = parse_policy(values, source=str(path), known=KNOWN)
    _check_looks(policy, str(path))
    _check_controls(policy, str(path))
    return policy
