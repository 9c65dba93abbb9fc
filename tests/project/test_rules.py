from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
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


@pytest.fixture(params=FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def file(request: pytest.FixtureRequest) -> Path:
    return request.param


@functools.cache
def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@pytest.fixture
def tree(file: Path) -> ast.Module:
    return parse(file)


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


def test_modules_are_small_and_have_telling_names(file: Path) -> None:
    assert file.stem not in VAGUE_NAMES
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_nothing_is_pickled(tree: ast.Module) -> None:
    assert not {name.split(".")[0] for name in imports(tree)} & SERIALIZERS
    called = dict(calls(tree))
    assert not called.keys() & TORCH_FILES
    readers = [call for name, call in called.items() if name.rsplit(".", 1)[-1] in {"load", "save", "savez"}]
    assert not [call for call in readers if any(word.arg == "allow_pickle" for word in call.keywords)]


def test_only_the_command_line_writes_to_the_terminal(file: Path, tree: ast.Module) -> None:
    if file != SOURCE / "cli" / "output.py":
        assert "print" not in dict(calls(tree))
        is_program = any(isinstance(node, ast.If) and "__main__" in ast.unparse(node.test) for node in tree.body)
        assert is_program or not {"sys.stderr.write", "sys.stdout.write"} & dict(calls(tree)).keys()


def construction(tree: ast.AST) -> set[ast.AST]:
    """Return everything inside ``__init__`` methods: fresh weights, drawn under ``learning.seeding.initialized_by``."""
    methods = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    return {node for method in methods for node in ast.walk(method)}


def test_every_random_number_comes_from_a_generator(tree: ast.Module) -> None:
    assert "random" not in set(imports(tree)), "Python's own global generator"
    fresh_weights = construction(tree)
    for name, call in calls(tree):
        last, keywords = name.rsplit(".", 1)[-1], {word.arg for word in call.keywords}
        assert name not in GLOBAL_SEEDS
        assert last not in FORBIDDEN_CALLS, name
        if name in TORCH_RANDOM or (last in NEEDS_GENERATOR and "." in name):
            assert call in fresh_weights or "generator" in keywords, f"line {call.lineno}: {name} without generator="
        if name.startswith("np.random.") and name.count(".") == 2:
            assert last in NUMPY_GENERATORS, name
            assert call.args or call.keywords, f"line {call.lineno}: {name} without a seed"


def test_nothing_is_left_to_do(file: Path) -> None:
    mark = re.compile(r"#.*\b(TODO|FIXME|XXX|HACK)\b")
    assert [line for line in file.read_text(encoding="utf-8").splitlines() if mark.search(line)] == []


def test_packages_do_not_re_export_their_modules(file: Path, tree: ast.Module) -> None:
    if file.name == "__init__.py":
        eager = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        assert not [name for node in eager for name in imports(node) if name.startswith("underpaint")]
