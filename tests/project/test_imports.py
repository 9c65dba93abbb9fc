from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys

import underpaint

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(underpaint.__path__, "underpaint.")
    if not module.name.endswith("__main__")
)
COMMAND_LINE = ["underpaint", *(name for name in MODULES if name.startswith("underpaint.cli"))]
LIGHT = [
    *COMMAND_LINE,
    *(name for name in MODULES if name.startswith(("underpaint.core", "underpaint.recipes"))),
    *(name for name in MODULES if name.startswith("underpaint.stages") and name.endswith(".config")),
]


def loaded_by(modules: list[str]) -> set[str]:
    """Return the top-level packages that a fresh process holds after importing some modules."""
    code = f"import sys, {', '.join(modules)}, json; print(json.dumps([name.split('.')[0] for name in sys.modules]))"
    finished = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return set(json.loads(finished.stdout))


def test_every_module_can_be_imported() -> None:
    assert [importlib.import_module(name).__name__ for name in MODULES] == MODULES


def test_settings_recipes_and_the_command_line_do_not_load_torch() -> None:
    heavy = {"torch", "transformers", "diffusers", "mlcroissant", "pandas", "scipy", "imagehash"}
    assert not loaded_by(LIGHT) & heavy


def test_the_command_line_loads_nothing_but_the_standard_library() -> None:
    installed = {"numpy", "PIL", "pydantic", "safetensors", "tokenizers"}
    assert not loaded_by(COMMAND_LINE) & installed
