"""The page's modules by the tools of their trade: types that hold, one form for all."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from underpaint.core.cache import cache_folder
from underpaint.stages.serve.http.studio import FOLDER

TOOLS = ("typescript@5.9.3", "prettier@3.10.1")
TYPES = [
    *("--noEmit", "--allowJs", "--checkJs", "--strict", "false"),
    *("--target", "es2024", "--lib", "es2024,dom,dom.iterable", "--module", "esnext", "--moduleResolution", "bundler"),
]
FORM = ["--no-editorconfig", "--tab-width", "2", "--print-width", "120", "--single-quote", "--check"]

pytestmark = [pytest.mark.network, pytest.mark.slow]


@pytest.fixture(scope="module")
def tools(tmp_path_factory) -> Path:
    """The folder of the tools' programs, fetched once for all runs."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    kept = cache_folder() / "-".join(["studio", *TOOLS]).replace("@", "-")
    if not kept.exists():
        fresh = tmp_path_factory.mktemp("tools")
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", fresh, *TOOLS]
        if subprocess.run(command, capture_output=True, text=True, check=False).returncode != 0:
            pytest.skip("npm cannot fetch the tools")
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(fresh, kept)
    return kept / "node_modules"


def test_the_types_of_all_modules_hold(tools):
    views = sorted((FOLDER / "js" / "views").glob("*.js"))
    program = tools / "typescript" / "lib" / "tsc.js"
    command = ["node", program, *TYPES, FOLDER / "js" / "main.js", *views]
    finished = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout) == (0, ""), finished.stderr


def test_all_modules_and_styles_have_one_form(tools):
    files = sorted([*(FOLDER / "js").rglob("*.js"), *(FOLDER / "css").glob("*.css")])
    program = tools / "prettier" / "bin" / "prettier.cjs"
    finished = subprocess.run(["node", program, *FORM, *files], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
