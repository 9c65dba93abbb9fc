"""A load as it is put on a running server: from a process of its own, with the server's processor time beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from serve_figures import Figures, figures_of
from serve_load import Load
from serve_servers import Running

LOAD = Path(__file__).parent / "serve_load.py"
SHARES = (0.5, 0.8, 1.0)
"""Open loads, as shares of what can be done."""
WARM_UP_S = 0.7

Plan = dict[str, Any]


def put(running: Running, plan: Plan, calls: Callable[[], bytes] = bytes) -> Figures:
    """Put a load on a server, from a process of its own, and return the figures."""
    command, cpu_s = [sys.executable, str(LOAD)], running.cpu_s()
    told = json.dumps(plan | {"url": running.url})
    said = subprocess.run(command, input=told, capture_output=True, text=True, check=True).stdout
    return figures_of(Load(**json.loads(said)), running.cpu_s() - cpu_s, calls())


def closed(callers: int, seconds: float, bodies: Sequence[Plan]) -> Plan:
    """Return the plan of a closed load."""
    return {"kind": "closed", "callers": callers, "seconds": seconds, "bodies": bodies}


def opened(rate: float, seconds: float, bodies: Sequence[Plan], seed: int) -> Plan:
    """Return the plan of an open load."""
    return {"kind": "open", "rate": rate, "seconds": seconds, "bodies": bodies, "seed": seed}
