from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "underpaint"
FILES = sorted(SOURCE.rglob("*.py"))
MAX_LINES = 400
VAGUE_NAMES = {"common", "helpers", "misc", "tools", "util", "utils"}
SERIALIZERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
TORCH_FILES = {"torch.load", "torch.save", "torch.hub"}
GLOBAL_SEEDS = {"torch.manual_seed", "torch.seed", "torch.cuda.manual_seed", "np.random.seed", "numpy.random.seed"}
FORBIDDEN_CALLS = {"randn_like", "rand_like", "randint_like", "cuda"}
NUMPY_GENERATORS = {"Generator", "SeedSequence", "Philox", "PCG64", "default_rng"}
TORCH_RANDOM = {"torch.rand", "torch.randn", "torch.randint", "torch.randperm", "torch.normal"}
NEEDS_GENERATOR = {
    "bernoulli", "bernoulli_", "cauchy_", "exponential_", "geometric_", "log_normal_", "multinomial", "normal_",
    "random_", "trunc_normal_", "uniform_", "kaiming_normal_", "kaiming_uniform_", "xavier_normal_", "xavier_uniform_",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Source:
    """One file of the package, read and walked once for all rules."""

    path: Path
    text: str
    tree: ast.Module
    imports: tuple[str, ...]
    calls: tuple[tuple[str, ast.Call], ...]

    @property
    def called(self) -> dict[str, ast.Call]:
        return dict(self.calls)


def read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    return Source(path=path, text=text, tree=tree, imports=tuple(imports(tree)), calls=tuple(calls(tree)))


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    return [read(path) for path in FILES]


def offenders(sources: list[Source], breaks: Callable[[Source], object]) -> dict[str, object]:
    """Return what breaks a rule: name of the file to what was found in it."""
    found = {one.path.relative_to(SOURCE).as_posix(): breaks(one) for one in sources}
    return {name: what for name, what in found.items() if what}


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call with the dotted name of what is called, as far as it is made of names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_modules_are_small_and_have_telling_names(sources: list[Source]) -> None:
    assert len(sources) > 100
    assert offenders(sources, lambda one: one.path.stem in VAGUE_NAMES) == {}
    assert offenders(sources, lambda one: len(one.text.splitlines()) > MAX_LINES) == {}


def pickled(one: Source) -> list[str]:
    found = [name for name in one.imports if name.split(".")[0] in SERIALIZERS]
    found += [name for name in one.called if name in TORCH_FILES]
    readers = [(name, call) for name, call in one.calls if name.rsplit(".", 1)[-1] in {"load", "save", "savez"}]
    return found + [name for name, call in readers if any(word.arg == "allow_pickle" for word in call.keywords)]


def test_nothing_is_pickled(sources: list[Source]) -> None:
    assert offenders(sources, pickled) == {}


def written(one: Source) -> set[str]:
    if one.path == SOURCE / "cli" / "output.py":
        return set()
    is_program = any(isinstance(node, ast.If) and "__main__" in ast.unparse(node.test) for node in one.tree.body)
    return one.called.keys() & ({"print"} if is_program else {"print", "sys.stderr.write", "sys.stdout.write"})


def test_only_the_command_line_writes_to_the_terminal(sources: list[Source]) -> None:
    assert offenders(sources, written) == {}


def construction(tree: ast.AST) -> set[ast.AST]:
    """Return everything inside ``__init__`` methods: fresh weights, drawn under ``learning.seeding.initialized_by``."""
    methods = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    return {node for method in methods for node in ast.walk(method)}


def is_unseeded(name: str, call: ast.Call, fresh_weights: set[ast.AST]) -> bool:
    last, keywords = name.rsplit(".", 1)[-1], {word.arg for word in call.keywords}
    if name in GLOBAL_SEEDS or last in FORBIDDEN_CALLS:
        return True
    if name in TORCH_RANDOM or (last in NEEDS_GENERATOR and "." in name):
        return call not in fresh_weights and "generator" not in keywords
    if name.startswith("np.random.") and name.count(".") == 2:
        return last not in NUMPY_GENERATORS or not (call.args or call.keywords)
    return False


def unseeded(one: Source) -> list[str]:
    fresh_weights = construction(one.tree)
    found = [f"line {call.lineno}: {name}" for name, call in one.calls if is_unseeded(name, call, fresh_weights)]
    return found + ["Python's own global generator"] * ("random" in one.imports)


def test_every_random_number_comes_from_a_generator(sources: list[Source]) -> None:
    assert offenders(sources, unseeded) == {}


def test_nothing_is_left_to_do(sources: list[Source]) -> None:
    mark = re.compile(r"#.*\b(TODO|FIXME|XXX|HACK)\b")
    assert offenders(sources, lambda one: [line for line in one.text.splitlines() if mark.search(line)]) == {}


def re_exported(one: Source) -> list[str]:
    if one.path.name != "__init__.py":
        return []
    eager = [node for node in one.tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return [name for node in eager for name in imports(node) if name.startswith("underpaint")]


def test_packages_do_not_re_export_their_modules(sources: list[Source]) -> None:
    assert offenders(sources, re_exported) == {}


BROKEN = {
    pickled: ["import pickle", "torch.load(path)", "np.load(path, allow_pickle=True)", "from dill import dumps"],
    written: ["print(1)", "sys.stdout.write('x')"],
    unseeded: [
        "import random",
        "torch.manual_seed(1)",
        "torch.randn_like(x)",
        "torch.randn(2)",
        "x.normal_()",
        "np.random.default_rng()",
        "np.random.rand(3)",
    ],
    re_exported: ["from underpaint.core import errors"],
}
KEPT = {
    pickled: ["np.load(path)", "load_file(path)"],
    written: ["if __name__ == '__main__':\n    sys.stdout.write('x')", "output.report('x')"],
    unseeded: [
        "torch.randn(2, generator=g)",
        "np.random.default_rng(1)",
        "class A:\n    def __init__(self):\n        self.w = torch.randn(2)",
    ],
    re_exported: ["import os"],
}


def planted(tmp_path: Path, text: str) -> Source:
    path = tmp_path / "__init__.py"
    path.write_text(text, encoding="utf-8")
    return read(path)


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in BROKEN.items() for text in texts])
def test_what_breaks_a_rule_is_found(tmp_path: Path, rule: Callable[[Source], object], text: str) -> None:
    assert rule(planted(tmp_path, text))


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in KEPT.items() for text in texts])
def test_what_keeps_a_rule_is_left_alone(tmp_path: Path, rule: Callable[[Source], object], text: str) -> None:
    assert not rule(planted(tmp_path, text))
