"""``underpaint doctor``: what this machine has, what underpaint does with it, and what could be installed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NamedTuple

from underpaint.cli.output import SETUP, Output
from underpaint.core.errors import ArtifactError, UnderpaintError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from underpaint.runtime.findings import Finding
    from underpaint.runtime.fingerprint import Fingerprint

EPILOG = """It starts no engine, opens no connection and changes nothing. It leaves with 4 if a file of a shipped model
is missing or changed, and with 5 if a package is missing without which nothing can be drawn.

examples:
  underpaint doctor
  underpaint doctor --json
"""

SECTIONS = {"used": "What is used", "machine": "What this machine has", "software": "What is installed"}
MARKS = {"ok": " ", "note": "*", "missing": "-", "broken": "!"}
LEGEND = "* worth knowing   - could be installed   ! has to be mended"
NAME_WIDTH, LINE_WIDTH = 16, 110


class Engine(NamedTuple):
    """What draws: its name, None if nothing can, the reason, and whether it edits too."""

    name: str | None
    why: str
    edits: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EPILOG


def run(_args: argparse.Namespace, output: Output) -> int:
    """Look at the machine, the packages and the shipped models, and say what each means."""
    from underpaint import __version__
    from underpaint.runtime.findings import findings_of
    from underpaint.runtime.fingerprint import read_fingerprint
    from underpaint.runtime.gpu import read_gpus
    from underpaint.runtime.installed import torch_cuda
    from underpaint.runtime.software import software_findings

    gpus = read_gpus()
    fingerprint = read_fingerprint(gpus=gpus)
    engine = choose_engine()
    found = [
        engine_finding(engine, fingerprint.engines),
        *model_findings(),
        *findings_of(fingerprint, cuda=torch_cuda(), gpu_problem=gpus.problem),
        cache_finding(),
        *software_findings(gpu=bool(gpus.found)),
    ]
    title = f"underpaint {__version__} · class {fingerprint.host_class} · fingerprint {fingerprint.digest()[:16]}"
    output.result(describe(title, found), as_data(__version__, fingerprint, engine, found))
    return exit_code(found)


def choose_engine() -> Engine:
    """Return the engine that ``underpaint generate`` takes for the shipped model."""
    from underpaint.pipelines.model_folder import open_model

    try:
        from underpaint.pipelines.editing.asking import edits_as_graph
        from underpaint.pipelines.engine_choice import choose

        choice = choose(model := open_model())
    except ModuleNotFoundError as error:
        return Engine(None, f"nothing can be drawn without the Python package {error.name}")
    except UnderpaintError as error:
        return Engine(None, str(error))
    return Engine(choice.name, choice.why, choice.name == "torch" or edits_as_graph(model, choice.name))


def engine_finding(engine: Engine, engines: Mapping[str, str]) -> Finding:
    """Say which engine draws and why.

    Args:
        engine: The chosen one.
        engines: Engine to version, of those that are installed.
    """
    from underpaint.runtime.findings import Finding

    if engine.name is None:
        return Finding(section="used", name="engine", value="none", meaning=engine.why, state="broken")
    value = f"{engine.name} {engines.get(engine.name, '')}".strip()
    takes = "generate and edit take" if engine.edits else "generate takes"
    return Finding(section="used", name="engine", value=value, meaning=f"underpaint {takes} it: {engine.why}")


def model_findings() -> Iterator[Finding]:
    """Compare the files of every shipped model, and of every exported form, with its manifest."""
    from underpaint.core.installing import mending
    from underpaint.pipelines.exported_folder import shipped_exports
    from underpaint.pipelines.model_folder import DEFAULT_MODEL, SHIPPED, shipped_models
    from underpaint.runtime.findings import Finding

    models = shipped_models()
    if DEFAULT_MODEL not in models:
        yield Finding(
            section="used",
            name="model",
            value=f"{DEFAULT_MODEL} is not in {SHIPPED}",
            meaning="underpaint generate has nothing to draw with unless -m names a model",
            state="broken",
            remedy=mending(),
        )
    for name, folder in {**models, **shipped_exports()}.items():
        yield model_finding(name, folder)


def model_finding(name: str, folder: Path) -> Finding:
    """Compare the files of a saved or exported model with its manifest, and open it.

    Neither is enough. Opening reads the small files and no weights; files that are whole may still not open, where the
    model is of another version or the one that it shares weights with is not there. What is read twice are settings.

    Args:
        name: What the model is called.
        folder: Where it lies.
    """
    from underpaint.core.artifact import verify
    from underpaint.core.installing import mending
    from underpaint.pipelines.opening import open_model
    from underpaint.runtime.findings import Finding, size

    try:
        manifest = verify(folder)
        shared = open_model(folder).shared
    except ArtifactError as error:
        value, meaning, remedy = f"{name} is damaged", str(error), mending()
        return Finding(section="used", name="model", value=value, meaning=meaning, state="broken", remedy=remedy)
    total = size(sum(entry.bytes for entry in manifest.files.values()))
    value = f"{name}, {len(manifest.files)} files, {total}{f' beside {shared.name}' if shared else ''}"
    meaning = f"whole: every file is as its manifest says ({manifest.digest[:12]})"
    return Finding(section="used", name="model", value=value, meaning=meaning)


def cache_finding() -> Finding:
    """Say where things are kept that can be made again, and how much room there is."""
    import os
    import shutil

    from underpaint.core.cache import cache_folder
    from underpaint.runtime.findings import Finding, size

    folder = cache_folder()
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    meaning = "downloads, renders and compiled models; UNDERPAINT_CACHE moves it, and it may be deleted at any time"
    if not os.access(there, os.W_OK):
        value, meaning = f"{folder} cannot be written", f"what would be kept there is made again: {meaning}"
        return Finding(section="machine", name="cache", value=value, meaning=meaning, state="note")
    value = f"{folder}, {size(shutil.disk_usage(there).free)} free"
    return Finding(section="machine", name="cache", value=value, meaning=meaning)


def exit_code(found: Iterable[Finding]) -> int:
    """Return 0, or the code of what has to be mended; a damaged model comes before a missing package."""
    broken = [finding.name for finding in found if finding.state == "broken"]
    if "model" in broken:
        return ArtifactError.exit_code
    return SETUP if broken else 0


def as_data(version: str, fingerprint: Fingerprint, engine: Engine, found: Sequence[Finding]) -> dict[str, Any]:
    """Return everything for machines.

    Args:
        version: Of underpaint.
        fingerprint: The machine.
        engine: What draws.
        found: All findings.
    """
    return {
        "version": version,
        "host_class": fingerprint.host_class,
        "digest": fingerprint.digest(),
        "fingerprint": fingerprint.model_dump(mode="json"),
        "engine": engine._asdict(),
        "findings": [finding.model_dump(mode="json") for finding in found],
    }


def describe(title: str, found: Sequence[Finding]) -> str:
    """Return all findings as lines for people: three sections, then the commands that would change something.

    Args:
        title: The first line.
        found: All findings.
    """
    lines = [title]
    for section, heading in SECTIONS.items():
        lines += ["", heading]
        for finding in found:
            if finding.section == section:
                lines += entry(finding)
    lines += ["", LEGEND, *commands("To mend", found, "broken"), *commands("To install for more", found, "missing")]
    return "\n".join(lines)


def entry(finding: Finding) -> list[str]:
    """Return the lines of one finding."""
    import textwrap

    indent = " " * (NAME_WIDTH + 4)
    wrapper = textwrap.TextWrapper(
        LINE_WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [f"{MARKS[finding.state]} {finding.name:<{NAME_WIDTH}}  {finding.value}", *wrapper.wrap(finding.meaning)]


def commands(heading: str, found: Iterable[Finding], state: str) -> list[str]:
    """Return the commands that findings of one state name, each once with what it is for; nothing if there are none."""
    names: dict[str, list[str]] = {}
    for finding in found:
        if finding.state == state and finding.remedy:
            names.setdefault(finding.remedy, []).append(finding.name)
    return ["", heading, *(f"  {remedy}  # {', '.join(wanted)}" for remedy, wanted in names.items())] if names else []
