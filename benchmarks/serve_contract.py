"""Whether a server answers as its OpenAPI document says, whatever it is sent: thousands of made-up requests.

``serve_contract.py --examples 40`` starts a server of the shipped model, or of ``--model``, and lets schemathesis
send requests that fit the document and such that do not, and prints what it found. Left out is the check that all that
fits the schema is accepted: what a model can draw depends on more than a schema says.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import describe_machine

ADDRESS = re.compile(r"on (http://\S+)$", re.MULTILINE)
CONFIG = "schemathesis.toml"
LEFT_OUT = "positive_data_acceptance"
ENDLESS = "/api/v1/events"
"""A stream that ends with the server; its tests are in ``tests/stages/serve/http/test_gallery.py``."""
REFUSALS = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429", "5xx"]
"""What may answer what does not fit the schema: what schemathesis expects, and 413, as documented for long bodies."""
ARCHIVE = "/api/v1/batch-list/{list_id}/archive"
"""Says 404 of a list as long as none of its pictures is there; schemathesis takes that for a list that is gone."""
SETTINGS = f"""[checks.negative_data_rejection]
expected-statuses = {json.dumps(REFUSALS)}

[[operations]]
include-path = "{ARCHIVE}"
checks.ensure_resource_availability.enabled = false
"""
CASES = re.compile(r"(\d[\d,]*) generated")


def check(url: str, *, examples: int, seed: int, phases: str = "examples,coverage,fuzzing,stateful") -> tuple[int, str]:
    """Send requests to a server and return how many, and what was found.

    Args:
        url: The server's address.
        examples: Requests of each kind for each operation, at most.
        seed: Chooses them.
        phases: As schemathesis calls its ways of making requests.

    Returns:
        The number of requests, and the report; it ends with what failed.
    """
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIG),
        *("run", f"{url}/openapi.json", "--phases", phases),
        *("--max-examples", str(examples), "--seed", str(seed), "--exclude-checks", LEFT_OUT, "--warnings", "off"),
        *("--exclude-path", ENDLESS),
        *(
            "--wait-for-schema",
            "60",
            "--generation-database",
            "none",
            "--suppress-health-check",
            "all",
            "--continue-on-failure",
            "--no-color",
        ),
    ]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, CONFIG).write_text(SETTINGS, encoding="utf-8")
        finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    text = finished.stdout + finished.stderr
    found = CASES.search(text)
    if found is None:
        raise SystemExit(f"schemathesis did not run:\n{text}")
    return int(found[1].replace(",", "")), "" if finished.returncode == 0 else text


def start(state: Path, model: list[str]) -> tuple[subprocess.Popen[bytes], str, Path]:
    """Start a server and return its process, its address, and the file of its log."""
    log = state / "log"
    command = [sys.executable, "-m", "underpaint", "serve", "--port", "0", "--state", str(state), *model]
    with log.open("w") as file:
        process = subprocess.Popen(command, stderr=file)
    while process.poll() is None:
        if match := ADDRESS.search(log.read_text()):
            return process, match[1], log
        time.sleep(0.1)
    raise SystemExit(f"the server did not start:\n{log.read_text()}")


def main() -> None:
    """Start a server, check it, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", help="a model's folder; it is drawn with torch")
    args = parser.parse_args()
    model = ["-m", f"model={args.model}", "--engine", "torch"] if args.model else []
    with tempfile.TemporaryDirectory() as state:
        process, url, log = start(Path(state), model)
        try:
            cases, report = check(url, examples=args.examples, seed=args.seed)
        finally:
            process.terminate()
            code = process.wait(60)
        defects = [line for line in log.read_text().splitlines() if " defect" in line]
    print(report)
    print(json.dumps({"cases": cases, "clean": not report, "exit_code": code, "defects": defects} | describe_machine()))


if __name__ == "__main__":
    main()
