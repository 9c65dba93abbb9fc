from __future__ import annotations

from importlib import metadata

import numpy as np
import pytest
import torch

from underpaint.runtime.installed import TORCH_CUDA, extra_of, pip_command, torch_cuda, version_of

NEEDS = [
    "numpy>=2.2",
    "transformers>=5; extra == 'dev'",
    "transformers>=5; extra == 'evaluate'",
    'resvg-py>=0.5; extra == "data"',
    "torch>=2.8; python_version >= '3.11' and extra == 'train'",
    "torchao>=1; extra == 'cuda'",
]


def test_versions_are_those_of_the_modules():
    assert version_of("no-such-package", "numpy") == np.__version__
    assert version_of("no-such-package") is None


@pytest.mark.parametrize(
    ("package", "extra"),
    [("numpy", ""), ("torch", "train"), ("transformers", "evaluate"), ("resvg_py", "data"), ("openvino", None)],
)
def test_the_extra_of_a_package_is_read_from_our_own_needs(package, extra):
    assert extra_of(package, NEEDS) == extra


def test_a_command_names_the_extra_where_there_is_one_and_all_packages_where_there_is_none():
    assert pip_command("torch", "torchvision", requirements=NEEDS) == "pip install 'underpaint[train]'"
    assert pip_command("numpy", requirements=NEEDS) == "pip install underpaint"
    assert pip_command("openvino", "nncf", requirements=NEEDS) == "pip install openvino nncf"
    assert pip_command("torch", requirements=[]) == "pip install torch"


def test_the_advice_for_torch_is_an_extra_that_exists():
    extras = metadata.metadata("underpaint").get_all("Provides-Extra") or []
    assert pip_command("torch") in {f"pip install 'underpaint[{extra}]'" for extra in extras}


def test_what_torch_was_built_for_is_read_without_importing_it():
    assert torch_cuda() == torch.version.cuda


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("cuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n", "13.0"),
        ("cuda = '12.6'\n", "12.6"),
        ("cuda: Optional[str] = None\nhip: Optional[str] = '6.4'\n", None),
    ],
)
def test_both_ways_of_writing_it_are_understood(text, version):
    found = TORCH_CUDA.search(text)
    assert (found["version"] if found else None) == version
